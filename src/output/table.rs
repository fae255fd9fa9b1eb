//! Tables as people read them on a terminal.

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};

use crate::escape_control::escape_control;

/// A table without lines between rows: it can be read, and cut with awk.
pub fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header.iter().map(|title| cell(title.to_uppercase())));
    table
}

/// A cell. Names and messages in it keep to their row.
#[expect(
    clippy::needless_pass_by_value,
    reason = "whatever can be shown, borrowed or not"
)]
pub fn cell(text: impl ToString) -> Cell {
    made(&escape_control(&text.to_string()))
}

/// A cell of several lines that are ours; what stands in a line keeps to it.
pub fn paragraph(lines: &[String]) -> Cell {
    let lines = lines.iter().map(|line| escape_control(line)).collect::<Vec<_>>();
    made(&lines.join("\n"))
}

/// A cell for figures.
pub fn right(text: impl ToString) -> Cell {
    cell(text).set_alignment(CellAlignment::Right)
}

/// The table's text, without the blanks that fill its lines.
pub fn text(table: &Table) -> String {
    let lines = table.lines().map(|line| line.trim_end().to_owned() + "\n");
    lines.collect()
}

#[expect(clippy::disallowed_methods, reason = "this is the one place")]
fn made(text: &str) -> Cell {
    Cell::new(text)
}

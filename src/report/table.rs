//! Tables as people read them on a terminal.

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};

/// A table without lines between rows: it can be read, and cut with awk.
pub fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header.iter().map(|title| Cell::new(title.to_uppercase())));
    table
}

/// A cell for figures.
pub fn right(text: impl ToString) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

/// The table's text, without the blanks that fill its lines.
pub fn text(table: &Table) -> String {
    let lines = table.lines().map(|line| line.trim_end().to_owned() + "\n");
    lines.collect()
}

//! Tables as people read them on a terminal.

use std::collections::HashSet;

use comfy_table::{
    Cell, CellAlignment, ColumnConstraint, ContentArrangement, Table, Width, presets,
};

use super::wrap::between_words;
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
    let escaped = lines.iter().map(|line| escape_control(line)).collect::<Vec<_>>();
    made(&escaped.join("\n"))
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

/// How a table gives way where a terminal is narrow. Columns are known by their titles.
#[derive(Debug, Clone, Copy, Default)]
pub struct Narrow {
    /// The one whose text goes on in the next line, between words.
    pub wraps: &'static str,
    /// Those that are left out, the least important first.
    pub drops: &'static [&'static str],
    /// Those that are left out where all rows say the same.
    pub alike: &'static [&'static str],
}

/// The table's text for lines of so many characters; `None`: as long as it takes. Columns with nothing in
/// them are left out. A word is never broken: where the columns have no room beside each other, each
/// row is a block of lines.
pub fn fitted(table: &Table, narrow: Narrow, width: Option<u16>) -> String {
    let mut grid = Grid::of(table);
    grid.leave_out_empty();
    for title in narrow.alike {
        if grid.is_alike(title) {
            grid.leave_out(Some(title));
        }
    }
    let whole = grid.clone();
    let Some(width) = width.map(usize::from) else {
        return grid.drawn(None);
    };
    for title in std::iter::once(None).chain(narrow.drops.iter().map(Some)) {
        grid.leave_out(title.copied());
        if grid.width() <= width {
            return grid.drawn(None);
        }
        let wrapped = grid.titles.iter().position(|title| *title == narrow.wraps.to_uppercase());
        if let Some(at) = wrapped
            && let room = (width + grid.widths[at]).saturating_sub(grid.width())
            && room >= LEAST_ROOM.max(grid.longest_word(at))
        {
            return grid.drawn(Some((at, room)));
        }
    }
    whole.blocks(width)
}

/// A text in a narrower column is not read any more.
const LEAST_ROOM: usize = 24;
/// The blanks around a column.
const PADDING: usize = 2;

/// What stands in a table.
#[derive(Clone)]
struct Grid {
    titles: Vec<String>,
    rows: Vec<Vec<Cell>>,
    /// Of each column, without blanks.
    widths: Vec<usize>,
}

impl Grid {
    fn of(table: &Table) -> Grid {
        let titles = table.header().into_iter().flat_map(|row| row.cell_iter());
        Grid {
            titles: titles.map(Cell::content).collect(),
            rows: table.row_iter().map(|row| row.cell_iter().cloned().collect()).collect(),
            widths: table.column_max_content_widths().into_iter().map(usize::from).collect(),
        }
    }

    /// What the lines take; blanks at their end are cut off.
    fn width(&self) -> usize {
        self.widths.iter().map(|width| width + PADDING).sum::<usize>().saturating_sub(1)
    }

    /// Whether there are several rows, and the column has the same text in each.
    fn is_alike(&self, title: &str) -> bool {
        let at = self.titles.iter().position(|known| *known == title.to_uppercase());
        let texts = self
            .rows
            .iter()
            .filter_map(|row| Some(row.get(at?)?.content()))
            .collect::<HashSet<_>>();
        self.rows.len() > 1 && texts.len() == 1
    }

    /// What is nothing or zero in each row tells nothing.
    fn leave_out_empty(&mut self) {
        let is_empty = |at: usize| {
            let mut cells = self.rows.iter().filter_map(|row| row.get(at));
            cells.all(|cell| matches!(cell.content().trim(), "" | "-" | "0"))
        };
        let empty = (1..self.titles.len()).filter(|at| is_empty(*at)).collect::<Vec<_>>();
        for at in empty.into_iter().rev() {
            self.remove(at);
        }
    }

    fn leave_out(&mut self, title: Option<&str>) {
        let at = title
            .and_then(|title| self.titles.iter().position(|known| *known == title.to_uppercase()));
        if let Some(at) = at {
            self.remove(at);
        }
    }

    fn remove(&mut self, at: usize) {
        self.titles.remove(at);
        self.widths.remove(at);
        for row in self.rows.iter_mut().filter(|row| at < row.len()) {
            row.remove(at);
        }
    }

    fn longest_word(&self, at: usize) -> usize {
        let texts = self.rows.iter().filter_map(|row| row.get(at)).map(Cell::content);
        let words =
            texts.flat_map(|text| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        widest(words)
    }

    /// With one column, by its place, kept to so many characters.
    fn drawn(mut self, wrapped: Option<(usize, usize)>) -> String {
        let titles = self.titles.iter().map(String::as_str).collect::<Vec<_>>();
        let mut drawn = table(&titles);
        for row in std::mem::take(&mut self.rows) {
            drawn.add_row(row);
        }
        let Some((at, room)) = wrapped else {
            drawn.set_content_arrangement(ContentArrangement::Disabled);
            return text(&drawn);
        };
        self.widths[at] = room;
        drawn.set_width(characters(self.width() + 1));
        for (column, width) in drawn.column_iter_mut().zip(&self.widths) {
            let width = Width::Fixed(characters(width + PADDING));
            column.set_constraint(ColumnConstraint::Absolute(width));
        }
        text(&drawn)
    }

    /// A line that says what a row is about, and below it the others with their titles, as many in a line
    /// as it has room for.
    fn blocks(&self, width: usize) -> String {
        let about = self.about();
        let mut blocks = String::new();
        for row in &self.rows {
            let cells = self
                .titles
                .iter()
                .zip(row.iter().map(Cell::content))
                .enumerate()
                .filter(|(_, (_, text))| !matches!(text.trim(), "" | "-"));
            let (first, others) = cells.partition::<Vec<_>, _>(|(at, _)| *at < about);
            let head = first.into_iter().map(|(_, (_, text))| text).collect::<Vec<_>>().join(" ");
            let rest = others.into_iter().map(|(_, (title, text))| match title.as_str() {
                "" => text,
                title => format!("{}: {text}", title.to_lowercase()),
            });
            let mut lines = between_words(&head, width.saturating_sub(1), FURTHER_IN - 1);
            lines.extend(side_by_side(rest, width.saturating_sub(FURTHER_IN)));
            let further = format!("\n{}", " ".repeat(FURTHER_IN));
            blocks.push_str(&format!(" {}\n", lines.join(&further)));
        }
        blocks
    }

    /// How many of the first columns say what a row is about: up to its name, two where it has none.
    fn about(&self) -> usize {
        let name = self.titles.iter().position(|title| NAMES.contains(&title.as_str()));
        name.map_or(2, |at| at + 1)
    }
}

/// Titles of the column that names what a row is about.
const NAMES: [&str; 7] = [
    "OBJECT",
    "TABLE",
    "VIEW",
    "INDEX",
    "STATEMENT",
    "INDEX TO CREATE",
    "NOT NEEDED BY THE WORKLOAD",
];
/// How far in the further lines of a block stand.
const FURTHER_IN: usize = 4;

/// As many in a line as it has room for; what is longer than a line goes on in the next.
fn side_by_side(parts: impl Iterator<Item = String>, width: usize) -> Vec<String> {
    let mut lines = Vec::<String>::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if shown_width(line) + 2 + shown_width(&part) <= width => {
                line.push_str(&format!("  {part}"));
            }
            _ => lines.extend(between_words(&part, width, 0)),
        }
    }
    lines
}

/// How many columns of a terminal a text takes, as the tables reckon.
pub fn shown_width(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    widest(std::iter::once(text.to_owned()))
}

/// How many the widest of them takes.
fn widest(texts: impl Iterator<Item = String>) -> usize {
    let mut table = Table::new();
    for text in texts {
        table.add_row(vec![made(&text)]);
    }
    table.column_max_content_widths().first().map_or(0, |width| usize::from(*width))
}

/// As tables count them.
fn characters(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

#[expect(clippy::disallowed_methods, reason = "this is the one place")]
fn made(text: &str) -> Cell {
    Cell::new(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps() -> Table {
        let mut table = table(&["status", "object", "size", "nothing", "why"]);
        let why = "a reason of several words that goes on";
        table.add_row(vec![
            cell("done"),
            cell("public.a_name_of_its_own"),
            right("12 MiB"),
            cell("-"),
            cell(why),
        ]);
        table
    }

    const NARROW: Narrow = Narrow { wraps: "why", drops: &["size"], alike: &[] };

    fn widest(text: &str) -> usize {
        text.lines().map(|line| line.chars().count()).max().unwrap()
    }

    #[test]
    fn a_table_gives_way_to_its_terminal_and_breaks_no_word() {
        let whole = fitted(&steps(), NARROW, None);
        assert!(whole.contains("12 MiB") && !whole.contains("NOTHING"), "{whole}");
        assert_eq!(whole.lines().count(), 2, "{whole}");
        for width in [40, 60, 70, 80, 120] {
            let text = fitted(&steps(), NARROW, Some(width));
            assert!(widest(&text) <= usize::from(width), "{width}:\n{text}");
            assert!(text.contains("public.a_name_of_its_own"), "{width}:\n{text}");
        }
        let narrow = fitted(&steps(), NARROW, Some(66));
        assert!(!narrow.contains("SIZE") && narrow.contains("STATUS"), "{narrow}");
        let blocks = fitted(&steps(), NARROW, Some(40));
        assert!(
            blocks.starts_with(" done public.a_name_of_its_own\n    size: 12 MiB\n"),
            "{blocks}"
        );
    }

    #[test]
    fn a_block_names_its_object_first_and_says_nothing_that_all_blocks_say() {
        let mut table = table(&["status", "action", "object", "lock", "time", "size", "empty"]);
        for name in ["public.a_name_of_its_own", "public.a_name_that_is_longer_than_the_line"] {
            let cells = ["done", "build index", name, "the same", "1.2 s", "12 MiB", "-"];
            table.add_row(cells.map(cell));
        }
        let narrow = Narrow { wraps: "", drops: &[], alike: &["action", "lock"] };
        let wanted = " done public.a_name_of_its_own\n    time: 1.2 s  size: 12 MiB\n \
                      done\n    public.a_name_that_is_longer_than_the_line\n    time: 1.2 s  size: 12 MiB\n";
        assert_eq!(fitted(&table, narrow, Some(40)), wanted);
    }

    #[test]
    fn a_column_without_a_title_says_enough_by_itself() {
        let mut table = table(&["statement", "cost", "after", ""]);
        for name in ["one/of/the/files.sql:1", "another/of/the/files.sql:1"] {
            table.add_row([name, "1,234.50", "12.00", "better"].map(cell));
        }
        let wanted = " one/of/the/files.sql:1\n    cost: 1,234.50  after: 12.00\n    better\n \
                      another/of/the/files.sql:1\n    cost: 1,234.50  after: 12.00\n    better\n";
        assert_eq!(fitted(&table, Narrow::default(), Some(36)), wanted);
    }

    #[test]
    fn a_table_may_end_where_the_line_does() {
        let text = fitted(&steps(), NARROW, None);
        let exactly = u16::try_from(widest(&text)).unwrap();
        assert_eq!(fitted(&steps(), NARROW, Some(exactly)), text);
    }
}

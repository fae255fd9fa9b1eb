//! Sentences that are longer than a line of the terminal, which would break them inside words.

use super::table::shown_width;

/// Lines of at most so many characters, where words allow it; `None`: as long as it takes. What goes on
/// in a further line stands two characters further in. A command stays as it is, so that it can be copied;
/// of a quoted line of a file so much is left as fits, around its caret.
pub fn prose(text: &str, width: Option<u16>) -> String {
    let Some(width) = width.map(usize::from) else {
        return text.to_owned();
    };
    let mut wrapped = String::new();
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        let (text, end) = parted(line);
        let below = lines.peek().map(|below| parted(below));
        if let Some((quoted, caret)) = below.and_then(|(below, _)| cut(text, below, width)) {
            let below_end = below.map_or("", |(_, end)| end);
            wrapped.push_str(&format!("{quoted}{end}{caret}{below_end}"));
            lines.next();
        } else if is_code(text) || shown_width(text) <= width {
            wrapped.push_str(line);
        } else {
            wrapped.push_str(&(one_line(text, width) + end));
        }
    }
    wrapped
}

/// A line, and what ends it.
fn parted(line: &str) -> (&str, &str) {
    line.strip_suffix('\n').map_or((line, ""), |text| (text, "\n"))
}

/// A quoted line that is too long, and the line with its caret below: as much as fits.
/// `None`: they are no such lines, or short enough.
fn cut(quoted: &str, caret: &str, width: usize) -> Option<(String, String)> {
    let (number, text) = quoted.split_once(" | ").filter(|_| is_code(quoted))?;
    let (blank, under) = caret.split_once(" | ")?;
    let at = under
        .strip_suffix('^')
        .filter(|before| before.trim().is_empty())?
        .chars()
        .count();
    let room = width.saturating_sub(number.len() + BAR);
    if shown_width(quoted) <= width || room < LEAST {
        return None;
    }
    let chars = text.chars().collect::<Vec<_>>();
    let from = if at < room - 1 { 0 } else { at - room / 2 };
    let lead = if from == 0 { "" } else { "…" };
    let mut shown = lead.to_owned();
    for (place, char) in chars.iter().enumerate().skip(from) {
        let is_last = place + 1 == chars.len();
        shown.push(*char);
        if shown_width(&shown) + usize::from(!is_last) > room {
            shown.pop();
            shown.push('…');
            break;
        }
    }
    let under = under.chars().skip(from).collect::<String>();
    let blanks = " ".repeat(lead.chars().count());
    Some((format!("{number} | {shown}"), format!("{blank} | {blanks}{under}")))
}

/// Characters of ` | `.
const BAR: usize = 3;
/// In less room nothing can be quoted.
const LEAST: usize = 10;

/// A command to copy, or a quoted line of a file with its number.
fn is_code(line: &str) -> bool {
    let text = line.trim_start();
    let number = text.trim_start_matches(|char: char| char.is_ascii_digit());
    text.starts_with("$ ") || number.trim_start().starts_with("| ")
}

fn one_line(text: &str, width: usize) -> String {
    let indentation = text.len() - text.trim_start_matches(' ').len();
    let (first, further) = (" ".repeat(indentation), " ".repeat(indentation + HANG));
    let lines = between_words(text, width.saturating_sub(indentation), HANG);
    format!("{first}{}", lines.join(&format!("\n{further}")))
}

/// How much further in a sentence goes on.
const HANG: usize = 2;

/// Lines of at most so many characters, those after the first of `hang` less, where words allow it.
pub fn between_words(text: &str, width: usize, hang: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut taken = 0;
    for word in text.split_whitespace() {
        let room = if lines.len() == 1 {
            width
        } else {
            width.saturating_sub(hang)
        };
        let wide = shown_width(word);
        match lines.last_mut() {
            Some(line) if line.is_empty() => {
                line.push_str(word);
                taken = wide;
            }
            Some(line) if taken + 1 + wide <= room => {
                line.push(' ');
                line.push_str(word);
                taken += 1 + wide;
            }
            _ => {
                lines.push(word.to_owned());
                taken = wide;
            }
        }
    }
    lines
}

/// A page of Markdown with its paragraphs as wide as the terminal is, to a limit; `None`: as it is written.
pub fn page(text: &str, width: Option<u16>) -> String {
    let Some(width) = width.map(|width| usize::from(width.min(WIDEST))) else {
        return text.to_owned();
    };
    let mut page = String::new();
    let mut paragraph = String::new();
    let mut is_code = false;
    for line in text.lines() {
        let is_fence = line.starts_with("```");
        let is_apart = is_code || is_fence || line.is_empty() || line.starts_with(['#', '|']);
        if is_apart || line.starts_with("- ") {
            end_paragraph(&mut page, &mut paragraph, width);
        }
        match is_apart {
            true => page.push_str(&format!("{line}\n")),
            false => paragraph.push_str(&format!("{line} ")),
        }
        is_code ^= is_fence;
    }
    end_paragraph(&mut page, &mut paragraph, width);
    page
}

/// Longer lines are hard to read.
const WIDEST: u16 = 100;

fn end_paragraph(page: &mut String, paragraph: &mut String, width: usize) {
    let hang = if paragraph.starts_with("- ") { HANG } else { 0 };
    let lines = between_words(paragraph, width, hang);
    if !paragraph.is_empty() {
        page.push_str(&(lines.join(&format!("\n{}", " ".repeat(hang))) + "\n"));
    }
    paragraph.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_of_a_page_are_as_wide_as_the_terminal_and_code_stays() {
        let text = "# a title of many words\n\none two\nthree four\n- five six seven\n\n```sql\nSELECT 1, 2, 3, 4, 5;\n```\n";
        let wanted = "# a title of many words\n\none two three\nfour\n- five six\n  seven\n\n```sql\nSELECT 1, 2, 3, 4, 5;\n```\n";
        assert_eq!(page(text, Some(14)), wanted);
        assert_eq!(page(text, None), text);
    }

    #[test]
    fn sentences_break_between_words_and_go_on_further_in() {
        let text = "info: one two three four\n  five six seven eight nine\n";
        let wanted = "info: one two\n  three four\n  five six\n    seven\n    eight\n    nine\n";
        assert_eq!(prose(text, Some(13)), wanted);
        assert_eq!(prose(text, None), text);
        assert_eq!(prose("日本語 日本語", Some(8)), "日本語\n  日本語");
    }

    #[test]
    fn of_a_quoted_line_so_much_is_left_as_fits_around_its_caret() {
        let cut = |text: &str, width| prose(text, Some(width));
        let begin = "  7 | SELECT one, two, three FROM four\n    | ^\nafter\n";
        assert_eq!(cut(begin, 20), "  7 | SELECT one, t…\n    | ^\nafter\n");
        let end = "  7 | SELECT one, two, three FROM four\n    |                            ^";
        assert_eq!(cut(end, 20), "  7 | …ee FROM four\n    |         ^");
        let middle = "  7 | SELECT one, two, three FROM four\n    |                  ^";
        assert_eq!(cut(middle, 20), "  7 | …, two, three…\n    |         ^");
        assert_eq!(cut(end, 80), end);
        let narrow = "  7 | SELECT one, two, three\n    | ^";
        assert_eq!(cut(narrow, 12), narrow);
    }

    #[test]
    fn code_and_what_is_longer_than_a_line_stay_as_they_are() {
        for text in [
            "  $ pgtend vacuum public.customers",
            " 12 | SELECT one two three",
            "    |        ^ here it is",
            "public.a_name_of_its_own",
        ] {
            assert_eq!(prose(text, Some(12)), text);
        }
    }
}

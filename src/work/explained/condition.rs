//! Conditions as the server prints them in a plan: which columns an index could find rows by.

use std::iter::Peekable;
use std::str::Chars;

/// A piece of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    /// A name without quotes and dots: a keyword or a function.
    Word(String),
    /// A name with dots or quotes: alias and column.
    Path(Vec<String>),
    /// An operator, a comma, a bracket.
    Operator(String),
    /// What follows `::`.
    Cast(String),
    /// What is in parentheses.
    Group(Vec<Item>),
    /// A constant or parameter.
    Value,
}

/// A condition, taken apart.
#[derive(Debug)]
pub struct PlanCondition(Vec<Item>);

/// A column as conditions name it.
#[derive(Debug, Clone, Copy)]
pub struct ConditionColumn<'a> {
    /// The table's alias; `None` where no other table can be meant.
    pub alias: Option<&'a str>,
    /// The column's name without quotes.
    pub name: &'a str,
}

impl ConditionColumn<'_> {
    fn is(self, path: &[String]) -> bool {
        let (name, alias) = match path {
            [alias, name] => (name, Some(alias.as_str())),
            [name] => (name, None),
            _ => return false,
        };
        name == self.name && (self.alias.is_none() || self.alias == alias)
    }
}

impl PlanCondition {
    /// Takes the text apart; what it does not know has no columns.
    pub fn read(text: &str) -> PlanCondition {
        PlanCondition(items(&mut text.chars().peekable()).unwrap_or_default())
    }

    /// Whether the rows that it holds for can be found by the column alone: it is compared by one
    /// of the operators that `finds` names, not under OR.
    pub fn is_found_by(&self, column: ConditionColumn<'_>, finds: fn(&str) -> bool) -> bool {
        is_found(&self.0, column, finds)
    }

    /// Whether it is nothing but the column, as a sort key is; what follows as order is passed by.
    pub fn is_column(&self, column: ConditionColumn<'_>) -> bool {
        const ORDER: [&str; 5] = ["DESC", "ASC", "NULLS", "FIRST", "LAST"];
        let is_order = |item: &Item| matches!(item, Item::Word(word) if ORDER.contains(&&**word));
        let end = self.0.iter().rposition(|item| !is_order(item)).map_or(0, |last| last + 1);
        is_operand(&self.0[..end], column)
    }
}

fn is_found(items: &[Item], column: ConditionColumn<'_>, finds: fn(&str) -> bool) -> bool {
    if let [Item::Group(inner)] = items {
        return is_found(inner, column, finds);
    }
    let is = |item: &Item, word: &str| matches!(item, Item::Word(found) if found == word);
    if items.iter().any(|item| is(item, "OR")) {
        return false;
    }
    if items.iter().any(|item| is(item, "AND")) {
        return items.split(|item| is(item, "AND")).any(|part| is_found(part, column, finds));
    }
    if let Some(at) = items.iter().position(|item| is(item, "IS")) {
        let is_null = matches!(&items[at + 1..], [null] if is(null, "NULL"));
        return is_null && finds("=") && is_operand(&items[..at], column);
    }
    let is_comparison = |item: &Item| matches!(item, Item::Operator(operator) if finds(operator));
    match items.iter().position(is_comparison) {
        Some(at) => {
            let (left, right) = (&items[..at], &items[at + 1..]);
            let is_all = right.first().is_some_and(|item| is(item, "ALL"));
            !is_all && (is_operand(left, column) || is_operand(right, column))
        }
        // A condition can be a column of type boolean.
        None => {
            let rest = if items.first().is_some_and(|item| is(item, "NOT")) {
                1
            } else {
                0
            };
            finds("=") && is_operand(&items[rest..], column)
        }
    }
}

/// Whether it is the column: in parentheses, as text (no other cast leaves an index on the column
/// of use), or the first of a row that is compared as a whole.
fn is_operand(items: &[Item], column: ConditionColumn<'_>) -> bool {
    match items {
        [Item::Path(path)] => column.is(path),
        [Item::Word(word)] => column.is(std::slice::from_ref(word)),
        [Item::Group(inner)] => is_operand(inner, column),
        [rest @ .., Item::Cast(of)] => of == "text" && is_operand(rest, column),
        [Item::Word(row), Item::Group(inner)] if row == "ROW" => {
            let comma = Item::Operator(",".to_owned());
            inner
                .split(|item| *item == comma)
                .next()
                .is_some_and(|first| is_operand(first, column))
        }
        _ => false,
    }
}

type Text<'t> = Peekable<Chars<'t>>;

/// Nested more deeply than people write; a long chain of operators is.
const DEEPEST: usize = 100;

/// `None` where it is nested too deeply to be looked through.
fn items(text: &mut Text<'_>) -> Option<Vec<Item>> {
    let mut items = Vec::new();
    let mut around = Vec::new();
    while let Some(&next) = text.peek() {
        match next {
            '(' => {
                text.next();
                around.push(std::mem::take(&mut items));
                if around.len() > DEEPEST {
                    return None;
                }
            }
            ')' => {
                text.next();
                // One too many would put all before it one level deeper.
                if let Some(outer) = around.pop() {
                    let inner = std::mem::replace(&mut items, outer);
                    items.push(Item::Group(inner));
                }
            }
            _ => items.extend(item(text, next)),
        }
    }
    Some(items)
}

/// The piece that begins with `next`, if it is none of no meaning.
fn item(text: &mut Text<'_>, next: char) -> Option<Item> {
    Some(match next {
        '\'' => {
            quoted(text, '\'');
            Item::Value
        }
        '$' | '0'..='9' => {
            while text.next_if(|&c| is_name(c) || matches!(c, '$' | '.')).is_some() {}
            Item::Value
        }
        ':' => {
            while text.next_if_eq(&':').is_some() {}
            Item::Cast(cast(text))
        }
        '"' => name(text),
        _ if is_name(next) => name(text),
        _ if OPERATOR.contains(next) => {
            let mut operator = String::new();
            while let Some(c) = text.next_if(|c| OPERATOR.contains(*c)) {
                operator.push(c);
            }
            Item::Operator(operator)
        }
        ',' | '[' | ']' => {
            text.next();
            Item::Operator(next.to_string())
        }
        _ => {
            text.next();
            return None;
        }
    })
}

/// What operators are made of (PostgreSQL documentation, 4.1.3).
const OPERATOR: &str = "+-*/<>=~!@#%^&|`?";

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// What is in quotes, which are doubled inside.
fn quoted(text: &mut Text<'_>, quote: char) -> String {
    let mut inside = String::new();
    text.next();
    while let Some(c) = text.next() {
        if c == quote && text.next_if_eq(&quote).is_none() {
            break;
        }
        inside.push(c);
    }
    inside
}

fn name(text: &mut Text<'_>) -> Item {
    let mut path = Vec::new();
    let mut is_plain = true;
    loop {
        if text.peek() == Some(&'"') {
            is_plain = false;
            path.push(quoted(text, '"'));
        } else {
            let mut word = String::new();
            while let Some(c) = text.next_if(|&c| is_name(c) || c == '$') {
                word.push(c);
            }
            path.push(word);
        }
        if text.next_if_eq(&'.').is_none() {
            break;
        }
    }
    match path.pop() {
        // A string with backslashes: E'…'.
        Some(word) if path.is_empty() && word == "E" && text.peek() == Some(&'\'') => {
            quoted(text, '\'');
            Item::Value
        }
        Some(word) if path.is_empty() && is_plain => Item::Word(word),
        last => {
            path.extend(last);
            Item::Path(path)
        }
    }
}

/// A type's name; of one of several words the rest is read as words, which no operand has.
fn cast(text: &mut Text<'_>) -> String {
    let mut of = match name(text) {
        Item::Word(word) => word,
        Item::Path(path) => path.join("."),
        _ => String::new(),
    };
    while let Some(bracket) = text.next_if(|c| matches!(c, '[' | ']')) {
        of.push(bracket);
    }
    of
}

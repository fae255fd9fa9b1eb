//! Conditions of a plan, taken apart: what an index could find rows by.

use crate::syntax::lexer::{Token, TokenKind, tokens};
use crate::syntax::replaced;

/// How a condition compares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Comparator {
    /// `=`, `= ANY (…)`, `IS NULL`, or a column of type boolean.
    Equal,
    /// `<`, `<=`, `>=`, `>`.
    Range,
    /// `LIKE`.
    Like,
    /// `@>`, `&&`, `@@` and the like, which only an inverted index answers.
    Contains(String),
}

/// A condition on one table, joined to others by AND.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// What the plan calls the table.
    pub alias: String,
    /// What is compared, without the alias: a column or an expression, as SQL.
    pub expression: String,
    /// Where it is nothing but a column: its name.
    pub column: Option<String>,
    pub comparison: Comparator,
    /// The whole condition without the alias, where all else in it is constant.
    pub constant: Option<String>,
    /// What it is compared with, where that is another table's.
    pub other: Option<String>,
    /// The parameters on the other side.
    pub parameters: Vec<u32>,
    /// The other side is its upper limit.
    pub is_upper: bool,
}

impl Term {
    /// A value of the column as it can stand on the other side: the beginning of a text for LIKE, and an array where
    /// one is compared with.
    pub fn other_side(&self, value: String, is_array: bool) -> String {
        let value = match self.comparison {
            Comparator::Like => {
                let half = value.chars().count().div_ceil(2);
                format!("{}%", value.chars().take(half).collect::<String>())
            }
            _ => value,
        };
        match is_array && !value.starts_with('{') {
            true => format!("{{\"{}\"}}", value.replace('\\', "\\\\").replace('"', "\\\"")),
            false => value,
        }
    }
}

/// The terms of a condition as EXPLAIN (VERBOSE) prints it. What stands under OR is left out.
pub fn terms(condition: &str) -> Vec<Term> {
    parts(condition, Joined::ByAnd).into_iter().flat_map(term).collect()
}

/// All terms of a condition in which something is compared with a parameter, also those under OR.
pub fn terms_of_parameters(condition: &str) -> Vec<Term> {
    let all = parts(condition, Joined::ByAndOrOr).into_iter().flat_map(term);
    all.filter(|term| !term.parameters.is_empty()).collect()
}

/// What a sort key orders by, without its alias, and whether it goes down; `None`: not of one table.
pub fn sort_key(text: &str) -> Option<(Operand, bool)> {
    let found = list(text);
    let words = ["DESC", "ASC", "NULLS", "FIRST", "LAST"];
    let is_order =
        |token: &Token| token.kind == TokenKind::Word && words.contains(&token.text(text));
    let end = found.iter().rposition(|token| !is_order(token)).map_or(0, |last| last + 1);
    let descends = found[end..].iter().any(|token| token.text(text) == "DESC");
    // Another place of NULLs than the usual is no order that a plain index has.
    if found[end..].iter().any(|token| token.text(text) == "NULLS") {
        return None;
    }
    let end = found.get(end.checked_sub(1)?)?.end;
    Some((Operand::read(unwrapped(&text[..end]))?, descends))
}

/// A part of an expression that is about one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operand {
    pub alias: String,
    pub expression: String,
    pub column: Option<String>,
}

impl Operand {
    /// `None` where it is about no table or about several.
    pub fn read(text: &str) -> Option<Operand> {
        let text = without_text_cast(unwrapped(text));
        let found = list(text);
        let mut alias: Option<String> = None;
        let mut qualifiers = Vec::new();
        for at in 0..found.len() {
            let Some(name) = qualifier(text, &found, at) else {
                continue;
            };
            match &alias {
                Some(known) if *known != name => return None,
                _ => alias = Some(name),
            }
            qualifiers.push((found[at].start..found[at + 1].end, String::new()));
        }
        let expression = replaced(text, qualifiers);
        let column = (found.len() == 3).then(|| name_of(found[2].text(text)));
        Some(Operand { alias: alias?, expression, column })
    }
}

/// The alias that stands here before a column.
fn qualifier(text: &str, found: &[Token], at: usize) -> Option<String> {
    let is_name = |token: &Token| matches!(token.kind, TokenKind::Word | TokenKind::QuotedName);
    let [name, dot, column, rest @ ..] = &found[at..] else {
        return None;
    };
    let is_dotted = is_name(name)
        && dot.text(text) == "."
        && is_name(column)
        && dot.start == name.end
        && column.start == dot.end;
    let calls = rest
        .first()
        .is_some_and(|next| matches!(next.kind, TokenKind::Open(b'(')) && next.start == column.end);
    let is_inner = at > 0 && found[at - 1].text(text) == "." && found[at - 1].end == name.start;
    // `pg_catalog.lower(…)` and the type of a cast are no columns.
    let is_cast = at > 0 && found[at - 1].text(text) == "::";
    (is_dotted && !calls && !is_inner && !is_cast).then(|| name_of(name.text(text)))
}

fn name_of(word: &str) -> String {
    match word.strip_prefix('"').and_then(|word| word.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\""),
        None => word.to_owned(),
    }
}

fn list(text: &str) -> Vec<Token> {
    tokens(text).collect()
}

/// Without the parentheses that hold all of it.
fn unwrapped(text: &str) -> &str {
    let mut text = text.trim();
    while let Some(inner) = inner(text) {
        text = inner.trim();
    }
    text
}

fn inner(text: &str) -> Option<&str> {
    let found = list(text);
    let first = found.first().filter(|token| token.kind == TokenKind::Open(b'('))?;
    let mut depth = 0_usize;
    for token in &found {
        match token.kind {
            TokenKind::Open(_) => depth += 1,
            TokenKind::Close(_) => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            let is_last = token.end == text.len();
            return is_last.then(|| &text[first.end..token.start]);
        }
    }
    None
}

/// `(t.a)::text` of a varchar: an index on the column serves it all the same.
fn without_text_cast(text: &str) -> &str {
    match text.strip_suffix("::text") {
        Some(rest) if inner(rest).is_some() => unwrapped(rest),
        _ => text,
    }
}

/// What may join the parts of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Joined {
    ByAnd,
    ByAndOrOr,
}

/// What AND joins, in parentheses as deep as they go; nothing where OR joins, unless that is asked for.
fn parts(text: &str, joined: Joined) -> Vec<&str> {
    let text = unwrapped(text);
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for token in list(text) {
        match token.kind {
            TokenKind::Open(_) => depth += 1,
            TokenKind::Close(_) => depth = depth.saturating_sub(1),
            TokenKind::Word
                if depth == 0 && joined == Joined::ByAnd && token.text(text) == "OR" =>
            {
                return Vec::new();
            }
            TokenKind::Word if depth == 0 && matches!(token.text(text), "AND" | "OR") => {
                parts.push(&text[start..token.start]);
                start = token.end;
            }
            _ => {}
        }
    }
    if parts.is_empty() {
        return vec![text];
    }
    parts.push(&text[start..]);
    parts.into_iter().flat_map(|part| self::parts(part, joined)).collect()
}

fn term(text: &str) -> Vec<Term> {
    let text = unwrapped(text);
    if let Some(operand) = text.strip_suffix(" IS NULL").and_then(Operand::read) {
        return vec![made(operand, Comparator::Equal, constant(text), None)];
    }
    let Some((left, operator, right)) = compared(text) else {
        let plain = text.strip_prefix("NOT ").unwrap_or(text);
        let operand = Operand::read(plain).filter(|operand| operand.column.is_some());
        let of = |operand| made(operand, Comparator::Equal, constant(text), None);
        return operand.map(of).into_iter().collect();
    };
    let Some(comparison) = comparison(operator) else {
        return Vec::new();
    };
    let element = right.strip_prefix("ANY").map_or(right, str::trim_start);
    if element.starts_with("ALL ") {
        return Vec::new();
    }
    let (left, right) = ((left, Operand::read(left)), (element, Operand::read(element)));
    let of = |one: &(&str, Option<Operand>), facing: &(&str, Option<Operand>)| {
        let operand = one.1.clone()?;
        let has_column = list(facing.0)
            .iter()
            .enumerate()
            .any(|(at, _)| qualifier(facing.0, &list(facing.0), at).is_some());
        if has_column && facing.1.is_none() {
            return None;
        }
        let other = facing.1.as_ref().map(|operand| operand.alias.clone());
        let constant = if other.is_none() { constant(text) } else { None };
        let is_own = other.as_ref() == Some(&operand.alias);
        let mut term = made(operand, comparison.clone(), constant, other);
        term.parameters = parameters(facing.0);
        term.is_upper = operator.starts_with('<') == std::ptr::eq(one, &left);
        (!is_own).then_some(term)
    };
    [of(&left, &right), of(&right, &left)].into_iter().flatten().collect()
}

/// The parameters that a text names.
pub(super) fn parameters(text: &str) -> Vec<u32> {
    let found = tokens(text).filter(|token| token.kind == TokenKind::Parameter);
    found.filter_map(|token| token.text(text)[1..].parse().ok()).collect()
}

fn made(
    operand: Operand,
    comparison: Comparator,
    constant: Option<String>,
    other: Option<String>,
) -> Term {
    let Operand { alias, expression, column } = operand;
    let (parameters, is_upper) = (Vec::new(), false);
    Term {
        alias,
        expression,
        column,
        comparison,
        constant,
        other,
        parameters,
        is_upper,
    }
}

/// The condition without its alias, if nothing in it differs from call to call.
fn constant(text: &str) -> Option<String> {
    let found = list(text);
    if found.iter().any(|token| token.kind == TokenKind::Parameter) {
        return None;
    }
    Operand::read(text).map(|operand| operand.expression)
}

/// Left side, operator and right side, at the outermost level.
fn compared(text: &str) -> Option<(&str, &str, &str)> {
    let found = list(text);
    let mut depth = 0_usize;
    let is_sign = |token: &Token| {
        token.kind == TokenKind::Other && !matches!(token.text(text), "::" | ":" | "." | "$")
    };
    for (at, token) in found.iter().enumerate() {
        match token.kind {
            TokenKind::Open(_) => depth += 1,
            TokenKind::Close(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > 0 || !is_sign(token) {
            continue;
        }
        let joined = found[at..]
            .windows(2)
            .take_while(|pair| is_sign(&pair[1]) && pair[1].start == pair[0].end);
        let end = found[at + joined.count()].end;
        return Some((text[..token.start].trim(), &text[token.start..end], text[end..].trim()));
    }
    None
}

fn comparison(operator: &str) -> Option<Comparator> {
    Some(match operator {
        "=" => Comparator::Equal,
        "<" | "<=" | ">" | ">=" => Comparator::Range,
        "~~" | "~~*" => Comparator::Like,
        "@>" | "<@" | "&&" | "@@" | "?" | "?|" | "?&" | "@?" | "%" => {
            Comparator::Contains(operator.to_owned())
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(condition: &str) -> Vec<String> {
        let show = |term: Term| {
            format!(
                "{}: {} {:?} const={} other={}",
                term.alias,
                term.expression,
                term.comparison,
                term.constant.unwrap_or_default(),
                term.other.unwrap_or_default()
            )
        };
        terms(condition).into_iter().map(show).collect()
    }

    #[test]
    fn conditions_are_taken_apart() {
        for (condition, wanted) in [
            (
                "((o.status = 'new'::mood) AND (o.placed_at > $1))",
                &[
                    "o: status Equal const=status = 'new'::mood other=",
                    "o: placed_at Range const= other=",
                ][..],
            ),
            (
                "(o.customer_id = c.id)",
                &["o: customer_id Equal const= other=c", "c: id Equal const= other=o"],
            ),
            (
                "(lower((c.email)::text) = $1)",
                &["c: lower((email)::text) Equal const= other="],
            ),
            (
                "((c.name)::text ~~ 'a%'::text)",
                &["c: name Like const=(name)::text ~~ 'a%'::text other="],
            ),
            (
                "(e.payload @> '{\"k\": 5}'::jsonb)",
                &["e: payload Contains(\"@>\") const=payload @> '{\"k\": 5}'::jsonb other="],
            ),
            (
                "(c.vip AND (c.deleted_at IS NULL))",
                &[
                    "c: vip Equal const=vip other=",
                    "c: deleted_at Equal const=deleted_at IS NULL other=",
                ],
            ),
            (
                "(o.status = ANY ('{new,paid}'::public.mood[]))",
                &["o: status Equal const=status = ANY ('{new,paid}'::public.mood[]) other="],
            ),
            ("((o.a = 1) OR (o.b = 2))", &[]),
            ("(o.a = o.b)", &[]),
            ("(\"We;ird\".\"x y\" = 1)", &["We;ird: \"x y\" Equal const=\"x y\" = 1 other="]),
        ] {
            assert_eq!(shown(condition), wanted, "{condition}");
        }
    }

    #[test]
    fn parameters_are_found_on_either_side_and_under_or() {
        let shown = |condition| {
            let found = terms_of_parameters(condition).into_iter();
            let show = |term: Term| (term.expression, term.parameters, term.is_upper);
            found.map(show).collect::<Vec<_>>()
        };
        let found = shown("((o.a >= $1) AND ((o.a < $2) OR ($3 > lower(o.b))) AND (o.c = 1))");
        let wanted = [("a", 1, false), ("a", 2, true), ("lower(b)", 3, true)];
        let wanted = wanted.map(|(name, number, upper)| (name.to_owned(), vec![number], upper));
        assert_eq!(found, wanted);
    }

    #[test]
    fn sort_keys_have_a_direction() {
        let (operand, descends) = sort_key("o.placed_at DESC").unwrap();
        assert_eq!((operand.expression.as_str(), descends), ("placed_at", true));
        assert!(!sort_key("(lower(c.name))").unwrap().1);
        assert_eq!(sort_key("o.a DESC NULLS LAST"), None);
        assert_eq!(sort_key("(count(*))"), None);
    }
}

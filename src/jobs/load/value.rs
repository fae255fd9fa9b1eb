//! What `\set` gives a variable: as pgbench reads it, and values of files and columns besides.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::random::Random;
use crate::facts::column_values::ColumnValues;

/// The variables of a request.
pub type Variables = BTreeMap<String, String>;

/// A value to come.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Number(Expression),
    /// A line of a file.
    Line(Arc<[String]>),
    /// A value of a column, by its statistics.
    Drawn(Arc<ColumnValues>),
}

/// What a definition says before files and columns are looked into.
#[derive(Debug, Clone, PartialEq)]
pub enum Definition {
    Number(Expression),
    File(String),
    /// Names of the column, its table and perhaps its schema, in this order.
    Column(Vec<String>),
}

/// Whole numbers.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    Constant(i64),
    Variable(String),
    Random(Box<Expression>, Box<Expression>),
    Combined(Box<Expression>, char, Box<Expression>),
}

impl Value {
    /// The text that is sent.
    ///
    /// # Errors
    /// Why there is none, with a SQLSTATE.
    pub fn draw(
        &self,
        variables: &Variables,
        random: &mut Random,
    ) -> Result<String, (&'static str, String)> {
        match self {
            Value::Number(number) => number.value(variables, random).map(|value| value.to_string()),
            Value::Line(lines) => Ok(lines[random.place(lines.len())].clone()),
            Value::Drawn(values) => Ok(drawn(values, random)),
        }
    }
}

/// As often as the column has it: a common one by its share of the rows, and else one of the bounds, between which
/// equally many rows lie.
pub fn drawn(values: &ColumnValues, random: &mut Random) -> String {
    let mut left = random.share();
    for (value, share) in &values.common {
        left -= share;
        if left < 0.0 {
            return value.clone();
        }
    }
    let common = values.common.iter().map(|(value, _)| value);
    let rest = if values.bounds.is_empty() {
        &values.elements
    } else {
        &values.bounds
    };
    let all = match rest.is_empty() {
        true => common.collect::<Vec<_>>(),
        false => rest.iter().collect(),
    };
    all.get(random.place(all.len()))
        .map(|value| (*value).clone())
        .unwrap_or_default()
}

impl Expression {
    fn value(
        &self,
        variables: &Variables,
        random: &mut Random,
    ) -> Result<i64, (&'static str, String)> {
        let out_of_range = || ("22003", "a number of \\set is out of range".to_owned());
        match self {
            Expression::Constant(value) => Ok(*value),
            Expression::Variable(name) => {
                let value = variables.get(name).map(String::as_str).unwrap_or_default();
                value.parse().map_err(|_| {
                    ("22P02", format!(":{name} is {value:?}, which is no whole number"))
                })
            }
            Expression::Random(least, most) => {
                let least = least.value(variables, random)?;
                let most = most.value(variables, random)?;
                let none = || ("22023", format!("random({least}, {most}) has no number"));
                random.between(least, most).ok_or_else(none)
            }
            Expression::Combined(left, operator, right) => {
                let left = left.value(variables, random)?;
                let right = right.value(variables, random)?;
                let value = match operator {
                    '+' => left.checked_add(right),
                    '-' => left.checked_sub(right),
                    '*' => left.checked_mul(right),
                    _ if right == 0 => return Err(("22012", "\\set divides by zero".to_owned())),
                    '/' => left.checked_div(right),
                    _ => left.checked_rem(right),
                };
                value.ok_or_else(out_of_range)
            }
        }
    }

    /// The variables that it needs.
    pub fn variables(&self) -> Vec<&str> {
        match self {
            Expression::Constant(_) => Vec::new(),
            Expression::Variable(name) => vec![name],
            Expression::Random(one, other) | Expression::Combined(one, _, other) => {
                [one.variables(), other.variables()].concat()
            }
        }
    }
}

/// Reads what stands behind the variable's name.
///
/// # Errors
/// What is wrong with it.
pub fn definition(text: &str) -> Result<Definition, String> {
    let text = text.trim();
    let inner = |name: &str| {
        let rest = text.strip_prefix(name)?.trim_start().strip_prefix('(')?;
        Some(rest.strip_suffix(')')?.trim().trim_matches('\'').to_owned())
    };
    if let Some(file) = inner("file") {
        return Ok(Definition::File(file));
    }
    if let Some(column) = inner("column") {
        let names = column
            .split('.')
            .map(|name| name.trim().trim_matches('"').to_owned())
            .rev()
            .collect::<Vec<_>>();
        return match names.len() {
            2 | 3 => Ok(Definition::Column(names)),
            _ => Err(format!("{text}: expected column(TABLE.COLUMN)")),
        };
    }
    let mut reader = Reader { rest: text };
    let expression = reader.sum()?;
    match reader.rest.is_empty() {
        true => Ok(Definition::Number(expression)),
        false => Err(unknown(reader.rest)),
    }
}

fn unknown(rest: &str) -> String {
    format!(
        "near {rest:?}: expected whole numbers, + - * / %, :variables, random(LEAST, MOST), file(NAME) or \
         column(TABLE.COLUMN)"
    )
}

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    fn next(&mut self, wanted: &[char]) -> Option<char> {
        let rest = self.rest.trim_start();
        let found = rest.chars().next().filter(|first| wanted.contains(first))?;
        self.rest = rest[found.len_utf8()..].trim_start();
        Some(found)
    }

    fn sum(&mut self) -> Result<Expression, String> {
        let mut left = self.product()?;
        while let Some(operator) = self.next(&['+', '-']) {
            left = Expression::Combined(Box::new(left), operator, Box::new(self.product()?));
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<Expression, String> {
        let mut left = self.factor()?;
        while let Some(operator) = self.next(&['*', '/', '%']) {
            left = Expression::Combined(Box::new(left), operator, Box::new(self.factor()?));
        }
        Ok(left)
    }

    /// A chain of signs and brackets is as long as its line; nothing sane nests.
    fn factor(&mut self) -> Result<Expression, String> {
        if self.rest.matches(['(', '-']).count() > MOST_NESTED {
            return Err("it nests too deeply".to_owned());
        }
        if self.next(&['-']).is_some() {
            let zero = Box::new(Expression::Constant(0));
            return Ok(Expression::Combined(zero, '-', Box::new(self.factor()?)));
        }
        if self.next(&['(']).is_some() {
            let inner = self.sum()?;
            return self.next(&[')']).map(|_| inner).ok_or_else(|| unknown(self.rest));
        }
        if self.next(&[':']).is_some() {
            return Ok(Expression::Variable(self.word()?));
        }
        let word = self.word()?;
        if word != "random" {
            return word.parse().map(Expression::Constant).map_err(|_| unknown(&word));
        }
        let open = self.next(&['(']).is_some();
        let least = self.sum()?;
        let comma = self.next(&[',']).is_some();
        let most = self.sum()?;
        match open && comma && self.next(&[')']).is_some() {
            true => Ok(Expression::Random(Box::new(least), Box::new(most))),
            false => Err(unknown(self.rest)),
        }
    }

    fn word(&mut self) -> Result<String, String> {
        let is_of_word = |char: char| char.is_ascii_alphanumeric() || char == '_';
        let end = self.rest.find(|char| !is_of_word(char)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        if word.is_empty() {
            return Err(unknown(self.rest));
        }
        self.rest = rest.trim_start();
        Ok(word.to_owned())
    }
}

const MOST_NESTED: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    fn evaluated(text: &str) -> Result<i64, String> {
        let Definition::Number(expression) = definition(text)? else {
            panic!("{text} is no number");
        };
        let variables = Variables::from([("n".to_owned(), "7".to_owned())]);
        let value = expression.value(&variables, &mut Random::new(1, 1));
        value.map_err(|(sqlstate, why)| format!("{sqlstate} {why}"))
    }

    #[test]
    fn numbers_are_as_pgbench_reads_them() {
        for (text, value) in [
            ("5", 5),
            ("1 + 2 * 3", 7),
            ("(1 + 2) * 3", 9),
            (":n - 10", -3),
            ("-5 + 2", -3),
            ("10 % :n", 3),
            ("random(4, 2 * 2)", 4),
            ("100000 * 1", 100_000),
        ] {
            assert_eq!(evaluated(text), Ok(value), "{text}");
        }
        let drawn = evaluated("random(1, 100000 * :n)").unwrap();
        assert!((1..=700_000).contains(&drawn), "{drawn}");
    }

    #[test]
    fn what_cannot_be_reckoned_says_why() {
        for (text, why) in [
            ("1 / 0", "22012"),
            ("random(2, 1)", "random(2, 1) has no number"),
            ("9223372036854775807 + 1", "22003"),
            (":m", "22P02"),
        ] {
            assert!(evaluated(text).unwrap_err().contains(why), "{text}");
        }
        for text in ["", "1 +", "random(1)", "random_zipfian(1, 2, 3)", "abc", "1 2", "(1", "1.5"] {
            assert!(definition(text).unwrap_err().contains("expected"), "{text}");
        }
        assert!(definition(&"-".repeat(500)).unwrap_err().contains("nests"));
    }

    #[test]
    fn files_and_columns_are_named() {
        assert_eq!(definition("file(names.txt)"), Ok(Definition::File("names.txt".into())));
        let column = ["id", "sales", "app"].map(str::to_owned).to_vec();
        assert_eq!(definition("column( app.\"sales\".id )"), Ok(Definition::Column(column)));
        assert!(definition("column(id)").is_err());
    }

    #[test]
    fn values_of_a_column_come_as_often_as_it_has_them() {
        let values = ColumnValues {
            common: vec![("a".to_owned(), 0.5)],
            bounds: vec!["b".to_owned(), "c".to_owned()],
            elements: Vec::new(),
        };
        let mut random = Random::new(1, 1);
        let drawn = (0..1000).map(|_| drawn(&values, &mut random)).collect::<Vec<_>>();
        let count = |of: &str| drawn.iter().filter(|value| *value == of).count();
        assert!((450..550).contains(&count("a")), "{}", count("a"));
        assert!(count("b") > 200 && count("c") > 200);
    }
}

//! What parameters may be: the plan of a statement can depend on it, and its text does not say.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use crate::facts::column_values::ColumnValues;
use crate::pg::name::RelationName;
use crate::twin::{PlanVerdict, TwinValues};
use crate::work::explained::terms::Comparator;
use crate::work::explained::{Use, deciding_parameters, uses};

/// Which of a column's values: a common one finds many rows, a rare one few.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ParameterValue {
    Common,
    Median,
    Rare,
}

impl ParameterValue {
    const ALL: [ParameterValue; 3] =
        [ParameterValue::Common, ParameterValue::Median, ParameterValue::Rare];

    pub fn words(self) -> &'static str {
        match self {
            ParameterValue::Common => "common values",
            ParameterValue::Median => "median values",
            ParameterValue::Rare => "rare values",
        }
    }

    /// The share of the rows that a range of such values holds.
    fn range_share(self) -> f64 {
        match self {
            ParameterValue::Common => 0.25,
            ParameterValue::Median => 0.05,
            ParameterValue::Rare => 0.01,
        }
    }
}

/// Values for all parameters of a statement.
#[derive(Debug, Clone, PartialEq)]
pub struct ExampleValues {
    pub value: ParameterValue,
    /// In the order of the parameters; `None`: which value it is decides nothing.
    pub values: Vec<Option<String>>,
}

/// What a statement costs with such values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CustomCosts {
    pub value: ParameterValue,
    #[serde(rename = "cost_before")]
    pub before: f64,
    /// `None`: no change was asked for, or it cannot be planned after it.
    #[serde(rename = "cost_after", skip_serializing_if = "Option::is_none")]
    pub after: Option<f64>,
}

impl CustomCosts {
    /// Where no change was asked for it is the same.
    pub fn verdict(&self) -> PlanVerdict {
        PlanVerdict::of(Some(self.before), Some(self.after.unwrap_or(self.before)))
    }
}

/// Values for a statement of this generic plan, whose parameters are of these types; those that are
/// the same stand once, and where no parameter decides anything there are none. `Err`: which parameter
/// no statistics tell a value for.
pub fn example_values(
    plan: &Value,
    types: &[String],
    known: &TwinValues<'_>,
) -> Result<Vec<ExampleValues>, String> {
    let deciding = deciding_parameters(plan);
    let uses = uses(plan);
    let limited = limited_on_both_sides(uses.values().flatten());
    let mut examples: Vec<ExampleValues> = Vec::new();
    if deciding.is_empty() {
        return Ok(examples);
    }
    for value in ParameterValue::ALL {
        let mut values = Vec::new();
        for (number, of) in (1..).zip(types) {
            if !deciding.contains(&number) {
                values.push(None);
                continue;
            }
            let of_use = |usage: &Use| {
                let known = known_values(known, usage)?;
                let at = usage.term.parameters.iter().position(|one| *one == number).unwrap_or(0);
                let is_window = limited.contains(&of_range(usage));
                let text = chosen(&known, usage, &Choice { value, at, is_window })?;
                Some(as_text(usage, text, of))
            };
            let found = uses.get(&number).into_iter().flatten().find_map(of_use);
            values.push(Some(
                found.ok_or_else(|| format!("no statistics tell a value for ${number}"))?,
            ));
        }
        if !examples.iter().any(|example| example.values == values) {
            examples.push(ExampleValues { value, values });
        }
    }
    Ok(examples)
}

fn known_values(known: &TwinValues<'_>, usage: &Use) -> Option<ColumnValues> {
    let Use { table: RelationName { schema, name }, term } = usage;
    let schema = schema.as_deref().unwrap_or_default();
    let values = match &term.column {
        Some(column) => known.of_column(schema, name, column),
        None => known.of_expression(schema, name, &term.expression),
    };
    values.filter(|values| !values.is_empty())
}

type RangeOf = (RelationName, String);

fn of_range(usage: &Use) -> RangeOf {
    (usage.table.clone(), usage.term.expression.clone())
}

/// What has a lower and an upper limit: the rows in between are meant.
fn limited_on_both_sides<'u>(uses: impl Iterator<Item = &'u Use>) -> BTreeSet<RangeOf> {
    let (mut lower, mut upper) = (BTreeSet::new(), BTreeSet::new());
    for usage in uses.filter(|usage| usage.term.comparison == Comparator::Range) {
        let side = if usage.term.is_upper { &mut upper } else { &mut lower };
        side.insert(of_range(usage));
    }
    lower.intersection(&upper).cloned().collect()
}

struct Choice {
    value: ParameterValue,
    /// Which one of several that the same column is compared with.
    at: usize,
    is_window: bool,
}

fn chosen(known: &ColumnValues, usage: &Use, choice: &Choice) -> Option<String> {
    let value = match &usage.term.comparison {
        Comparator::Range if known.bounds.len() > 1 => {
            limit(&known.bounds, usage.term.is_upper, choice)
        }
        Comparator::Contains(_) if !known.elements.is_empty() => {
            let last = known.elements.len() - 1;
            let at = match choice.value {
                ParameterValue::Common => 0,
                ParameterValue::Median => last / 2,
                ParameterValue::Rare => last,
            };
            known.elements.get(at)
        }
        _ => compared(known, choice),
    };
    value.cloned()
}

/// A value that rows are equal to. The median one is that of the row in the middle, where rows with
/// more common values come first.
fn compared<'v>(known: &'v ColumnValues, choice: &Choice) -> Option<&'v String> {
    let ColumnValues { common, bounds, .. } = known;
    let whole = match bounds.is_empty() {
        true => common.iter().map(|(_, share)| share).sum::<f64>(),
        false => 1.0,
    };
    let mut so_far = 0.0;
    let median = common.iter().position(|(_, share)| {
        so_far += share;
        so_far >= whole / 2.0
    });
    let place = match choice.value {
        ParameterValue::Common => Some(0),
        ParameterValue::Median => median,
        ParameterValue::Rare if bounds.is_empty() => common.len().checked_sub(1 + choice.at),
        ParameterValue::Rare => None,
    };
    let among_others = bounds.get((bounds.len() / 2 + choice.at).min(bounds.len().max(1) - 1));
    let of_common = place.and_then(|at| common.get((at + choice.at).min(common.len().max(1) - 1)));
    of_common
        .map(|(value, _)| value)
        .or(among_others)
        .or(common.first().map(|(value, _)| value))
}

/// A limit that leaves the wanted share of the rows, in the middle where there are two.
fn limit<'v>(bounds: &'v [String], is_upper: bool, choice: &Choice) -> Option<&'v String> {
    let share = choice.value.range_share();
    let place = match (choice.is_window, is_upper) {
        (true, true) => 0.5 + share / 2.0,
        (true, false) => 0.5 - share / 2.0,
        (false, true) => share,
        (false, false) => 1.0 - share,
    };
    let last = u32::try_from(bounds.len() - 1).unwrap_or(u32::MAX);
    let place = place * f64::from(last);
    let at = if is_upper { place.ceil() } else { place.floor() };
    bounds.get(at as usize)
}

/// The value as the parameter's type takes it.
fn as_text(usage: &Use, value: String, of: &str) -> String {
    match of {
        "tsquery" => format!("'{}'", value.replace('\\', "\\\\").replace('\'', "''")),
        _ => usage.term.other_side(value, of.ends_with("[]")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::twin::data::{ColumnStatistics, TwinData};

    fn statistics(
        column: &str,
        common: Option<(&str, &str)>,
        bounds: Option<&str>,
    ) -> ColumnStatistics {
        ColumnStatistics {
            schema: "public".to_owned(),
            relation: "sales".to_owned(),
            column: column.to_owned(),
            most_common_vals: common.map(|(values, _)| values.to_owned()),
            most_common_freqs: common.map(|(_, shares)| shares.to_owned()),
            histogram_bounds: bounds.map(str::to_owned),
            ..ColumnStatistics::default()
        }
    }

    /// The values of `$1`, `$2` … for common, median and rare, as far as they differ.
    fn shown(filter: &str, types: &[&str]) -> Result<Vec<String>, String> {
        let bounds = (0..=100).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
        let data = TwinData {
            column_statistics: vec![
                statistics("status", Some(("{sent,new,\"it's\"}", "{0.8,0.15,0.05}")), None),
                statistics("city", Some(("{a,b}", "{0.1,0.1}")), Some("{c,d,e}")),
                statistics("amount", None, Some(&format!("{{{bounds}}}"))),
            ],
            ..TwinData::default()
        };
        let plan = serde_json::json!([{"Plan": {
            "Node Type": "Seq Scan", "Schema": "public", "Relation Name": "sales", "Alias": "s",
            "Output": ["$9"], "Filter": filter
        }}]);
        let types = types.iter().map(|&of| of.to_owned()).collect::<Vec<_>>();
        let examples = example_values(&plan, &types, &TwinValues::of(&data))?;
        let words = |example: ExampleValues| {
            let values = example.values.into_iter().map(|value| value.unwrap_or("-".to_owned()));
            format!("{:?} {}", example.value, values.collect::<Vec<_>>().join(" "))
        };
        Ok(examples.into_iter().map(words).collect())
    }

    #[test]
    fn a_common_a_median_and_a_rare_value_are_taken_from_the_statistics() {
        let of = |filter: &str, types: &[&str]| shown(filter, types).unwrap();
        assert_eq!(of("(s.status = $1)", &["text"]), ["Common sent", "Rare it's"]);
        assert_eq!(of("(s.city = $1)", &["text"]), ["Common a", "Median d"]);
        assert_eq!(of("(s.amount > $1)", &["int"]), ["Common 75", "Median 95", "Rare 99"]);
        assert_eq!(of("(s.amount <= $1)", &["int"]), ["Common 25", "Median 5", "Rare 1"]);
        let window = of("((s.amount >= $1) AND (s.amount < $2))", &["int", "int"]);
        assert_eq!(window, ["Common 37 63", "Median 47 53", "Rare 49 51"]);
        let both = of("((s.status = $1) AND (s.city = $2))", &["text", "text"]);
        assert_eq!(both, ["Common sent a", "Median sent d", "Rare it's d"]);
        let several = of("(s.city = ANY (ARRAY[$1, $2]))", &["text", "text"]);
        assert_eq!(several, ["Common a b", "Median d e"]);
        assert_eq!(of("(s.status = ANY ($1))", &["text[]"])[1], "Rare {\"it's\"}");
    }

    #[test]
    fn what_decides_nothing_needs_no_value_and_what_does_is_named() {
        assert_eq!(shown("(s.amount > 3)", &["int"]), Ok(Vec::new()));
        let with_other = shown("(s.status = $2)", &["int", "text"]).unwrap();
        assert_eq!(with_other, ["Common - sent", "Rare - it's"]);
        let refused = shown("((s.other = $1) AND (s.status = $2))", &["int", "text"]);
        assert_eq!(refused.unwrap_err(), "no statistics tell a value for $1");
    }
}

//! Which indexes could help a statement: from what its plan filters, joins and sorts by.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use crate::pg::name::{RelationName, quote_ident};
use crate::twin::data::{ColumnStatistics, TwinData, TwinRelation};
use crate::twin::{Columns, Wish, items};
use crate::work::explained::terms::{Comparator, Operand, Term, sort_key, terms};

/// What is known of the tables, by name.
pub struct TablesByName<'d> {
    relations: HashMap<(&'d str, &'d str), &'d TwinRelation>,
    columns: Columns<'d>,
    has_trigrams: bool,
}

/// A B-tree with more keys is seldom worth its size.
const MOST_KEYS: usize = 4;
/// Of the columns that a statement compares so many are tried, the most selective ones: each pair of
/// hundred columns would be thousands of indexes.
const MOST_COLUMNS: usize = 8;
/// And so many of the conditions that make an index small.
const MOST_CONDITIONS: usize = 3;
/// A column of more values is looked up by each of them: the one in the text is an example.
const FEW_VALUES: f64 = 10.0;
/// A part of the table so large is no part.
const PARTIAL: f64 = 0.2;
/// Columns that are only read along make an index as wide as a table.
const INCLUDED_BYTES: i32 = 64;
const MOST_INCLUDED: usize = 3;
/// A BRIN index pays on large tables whose rows lie in the order of the column.
const BRIN_PAGES: u64 = 131_072;
const BRIN_CORRELATION: f64 = 0.95;
/// A table so small is read at once, whatever is known of it.
pub const SMALL_PAGES: u64 = 8;

impl<'d> TablesByName<'d> {
    pub fn of(data: &'d TwinData) -> Self {
        let relations = data
            .relations
            .iter()
            .map(|relation| ((relation.schema.as_str(), relation.name.as_str()), relation));
        TablesByName {
            relations: relations.collect(),
            columns: Columns::of(&data.column_statistics),
            has_trigrams: data.extensions.iter().any(|extension| extension.name == "pg_trgm"),
        }
    }

    /// The topmost partitioned table that it is part of, or itself.
    fn root(&self, name: &RelationName) -> Option<&'d TwinRelation> {
        let schema = name.schema.as_deref()?;
        let mut relation = *self.relations.get(&(schema, name.name.as_str()))?;
        while let Some(parent) =
            relation.parents.first().filter(|_| relation.partition_bound.is_some())
        {
            match self.relations.get(&(parent.schema.as_str(), parent.name.as_str())) {
                Some(above) => relation = above,
                None => break,
            }
        }
        relation.is_table().then_some(relation)
    }

    fn pages(&self, relation: &TwinRelation) -> u64 {
        let of_partitions = self.relations.values().filter(|other| {
            other
                .parents
                .iter()
                .any(|parent| parent.schema == relation.schema && parent.name == relation.name)
        });
        relation
            .pages
            .unwrap_or_else(|| of_partitions.map(|part| self.pages(part)).sum())
    }

    fn statistics(&self, relation: &TwinRelation, column: &str) -> Option<&'d ColumnStatistics> {
        self.columns.get(&relation.schema, &relation.name, column)
    }

    /// Different values of a column; negative shares of the rows are the most.
    fn distinct(&self, relation: &TwinRelation, column: Option<&str>) -> f64 {
        let known = column.and_then(|column| self.statistics(relation, column));
        let distinct = known.and_then(|row| row.n_distinct.parse::<f64>().ok());
        distinct.map_or(1_000.0, |n| if n < 0.0 { 1e9 * -n } else { n })
    }
}

/// What a statement asks of one table.
#[derive(Debug, Default)]
struct AskedOfTable {
    equal: BTreeMap<String, Option<String>>,
    joined: BTreeMap<String, Option<String>>,
    range: BTreeMap<String, Option<String>>,
    like: BTreeMap<String, Option<String>>,
    contains: BTreeMap<(String, String), Option<String>>,
    /// Conditions that are the same in every call, by the column that they are on.
    constant: BTreeMap<String, Option<String>>,
    orders: BTreeSet<Vec<(String, bool)>>,
    output: BTreeSet<String>,
}

/// Conditions that every statement of a table has, by its name.
#[derive(Debug, Default)]
pub struct Constants(BTreeMap<(String, String), BTreeSet<String>>);

impl Constants {
    /// Of all plans of a workload.
    pub fn of<'p>(plans: impl Iterator<Item = &'p Value>, tables: &TablesByName<'_>) -> Self {
        let mut common: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
        for plan in plans {
            for (table, (_, asked)) in asked_of(plan, tables) {
                let these = asked.constant.into_keys().collect::<BTreeSet<_>>();
                match common.get_mut(&table) {
                    Some(known) => known.retain(|condition| these.contains(condition)),
                    None => {
                        common.insert(table, these);
                    }
                }
            }
        }
        Constants(common)
    }

    fn has(&self, relation: &TwinRelation, condition: &str) -> bool {
        let key = (relation.schema.clone(), relation.name.clone());
        self.0.get(&key).is_some_and(|known| known.contains(condition))
    }
}

/// The indexes that are worth a try for a statement of this plan, in a fixed order.
pub fn candidates(plan: &Value, tables: &TablesByName<'_>, constants: &Constants) -> Vec<Wish> {
    let mut wishes = Vec::new();
    for (relation, mut asked) in asked_of(plan, tables).into_values() {
        asked.constant.retain(|condition, _| constants.has(relation, condition));
        if tables.pages(relation) > SMALL_PAGES || relation.pages.is_none() {
            wishes.extend(of_table(relation, &asked, tables));
        }
    }
    wishes
}

fn asked_of<'d>(plan: &Value, tables: &TablesByName<'d>) -> AskedOf<'d> {
    let nodes = nodes(plan);
    let mut aliases: HashMap<String, &'d TwinRelation> = HashMap::new();
    for node in &nodes {
        if let Some((alias, relation)) = scanned(node, tables) {
            aliases.insert(alias, relation);
        }
    }
    let mut asked = AskedOf::new();
    for node in &nodes {
        ask(node, &aliases, &mut asked);
    }
    asked
}

/// All nodes of a plan, from the top.
pub fn nodes(plan: &Value) -> Vec<&Value> {
    let mut nodes = Vec::new();
    collect(plan, &mut nodes);
    nodes
}

fn collect<'p>(value: &'p Value, nodes: &mut Vec<&'p Value>) {
    match value {
        Value::Array(all) => all.iter().for_each(|one| collect(one, nodes)),
        Value::Object(fields) if fields.contains_key("Node Type") => {
            nodes.push(value);
            fields.get("Plans").into_iter().for_each(|below| collect(below, nodes));
        }
        Value::Object(fields) => fields.get("Plan").into_iter().for_each(|top| collect(top, nodes)),
        _ => {}
    }
}

fn scanned<'d>(node: &Value, tables: &TablesByName<'d>) -> Option<(String, &'d TwinRelation)> {
    let name = node["Relation Name"].as_str()?;
    let schema = node["Schema"].as_str()?;
    let alias = node["Alias"].as_str().unwrap_or(name);
    let relation = tables.root(&RelationName::qualified(schema, name))?;
    Some((alias.to_owned(), relation))
}

const CONDITIONS: [&str; 7] = [
    "Filter",
    "Index Cond",
    "Recheck Cond",
    "Hash Cond",
    "Merge Cond",
    "Join Filter",
    "TID Cond",
];

type AskedOf<'d> = BTreeMap<(String, String), (&'d TwinRelation, AskedOfTable)>;

fn of<'a, 'd>(asked: &'a mut AskedOf<'d>, relation: &'d TwinRelation) -> &'a mut AskedOfTable {
    let key = (relation.schema.clone(), relation.name.clone());
    &mut asked.entry(key).or_insert_with(|| (relation, AskedOfTable::default())).1
}

fn ask<'d>(node: &Value, aliases: &HashMap<String, &'d TwinRelation>, asked: &mut AskedOf<'d>) {
    for key in CONDITIONS {
        for term in node[key].as_str().map(terms).unwrap_or_default() {
            if let Some(relation) = aliases.get(&term.alias) {
                add(of(asked, relation), term);
            }
        }
    }
    for key in ["Sort Key", "Group Key"] {
        if let Some((alias, order)) = order(&node[key])
            && let Some(relation) = aliases.get(&alias)
        {
            of(asked, relation).orders.insert(order);
        }
    }
    let is_scan = node["Relation Name"].is_string();
    for text in node["Output"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let Some(operand) = Operand::read(text).filter(|_| is_scan) else {
            continue;
        };
        if let (Some(relation), Some(column)) = (aliases.get(&operand.alias), operand.column) {
            of(asked, relation).output.insert(column);
        }
    }
}

fn add(asked: &mut AskedOfTable, term: Term) {
    let Term { expression, column, comparison, constant, other, .. } = term;
    if let (Some(constant), Comparator::Equal) = (constant, &comparison) {
        asked.constant.insert(constant, column.clone());
    }
    match comparison {
        Comparator::Equal if other.is_some() => asked.joined.insert(expression, column),
        Comparator::Equal => asked.equal.insert(expression, column),
        Comparator::Range => asked.range.insert(expression, column),
        Comparator::Like => asked.like.insert(expression, column),
        Comparator::Contains(operator) => asked.contains.insert((expression, operator), column),
    };
}

/// The keys, as far as they are about one table.
fn order(keys: &Value) -> Option<(String, Vec<(String, bool)>)> {
    let operands = keys
        .as_array()?
        .iter()
        .map(|key| key.as_str().and_then(sort_key))
        .collect::<Option<Vec<_>>>()?;
    let alias = operands.first()?.0.alias.clone();
    let same = operands.iter().all(|(operand, _)| operand.alias == alias);
    let order = operands.into_iter().map(|(operand, descends)| (operand.expression, descends));
    same.then(|| (alias, order.take(MOST_KEYS).collect()))
}

fn of_table(relation: &TwinRelation, asked: &AskedOfTable, tables: &TablesByName<'_>) -> Vec<Wish> {
    let mut trees = BTreeSet::new();
    for equal in groups(relation, asked, tables) {
        if !equal.is_empty() {
            trees.insert(ascending(&equal));
        }
        for range in asked.range.keys().chain(asked.like.keys()).take(MOST_COLUMNS) {
            trees.insert(ascending(&[equal.as_slice(), std::slice::from_ref(range)].concat()));
        }
        for order in &asked.orders {
            trees.insert(followed(&equal, order));
        }
    }
    trees.retain(|keys| !keys.is_empty() && keys.len() <= MOST_KEYS);
    let mut wishes = Vec::new();
    for keys in &trees {
        wishes.push(wish(relation, &format!("({})", keys_sql(keys))));
        wishes.extend(including(relation, keys, asked, tables));
        wishes.extend(partial(relation, keys, asked, tables));
    }
    wishes.extend(others(relation, asked, tables));
    wishes
}

type Keys = Vec<(String, bool)>;

fn ascending(expressions: &[String]) -> Keys {
    let mut keys: Keys = Vec::new();
    for expression in expressions {
        if !keys.iter().any(|(known, _)| known == expression) {
            keys.push((expression.clone(), false));
        }
    }
    keys
}

fn followed(equal: &[String], order: &[(String, bool)]) -> Keys {
    let mut keys = ascending(equal);
    for (expression, descends) in order {
        if !keys.iter().any(|(known, _)| known == expression) {
            keys.push((expression.clone(), *descends));
        }
    }
    keys
}

/// What is compared for equality, the most selective first: all, each alone, each pair, and with and
/// without what joins; and nothing.
fn groups(
    relation: &TwinRelation,
    asked: &AskedOfTable,
    tables: &TablesByName<'_>,
) -> Vec<Vec<String>> {
    let sorted = |columns: &BTreeMap<String, Option<String>>| {
        let mut columns = columns.iter().collect::<Vec<_>>();
        columns.sort_by(|one, other| {
            let distinct = |column: &Option<String>| tables.distinct(relation, column.as_deref());
            distinct(other.1).total_cmp(&distinct(one.1)).then_with(|| one.0.cmp(other.0))
        });
        columns
            .into_iter()
            .take(MOST_COLUMNS)
            .map(|(expression, _)| expression.clone())
            .collect::<Vec<_>>()
    };
    let (equal, joined) = (sorted(&asked.equal), sorted(&asked.joined));
    let mut groups = vec![Vec::new(), equal.clone()];
    for column in equal.iter().chain(&joined) {
        groups.push(vec![column.clone()]);
    }
    for column in &joined {
        groups.push([std::slice::from_ref(column), equal.as_slice()].concat());
        groups.push([equal.as_slice(), std::slice::from_ref(column)].concat());
    }
    for (at, one) in equal.iter().enumerate() {
        for other in &equal[at + 1..] {
            groups.push(vec![one.clone(), other.clone()]);
        }
    }
    if joined.len() > 1 {
        groups.push(joined);
    }
    for group in &mut groups {
        group.truncate(MOST_KEYS);
    }
    groups
}

fn wish(relation: &TwinRelation, definition: &str) -> Wish {
    Wish {
        table: format!("{}.{}", quote_ident(&relation.schema), quote_ident(&relation.name)),
        is_unique: false,
        definition: definition.to_owned(),
    }
}

fn keys_sql(keys: &Keys) -> String {
    let texts = keys.iter().map(|(expression, descends)| {
        let order = if *descends { " DESC" } else { "" };
        format!("{}{order}", key_sql(expression))
    });
    texts.collect::<Vec<_>>().join(", ")
}

/// A column stands alone, an expression in parentheses.
fn key_sql(expression: &str) -> String {
    let is_name = expression.chars().all(|char| char.is_alphanumeric() || char == '_')
        || (expression.starts_with('"') && expression.matches('"').count() == 2);
    match is_name {
        true => expression.to_owned(),
        false => format!("({expression})"),
    }
}

/// So that the table need not be read.
fn including(
    relation: &TwinRelation,
    keys: &Keys,
    asked: &AskedOfTable,
    tables: &TablesByName<'_>,
) -> Option<Wish> {
    let is_key = |column: &String| keys.iter().any(|(key, _)| *key == quote_ident(column));
    let read = asked.output.iter().filter(|column| !is_key(column)).collect::<Vec<_>>();
    let bytes = read
        .iter()
        .map(|column| tables.statistics(relation, column).map_or(32, |row| row.avg_width))
        .sum::<i32>();
    let is_small = !read.is_empty() && read.len() <= MOST_INCLUDED && bytes <= INCLUDED_BYTES;
    is_small.then(|| {
        let names = read.iter().map(|column| quote_ident(column)).collect::<Vec<_>>();
        wish(relation, &format!("({}) INCLUDE ({})", keys_sql(keys), names.join(", ")))
    })
}

/// A condition that is the same in every call makes the index small.
fn partial(
    relation: &TwinRelation,
    keys: &Keys,
    asked: &AskedOfTable,
    tables: &TablesByName<'_>,
) -> Vec<Wish> {
    let shares = asked.constant.iter().filter_map(|(condition, column)| {
        let column = column.as_ref()?;
        let share = share(tables.statistics(relation, column)?, condition)?;
        (share < PARTIAL).then_some((share, condition, column))
    });
    let mut shares = shares.collect::<Vec<_>>();
    shares.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(other.1)));
    let mut wishes = Vec::new();
    for (_, condition, column) in shares.into_iter().take(MOST_CONDITIONS) {
        let name = quote_ident(column);
        let rest = keys.iter().filter(|(key, _)| *key != name).cloned().collect::<Keys>();
        if !rest.is_empty() {
            wishes.push(wish(relation, &format!("({}) WHERE {condition}", keys_sql(&rest))));
        }
    }
    wishes
}

/// How many of the rows a condition on a column lets through; `None`: not told by the statistics.
fn share(row: &ColumnStatistics, condition: &str) -> Option<f64> {
    let nulls = row.null_frac.parse::<f64>().ok()?;
    let distinct = row.n_distinct.parse::<f64>().ok()?;
    if condition.ends_with(" IS NULL") {
        return Some(nulls);
    }
    if !(0.0..=FEW_VALUES).contains(&distinct) {
        return None;
    }
    let list = |text: &Option<String>| text.as_deref().map(items).unwrap_or_default();
    let values = list(&row.most_common_vals);
    let frequencies = list(&row.most_common_freqs);
    let value = condition.split('\'').nth(1).unwrap_or(condition);
    let value = match condition.contains(' ') || condition.starts_with("NOT") {
        true => value,
        false => "t",
    };
    let at = values.iter().position(|known| known == value)?;
    frequencies.get(at)?.parse().ok()
}

/// Indexes that are no B-trees, and B-trees of other operator classes.
fn others(relation: &TwinRelation, asked: &AskedOfTable, tables: &TablesByName<'_>) -> Vec<Wish> {
    let of = |column: &Option<String>| {
        let name = column.as_ref()?;
        let known = relation.columns.iter().find(|known| known.name == *name)?;
        Some(known.of.as_str())
    };
    let mut wishes = Vec::new();
    for ((expression, operator), column) in &asked.contains {
        let class = match (of(column), operator.as_str()) {
            (Some("jsonb"), "@>" | "@@" | "@?") => " jsonb_path_ops",
            (Some("text"), "%") => " gin_trgm_ops",
            _ => "",
        };
        wishes.push(wish(relation, &format!("USING gin ({}{class})", key_sql(expression))));
        if class == " jsonb_path_ops" {
            wishes.push(wish(relation, &format!("USING gin ({})", key_sql(expression))));
        }
    }
    for (expression, column) in &asked.like {
        let class = match of(column) {
            Some(of) if of.starts_with("character varying") => "varchar_pattern_ops",
            _ => "text_pattern_ops",
        };
        wishes.push(wish(relation, &format!("({} {class})", key_sql(expression))));
        if tables.has_trigrams {
            let key = key_sql(expression);
            wishes.push(wish(relation, &format!("USING gin ({key} gin_trgm_ops)")));
        }
    }
    for (expression, column) in &asked.range {
        let correlation = column
            .as_ref()
            .and_then(|column| tables.statistics(relation, column))
            .and_then(|row| row.correlation.as_ref()?.parse::<f64>().ok());
        let is_ordered = correlation.is_some_and(|value| value.abs() > BRIN_CORRELATION);
        if is_ordered && tables.pages(relation) > BRIN_PAGES {
            wishes.push(wish(relation, &format!("USING brin ({})", key_sql(expression))));
        }
    }
    wishes
}

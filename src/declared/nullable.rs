//! Which columns of a query can never be NULL, as far as its text tells.

use std::collections::{HashMap, HashSet};

use squawk_syntax::ast::{
    self, AstNode, Expr, FromItem, FromListItem, JoinCondition, JoinType, SelectVariant, Stmt,
};

use super::text;
use crate::facts::Readable;
use crate::syntax;

/// For each output column of the query, which is a SELECT as the server prints it, whether it is
/// never NULL; `None` where the query is not understood. What is not sure counts as NULL.
pub fn never_null(query: &str, relations: &[Readable]) -> Option<Vec<bool>> {
    syntax::read(query, |parse| read(parse, relations)).ok()?
}

fn read(parse: &syntax::Parsed, relations: &[Readable]) -> Option<Vec<bool>> {
    let first = parse.tree().stmts().next().filter(|_| parse.errors().is_empty())?;
    let columns = match first {
        Stmt::Select(select) => selected(&select, relations),
        Stmt::CompoundSelect(both) => output(&SelectVariant::CompoundSelect(both), relations),
        _ => None,
    };
    Some(columns?.into_iter().map(|(_, is_never)| is_never).collect())
}

type Columns = Vec<(String, bool)>;

fn output(query: &SelectVariant, relations: &[Readable]) -> Option<Columns> {
    match query {
        SelectVariant::Select(select) => selected(select, relations),
        SelectVariant::ParenSelect(inner) => output(&inner.select()?, relations),
        SelectVariant::CompoundSelect(both) => {
            let (first, second) =
                (output(&both.lhs()?, relations)?, output(&both.rhs()?, relations)?);
            let columns = first.into_iter().zip(second);
            Some(columns.map(|((name, a), (_, b))| (name, a && b)).collect())
        }
        _ => None,
    }
}

fn selected(select: &ast::Select, relations: &[Readable]) -> Option<Columns> {
    let mut relations = relations.to_vec();
    for table in select.with_clause().into_iter().flat_map(|with| with.with_tables()) {
        relations.extend(common_table(&table, &relations));
    }
    let mut scope = Scope { relations, ..Scope::default() };
    for item in select.from_clause().into_iter().flat_map(|from| from.items()) {
        scope.read(&item, Side::Inner);
    }
    if let Some(condition) = select.where_clause().and_then(|clause| clause.expr()) {
        scope.believe(&condition);
    }
    if let Some(group) = select.group_by_clause() {
        let words = written(group.syntax()).to_uppercase();
        scope.is_grouped = true;
        // In their subtotals the grouped columns are NULL.
        scope.has_subtotals =
            ["ROLLUP", "CUBE", "GROUPING SETS"].iter().any(|it| words.contains(it));
    }
    let targets = select.select_clause()?.target_list()?.targets();
    let columns = targets.map(|target| {
        let expression = target.expr()?;
        let alias = target.as_name().map(|name| written(name.syntax()));
        let alias = alias.map(|alias| alias.trim_start_matches("AS ").to_owned());
        let own = written(expression.syntax());
        let name = alias.unwrap_or_else(|| own.rsplit('.').next().unwrap_or_default().to_owned());
        Some((name, scope.is_never(&expression)))
    });
    columns.collect()
}

fn common_table(table: &ast::WithTable, relations: &[Readable]) -> Option<Readable> {
    if table.column_list().is_some() {
        return None;
    }
    let query = table.syntax().children().find_map(SelectVariant::cast)?;
    let name = written(table.name()?.syntax());
    Some(Readable { name, columns: output(&query, relations)? })
}

/// The side of the outer joins around it on which a relation stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    /// Its rows are never made up.
    Inner,
    /// Where nothing matches its columns are NULL.
    Outer,
}

#[derive(Default)]
struct Scope {
    relations: Vec<Readable>,
    /// By the name with and without its relation's.
    columns: HashMap<String, bool>,
    /// What the conditions let through only where it is not NULL.
    proved: HashSet<String>,
    is_grouped: bool,
    has_subtotals: bool,
}

impl Scope {
    fn read(&mut self, item: &FromListItem, side: Side) {
        match item {
            FromListItem::JoinExpr(join) => self.join(join, side),
            FromListItem::FromItem(FromItem::RelationFromItem(relation)) => {
                self.relation(relation, side);
            }
            FromListItem::FromItem(FromItem::ParenFromItem(paren)) => self.paren(paren, side),
            FromListItem::FromItem(_) => {}
        }
    }

    fn join(&mut self, join: &ast::JoinExpr, side: Side) {
        let Some(right) = join.join() else { return };
        let (left_side, right_side) = match right.join_type() {
            Some(JoinType::JoinLeft(_)) => (side, Side::Outer),
            Some(JoinType::JoinRight(_)) => (Side::Outer, side),
            Some(JoinType::JoinFull(_)) => (Side::Outer, Side::Outer),
            _ => (side, side),
        };
        if let Some(left) = join.from_list_item() {
            self.read(&left, left_side);
        }
        if let Some(item) = right.from_list_item() {
            self.read(&item, right_side);
        }
        let inner = left_side == Side::Inner && right_side == Side::Inner;
        if let Some(JoinCondition::OnClause(on)) = right.join_condition().filter(|_| inner)
            && let Some(condition) = on.expr()
        {
            self.believe(&condition);
        }
    }

    fn relation(&mut self, item: &ast::RelationFromItem, side: Side) {
        let Some(name) = item.relation_name_ref().map(|name| written(name.syntax())) else {
            return;
        };
        let alias = item.alias();
        if alias.as_ref().is_some_and(|alias| alias.columns().is_some()) {
            return;
        }
        let alias = alias.and_then(|alias| alias.name()).map(|name| written(name.syntax()));
        let found = self.relations.iter().rev().find(|relation| relation.name == name);
        let columns = found.map(|relation| relation.columns.clone()).unwrap_or_default();
        let alias = alias.unwrap_or_else(|| last_name(&name).to_owned());
        self.add(&alias, &columns, side);
    }

    fn paren(&mut self, item: &ast::ParenFromItem, side: Side) {
        let inner = item.paren_expr();
        if let Some(item) = inner.as_ref().and_then(|inner| inner.from_list_item()) {
            return self.read(&item, side);
        }
        let query = match item.paren_select() {
            Some(select) => Some(SelectVariant::ParenSelect(select)),
            None => inner.and_then(|inner| inner.syntax().children().find_map(SelectVariant::cast)),
        };
        let columns = query.and_then(|query| output(&query, &self.relations)).unwrap_or_default();
        let alias = item.alias().filter(|alias| alias.columns().is_none());
        if let Some(alias) = alias.and_then(|alias| alias.name()) {
            self.add(&written(alias.syntax()), &columns, side);
        }
    }

    fn add(&mut self, alias: &str, columns: &[(String, bool)], side: Side) {
        for (name, is_never) in columns {
            let is_never = *is_never && side == Side::Inner;
            self.columns.insert(format!("{alias}.{name}"), is_never);
            let unqualified = self.columns.entry(name.clone()).or_insert(is_never);
            *unqualified &= is_never;
        }
    }

    /// Keeps what has to be there for the condition to be true.
    fn believe(&mut self, condition: &Expr) {
        match condition {
            Expr::ParenExpr(inner) => {
                if let Some(inner) = inner.expr() {
                    self.believe(&inner);
                }
            }
            Expr::BinExpr(both) => {
                let (Some(left), Some(right)) = (both.lhs(), both.rhs()) else {
                    return;
                };
                match operator(both).as_str() {
                    "AND" => {
                        self.believe(&left);
                        self.believe(&right);
                    }
                    "IS NOT" if written(right.syntax()).eq_ignore_ascii_case("null") => {
                        self.proved.insert(bare(&left));
                    }
                    "=" | "<>" | "<" | "<=" | ">" | ">=" => {
                        self.proved.extend([bare(&left), bare(&right)]);
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn is_never(&self, expression: &Expr) -> bool {
        if self.has_subtotals {
            return is_call_of(expression, "count");
        }
        if self.proved.contains(&bare(expression)) {
            return true;
        }
        match expression {
            Expr::ParenExpr(inner) => inner.expr().is_some_and(|inner| self.is_never(&inner)),
            Expr::CastExpr(cast) => match (cast.expr(), cast.literal()) {
                (Some(inner), _) => self.is_never(&inner),
                (None, literal) => literal.is_some(),
            },
            Expr::Literal(literal) => !written(literal.syntax()).eq_ignore_ascii_case("null"),
            Expr::NameRef(_) | Expr::FieldExpr(_) => {
                self.columns.get(&written(expression.syntax())).copied().unwrap_or(false)
            }
            Expr::CallExpr(call) => self.is_call_never(call),
            Expr::BinExpr(both) => {
                const STRICT: [&str; 13] = [
                    "+",
                    "-",
                    "*",
                    "/",
                    "%",
                    "||",
                    "=",
                    "<>",
                    "<",
                    "<=",
                    ">",
                    ">=",
                    "AT TIME ZONE",
                ];
                let sides = [both.lhs(), both.rhs()];
                let is_never =
                    |side: &Option<Expr>| side.as_ref().is_some_and(|side| self.is_never(side));
                STRICT.contains(&operator(both).as_str()) && sides.iter().all(is_never)
            }
            _ => false,
        }
    }

    fn is_call_never(&self, call: &ast::CallExpr) -> bool {
        /// Functions of the server's that return NULL for NULL alone.
        const STRICT: [&str; 24] = [
            "abs",
            "btrim",
            "ceil",
            "ceiling",
            "date",
            "date_part",
            "date_trunc",
            "floor",
            "length",
            "left",
            "lower",
            "ltrim",
            "make_date",
            "md5",
            "right",
            "round",
            "rtrim",
            "substr",
            "timezone",
            "to_char",
            "to_date",
            "trunc",
            "upper",
            "date_bin",
        ];
        /// Aggregates that are NULL only where no row has a value.
        const AGGREGATES: [&str; 9] = [
            "sum",
            "min",
            "max",
            "avg",
            "bool_and",
            "bool_or",
            "array_agg",
            "string_agg",
            "every",
        ];
        /// Those that are never NULL.
        const NEVER: [&str; 7] =
            ["count", "row_number", "rank", "dense_rank", "ntile", "now", "concat"];
        if let Some(extract) = call.extract_fn() {
            return extract.expr().is_some_and(|inner| self.is_never(&inner));
        }
        let Some(name) = call.expr().map(|name| written(name.syntax()).to_lowercase()) else {
            return false;
        };
        let arguments = call.arg_list().into_iter().flat_map(|list| list.args());
        let mut never = arguments.map(|one| one.expr().is_some_and(|one| self.is_never(&one)));
        match name.as_str() {
            "coalesce" => never.any(|is_never| is_never),
            name if NEVER.contains(&name) => true,
            name if STRICT.contains(&name) => never.all(|is_never| is_never),
            name if AGGREGATES.contains(&name) => {
                let whole = self.is_grouped && call.filter_clause().is_none();
                whole && never.all(|is_never| is_never)
            }
            _ => false,
        }
    }
}

fn is_call_of(expression: &Expr, name: &str) -> bool {
    let Expr::CallExpr(call) = expression else {
        return false;
    };
    call.expr()
        .is_some_and(|called| written(called.syntax()).eq_ignore_ascii_case(name))
}

/// The operator's words between its operands.
fn operator(both: &ast::BinExpr) -> String {
    let (Some(left), Some(right)) = (both.lhs(), both.rhs()) else {
        return String::new();
    };
    let begin = both.syntax().text_range().start();
    let range =
        left.syntax().text_range().end() - begin..right.syntax().text_range().start() - begin;
    let words = both.syntax().text().slice(range).to_string();
    words.split_whitespace().collect::<Vec<_>>().join(" ").to_uppercase()
}

/// The expression's text without parentheses and casts around it.
fn bare(expression: &Expr) -> String {
    let inner = match expression {
        Expr::ParenExpr(paren) => paren.expr(),
        Expr::CastExpr(cast) => cast.expr(),
        _ => None,
    };
    inner.map_or_else(|| written(expression.syntax()), |inner| bare(&inner))
}

fn written(node: &squawk_syntax::SyntaxNode) -> String {
    text::compact(std::slice::from_ref(node))
}

/// The relation's own name of `schema.name`; a quoted one may hold a dot.
fn last_name(name: &str) -> &str {
    if name.ends_with('"') {
        return name.rfind(".\"").map_or(name, |dot| &name[dot + 1..]);
    }
    name.rsplit('.').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the first column; `s` is never NULL in `id` and `sold`.
    fn is_never(query: &str) -> bool {
        let relation = |name: &str, never: &[&str]| Readable {
            name: name.to_owned(),
            columns: ["id", "sold", "area"]
                .map(|column| (column.to_owned(), never.contains(&column)))
                .to_vec(),
        };
        let relations = [relation("crm.s", &["id", "sold"]), relation("c", &["id"])];
        never_null(query, &relations).expect(query)[0]
    }

    #[test]
    fn what_cannot_be_null_is_known() {
        for query in [
            "SELECT s.id FROM crm.s",
            "SELECT id FROM crm.s",
            "SELECT x.id FROM crm.s x",
            "SELECT (s.id)::text AS id FROM crm.s",
            "SELECT date(s.sold) AS day, count(*) FROM crm.s GROUP BY (date(s.sold))",
            "SELECT count(*) AS n FROM crm.s",
            "SELECT max(s.id) FROM crm.s GROUP BY s.area",
            "SELECT COALESCE(s.area, 'none'::text) FROM crm.s",
            "SELECT EXTRACT(year FROM s.sold) AS y FROM crm.s",
            "SELECT (s.sold AT TIME ZONE 'UTC'::text) AS y FROM crm.s",
            "SELECT s.area FROM crm.s WHERE ((s.area)::text = 'x'::text)",
            "SELECT s.area FROM crm.s WHERE ((s.area IS NOT NULL) AND (s.id > 5))",
            "SELECT s.id FROM (crm.s LEFT JOIN c ON ((c.id = s.id)))",
            "SELECT c.area FROM (crm.s JOIN c ON ((c.area = s.id)))",
            "SELECT x.n FROM ( SELECT count(*) AS n FROM c) x",
            "WITH t AS (SELECT c.id FROM c) SELECT t.id FROM t",
            "SELECT s.id FROM crm.s UNION ALL SELECT c.id FROM c",
            "SELECT 'x'::text AS kind",
        ] {
            assert!(is_never(query), "{query}");
        }
    }

    #[test]
    fn what_may_be_null_is_told() {
        for query in [
            "SELECT s.area FROM crm.s",
            "SELECT c.id FROM (crm.s LEFT JOIN c ON ((c.id = s.id)))",
            "SELECT s.id FROM (crm.s RIGHT JOIN c ON ((c.id = s.id)))",
            "SELECT c.id FROM (crm.s FULL JOIN c ON ((c.id = s.id)))",
            "SELECT max(s.id) FROM crm.s",
            "SELECT max(s.id) FILTER (WHERE (s.id > 5)) FROM crm.s GROUP BY s.area",
            "SELECT s.id FROM crm.s GROUP BY ROLLUP(s.id)",
            "SELECT s.id FROM crm.s UNION ALL SELECT c.area FROM c",
            "SELECT NULL::text AS a",
            "SELECT f(s.id) FROM crm.s",
            "SELECT s.area FROM crm.s WHERE ((s.area = 'x'::text) OR (s.id > 5))",
            "SELECT NULLIF(s.id, 5) FROM crm.s",
            "SELECT area FROM crm.s",
        ] {
            assert!(!is_never(query), "{query}");
        }
    }
}

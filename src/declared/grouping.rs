//! Which columns of a view name its rows: those that its query groups by.

use squawk_syntax::ast::{self, AstNode, Stmt};

use super::text;
use crate::syntax;

/// The places (from 0) of the output columns that the query groups by, if each of its grouping
/// expressions is one; `None` for anything else. `query` is a SELECT as the server prints it.
pub fn grouping_columns(query: &str) -> Option<Vec<usize>> {
    syntax::read(query, places).ok()?
}

fn places(parse: &syntax::Parsed) -> Option<Vec<usize>> {
    let Some(Stmt::Select(select)) = parse.tree().stmts().next() else {
        return None;
    };
    let targets = select
        .select_clause()?
        .target_list()?
        .targets()
        .map(|target| written(target.expr()))
        .collect::<Vec<_>>();
    let groups = select.group_by_clause()?.group_by_list()?.group_bys();
    let place = |group: ast::GroupBy| {
        let ast::GroupBy::GroupingExpr(group) = group else {
            return None;
        };
        let wanted = written(group.expr());
        targets.iter().position(|target| !target.is_empty() && *target == wanted)
    };
    groups
        .map(place)
        .collect::<Option<Vec<_>>>()
        .filter(|places| !places.is_empty())
}

/// An expression without the parentheses that the server puts around it in one place and not in
/// the other.
fn written(mut expression: Option<ast::Expr>) -> String {
    while let Some(ast::Expr::ParenExpr(inner)) = &expression {
        expression = inner.expr();
    }
    expression.map_or_else(String::new, |expression| text::compact(&[expression.syntax().clone()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grouping_names_the_rows() {
        let query = " SELECT sales.user_id,
    date(sales.created_at) AS sale_date,
    count(*) AS total
   FROM sales
  WHERE ((sales.status)::text = 'completed'::text)
  GROUP BY sales.user_id, (date(sales.created_at));";
        assert_eq!(grouping_columns(query), Some(vec![0, 1]));
    }

    #[test]
    fn what_does_not_group_by_its_columns_names_nothing() {
        assert_eq!(grouping_columns("SELECT a, b FROM t"), None);
        assert_eq!(grouping_columns("SELECT count(*) FROM t GROUP BY a"), None);
        assert_eq!(grouping_columns("SELECT a, count(*) FROM t GROUP BY ROLLUP (a)"), None);
    }
}

use super::column;
use crate::facts::health::{Column, Health, Index};
use crate::findings::{Finding, Rule, Severity};
use crate::jobs::check::rules::Judged;

pub const RULE: Rule = Rule::ARRAY_INDEX;

pub fn judge(health: &Health) -> Judged {
    column::judge(health, finding)
}

fn finding(index: &Index, column: &Column) -> Option<Finding> {
    column.data_type.ends_with("[]").then(|| {
        Finding::new(
            &RULE,
            None,
            format!(
                "the B-tree is on an array ({}), which it only compares as a whole",
                column.object
            ),
        )
        .about(&index.object)
        .severity(Severity::Info)
        .help("to look for elements (@>, &&) a GIN index is needed")
        .command(format!(
            "CREATE INDEX CONCURRENTLY ON {} USING gin ({})",
            column.table_object,
            name(column)
        ))
        .evidence("scans", index.scans)
    })
}

fn name(column: &Column) -> &str {
    column
        .object
        .strip_prefix(&format!("{}.", column.table_object))
        .unwrap_or(&column.object)
}

#[cfg(test)]
mod tests {
    use super::super::key::tests::btree;
    use super::*;

    #[test]
    fn the_column_is_named_without_its_table() {
        let column = |data_type: &str| Column {
            object: "public.t.\"a.b\"".to_owned(),
            table_object: "public.t".to_owned(),
            data_type: data_type.to_owned(),
            ..Column::default()
        };
        let command = finding(&btree("a", "1"), &column("integer[]")).unwrap().command.unwrap();
        assert_eq!(command, "CREATE INDEX CONCURRENTLY ON public.t USING gin (\"a.b\")");
        assert_eq!(finding(&btree("a", "1"), &column("integer")), None);
    }
}

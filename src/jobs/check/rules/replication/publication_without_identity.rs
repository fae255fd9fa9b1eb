use crate::facts::health::{Health, PublishedTable};
use crate::findings::{Finding, Rule};
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::PUBLICATION_WITHOUT_IDENTITY;

pub fn judge(health: &Health) -> Judged {
    Ok(health.replication.published.seen()?.iter().map(finding).collect::<Found>())
}

fn finding(table: &PublishedTable) -> Finding {
    let PublishedTable { object, publications, updated, deleted } = table;
    let message = format!(
        "UPDATE and DELETE of the table fail: it is published ({publications}) without a key"
    );
    Finding::new(&RULE, None, message)
        .about(object)
        .help("add a primary key, or choose a unique index without NULLs as its identity; FULL writes whole old rows to WAL")
        .command(format!("ALTER TABLE {object} REPLICA IDENTITY FULL"))
        .evidence("updated_rows", *updated)
        .evidence("deleted_rows", *deleted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::health::Replication;

    #[test]
    fn each_table_is_named() {
        let found = |tables| {
            let replication =
                Replication { published: Known::Known(tables), ..Replication::default() };
            judge(&Health { replication, ..Health::default() }).unwrap().findings.len()
        };
        assert_eq!([found(Vec::new()), found(vec![PublishedTable::default()])], [0, 1]);
    }
}

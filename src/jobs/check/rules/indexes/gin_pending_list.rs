use crate::facts::health::{GinList, Health};
use crate::findings::{Finding, Rule, Severity};
use crate::format::{bytes, whole};
use crate::jobs::check::rules::{Found, Judged};
use crate::shell::pgtend;

pub const RULE: Rule = Rule::GIN_PENDING_LIST;

/// By default who inserts sorts it in at 4 MiB.
const LARGE: i64 = 8 << 20;
const VERY_LARGE: i64 = 64 << 20;

pub fn judge(health: &Health) -> Judged {
    let lists = health.index_methods.gin_lists.seen()?.iter();
    Ok(lists.filter(|list| list.size_bytes() >= LARGE).map(finding).collect::<Found>())
}

fn finding(list: &GinList) -> Finding {
    let size = list.size_bytes();
    let message = format!(
        "every search of the index also reads the {} that nobody has sorted in yet: {} rows",
        bytes(size),
        whole(list.rows),
    );
    Finding::new(&RULE, None, message)
        .about(&list.object)
        .severity(if size >= VERY_LARGE { Severity::Warning } else { Severity::Info })
        .help("VACUUM sorts them in; a lower gin_pending_list_limit of the index lets writes do it earlier, fastupdate = off at once")
        .command(pgtend("vacuum", &list.table_object))
        .evidence("pending_bytes", size)
        .evidence("pending_rows", list.rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::health::IndexMethods;

    #[test]
    fn what_writes_sort_in_themselves_is_no_finding() {
        let severity = |pages| {
            let list = GinList { pages, ..GinList::default() };
            let gin_lists = Known::Known(vec![list]);
            let index_methods = IndexMethods { gin_lists, ..IndexMethods::default() };
            let health = Health { index_methods, ..Health::default() };
            judge(&health).unwrap().findings.first().map(|it| it.severity)
        };
        assert_eq!(severity(600), None);
        assert_eq!(severity(2_000), Some(Severity::Info));
        assert_eq!(severity(20_000), Some(Severity::Warning));
    }
}

use crate::facts::health::{CorruptIndex, Health};
use crate::findings::{Finding, Rule};
use crate::jobs::check::rules::{Found, Judged, NotJudged};
use crate::shell::pgtend;

pub const RULE: Rule = Rule::CORRUPT_INDEX;

pub fn judge(health: &Health) -> Judged {
    let Some(verified) = health.verified.seen()? else {
        return Err(NotJudged::Skipped("asked for by --deep"));
    };
    Ok(Found {
        findings: verified.corrupt.iter().map(finding).collect(),
        unknown: verified.unread.clone(),
    })
}

fn finding(index: &CorruptIndex) -> Finding {
    let CorruptIndex { object, table_object, error } = index;
    Finding::new(&RULE, None, format!("the index of {table_object} is corrupt: {error}"))
        .about(object)
        .help("queries that use it give wrong results; look for the cause (hardware, collation, a bug) before it is rebuilt")
        .command(pgtend("reindex", object))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::health::Verified;
    use crate::facts::{Known, Unavailable};

    #[test]
    fn what_was_not_read_is_not_passed() {
        let judged =
            |verified| judge(&Health { verified: Known::Known(verified), ..Health::default() });
        assert!(judged(None).is_err());
        let unread = Some(Unavailable::because("the time was spent"));
        let found =
            judged(Some(Verified { unread: unread.clone(), ..Verified::default() })).unwrap();
        assert_eq!(found, Found { findings: Vec::new(), unknown: unread });
    }
}

use crate::facts::Unavailable;
use crate::facts::health::{Health, LargeObjects, MOST_LARGE_OBJECTS};
use crate::findings::{Finding, Rule};
use crate::format::{bytes, count, whole};
use crate::jobs::check::rules::{Found, Judged, NotJudged};

pub const RULE: Rule = Rule::ORPHANED_LARGE_OBJECTS;

/// Fewer cost little.
const MANY: f64 = 1_000.0;
const HALF: f64 = 0.5;

pub fn judge(health: &Health) -> Judged {
    let objects = health.files.large_objects.seen()?.iter();
    objects
        .map(found)
        .collect::<Result<Vec<_>, _>>()
        .map(|all| all.into_iter().flatten().collect::<Found>())
}

/// A column refers to one object a row at most, so the others are nobody's.
fn found(all: &LargeObjects) -> Result<Option<Finding>, NotJudged> {
    let objects = all.objects as f64;
    if objects < MANY {
        return Ok(None);
    }
    let rows = all.rows.ok_or_else(|| {
        Unavailable::because("tables with columns of type oid were never analyzed")
            .help("pgtend analyze --needed")
    })?;
    let orphans = objects - rows;
    let are_many = orphans >= MANY && orphans >= HALF * objects;
    Ok(are_many.then(|| finding(all, orphans as i64)))
}

fn finding(all: &LargeObjects, orphans: i64) -> Finding {
    let more = if all.objects > MOST_LARGE_OBJECTS {
        " and more"
    } else {
        ""
    };
    let refers = match all.columns {
        0 => "no column of a table can refer to any".to_owned(),
        columns => {
            let columns = count(usize::try_from(columns).unwrap_or_default(), "column", "columns");
            format!("{columns} of type oid can refer to {} at most", whole(all.objects - orphans))
        }
    };
    let message =
        format!("there are {}{more}, of {}, and {refers}", whole(all.objects), bytes(all.bytes));
    Finding::new(&RULE, None, message)
        .about(&"large objects")
        .help(
            "deleting a row does not delete its large object. Ask first whether the application keeps their numbers as \
             text or bigint, as Hibernate does; vacuumlo --dry-run shows what no column of type oid refers to",
        )
        .evidence("objects", all.objects)
        .evidence("orphans", orphans)
        .evidence("size_bytes", all.bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_columns_can_refer_to_is_nobodys_only_where_there_are_more() {
        let of = |objects, rows| {
            let all = LargeObjects { objects, bytes: 0, columns: 1, rows };
            found(&all).map(|found| found.is_some())
        };
        assert_eq!(of(5_000, Some(100.0)), Ok(true));
        assert_eq!(of(5_000, Some(4_000.0)), Ok(false));
        assert_eq!(of(500, Some(0.0)), Ok(false));
        assert_eq!(of(500, None), Ok(false));
        assert!(matches!(of(5_000, None), Err(NotJudged::Unknown(_))));
    }
}

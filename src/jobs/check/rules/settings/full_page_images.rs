use crate::facts::health::{Health, Wal};
use crate::findings::{Finding, Rule};
use crate::format::bytes;
use crate::jobs::check::rules::{Found, Judged, NotJudged, since_reset};

pub const RULE: Rule = Rule::FULL_PAGE_IMAGES;

const MUCH: i64 = 10 << 30;
const HALF: f64 = 0.5;
const PAGE_BYTES: f64 = 8192.0;

pub fn judge(health: &Health) -> Judged {
    let settings = health.settings.seen()?;
    let wal = health.io.wal.seen()?;
    let compression = settings.of_others("wal_compression")?.and_then(|it| it.value.as_deref());
    if compression.is_some_and(|how| how != "off") {
        return Err(NotJudged::Skipped(
            "wal_compression is on, and how large images are is not counted",
        ));
    }
    Ok(wal.iter().filter_map(finding).collect::<Found>())
}

fn finding(Wal { bytes: written, page_images, reset_seconds }: &Wal) -> Option<Finding> {
    let share = (*page_images as f64 * PAGE_BYTES / *written as f64).min(1.0);
    if *written < MUCH || share < HALF {
        return None;
    }
    let message = format!(
        "up to {:.0} % of {} of WAL {} are whole pages",
        share * 100.0,
        bytes(*written),
        since_reset(*reset_seconds),
    );
    let finding = Finding::new(&RULE, None, message)
        .about(&"wal_compression")
        .help("after each checkpoint the first change of a page writes all of it: compress these, or let checkpoints be rarer (max_wal_size)")
        .command("ALTER SYSTEM SET wal_compression = on")
        .evidence("wal_bytes", *written)
        .evidence("page_images", *page_images)
        .evidence("reset_seconds", *reset_seconds);
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_much_is_told() {
        let of = |gigabytes: i64, page_images| {
            finding(&Wal { bytes: gigabytes << 30, page_images, reset_seconds: None }).is_some()
        };
        assert!(!of(1, 100_000));
        assert!(!of(20, 100_000));
        assert!(of(20, 2_000_000));
    }
}

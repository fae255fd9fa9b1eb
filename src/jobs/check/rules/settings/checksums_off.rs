use crate::facts::health::Health;
use crate::findings::{Finding, Rule};
use crate::jobs::check::rules::Judged;

pub const RULE: Rule = Rule::CHECKSUMS_OFF;

pub fn judge(health: &Health) -> Judged {
    if health.settings.seen()?.is_on("data_checksums") {
        return Ok(Vec::new().into());
    }
    let found = Finding::new(&RULE, None, "pages have no checksums, so a disk that damages them is not noticed")
        .about(&"data_checksums")
        .help("pg_checksums --enable switches them on while the server is stopped; 18 has them on from the beginning");
    Ok(vec![found].into())
}

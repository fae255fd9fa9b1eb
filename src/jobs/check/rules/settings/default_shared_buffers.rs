use crate::facts::health::Health;
use crate::findings::{Finding, Rule};
use crate::format::bytes;
use crate::jobs::check::rules::Judged;

pub const RULE: Rule = Rule::DEFAULT_SHARED_BUFFERS;

const DEFAULT: f64 = 128.0 * 1024.0 * 1024.0;
/// So many times the buffers.
const LARGE: f64 = 32.0;

pub fn judge(health: &Health) -> Judged {
    let buffers = health.settings.seen()?.bytes("shared_buffers").unwrap_or(DEFAULT);
    let size = health.glance.seen()?.first().and_then(|glance| glance.size_bytes);
    let found =
        size.filter(|size| buffers <= DEFAULT && *size as f64 > LARGE * buffers)
            .map(|size| {
                let message = format!(
                    "it is still {} as after installing, and the database has {}",
                    bytes(buffers as i64),
                    bytes(size),
                );
                Finding::new(&RULE, None, message)
                    .about(&"shared_buffers")
                    .help("a quarter of the memory is usual; it takes a restart")
                    .evidence("shared_buffers_bytes", buffers)
                    .evidence("database_bytes", size)
            });
    Ok(found.into_iter().collect::<Vec<_>>().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::health::Glance;

    #[test]
    fn a_small_database_needs_no_more() {
        let found = |size_bytes| {
            let glance = Glance { size_bytes: Some(size_bytes), ..Glance::default() };
            let health = Health { glance: Known::Known(vec![glance]), ..Health::default() };
            judge(&health).unwrap().findings.len()
        };
        assert_eq!([found(1 << 30), found(1 << 40)], [0, 1]);
    }
}

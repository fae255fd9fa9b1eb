use crate::facts::health::Health;
use crate::findings::{Finding, Rule};
use crate::format::bytes;
use crate::jobs::check::rules::Judged;

pub const RULE: Rule = Rule::SMALL_CACHE_SIZE;

pub fn judge(health: &Health) -> Judged {
    let settings = health.settings.seen()?;
    settings.of_others("effective_cache_size")?;
    let sizes = settings.bytes("effective_cache_size").zip(settings.bytes("shared_buffers"));
    let found = sizes.filter(|(cache, buffers)| cache < buffers).map(|(cache, buffers)| {
        let message = format!(
            "the planner reckons with {} of cache, and shared_buffers alone has {}",
            bytes(cache as i64),
            bytes(buffers as i64),
        );
        Finding::new(&RULE, None, message)
            .about(&"effective_cache_size")
            .help("index scans look more expensive than they are; a half to three quarters of the memory is usual")
            .evidence("effective_cache_size_bytes", cache)
            .evidence("shared_buffers_bytes", buffers)
    });
    Ok(found.into_iter().collect::<Vec<_>>().into())
}

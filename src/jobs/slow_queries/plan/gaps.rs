//! What is missing in the counters of a span.

use crate::facts::statements::Span;
use crate::format;

/// The circumstances of a span that make its counters less than the whole truth, in words.
pub fn gaps(span: &Span) -> Vec<String> {
    let mut gaps = Vec::new();
    if span.resets > 0 {
        gaps.push(format!(
            "the counters were reset {} in between; what ran between the last snapshot and the reset is \
             missing",
            format::count(span.resets, "time", "times")
        ));
    }
    let evictions = usize::try_from(span.evictions()).unwrap_or(0);
    if evictions > 0 {
        gaps.push(format!(
            "the server evicted rarely executed statements ({}) because there are more than \
             pg_stat_statements.max; part of what they did is missing",
            format::count(evictions, "round of evictions", "rounds of evictions")
        ));
    }
    if span.unknown > 0 {
        gaps.push(format!(
            "{} left out: the role that took the first snapshot could not see them, so their start \
             values are unknown",
            format::count(span.unknown, "statement is", "statements are")
        ));
    }
    if span.has_restarted() {
        gaps.push(
            "the server was restarted in between; after a crash the counters start at zero"
                .to_owned(),
        );
    }
    gaps
}

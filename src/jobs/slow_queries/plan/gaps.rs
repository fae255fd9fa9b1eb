//! What is missing in the counters of a span.

use crate::facts::statements::Span;
use crate::format;

/// The circumstances of a span that make its counters less than the whole truth, in words.
pub fn gaps(span: &Span) -> Vec<String> {
    let mut gaps = Vec::new();
    if span.resets > 0 {
        gaps.push(format!(
            "the counters were reset {} meanwhile; what was done between the last snapshot before \
             and the reset is missing",
            format::count(span.resets, "time", "times")
        ));
    }
    let evictions = usize::try_from(span.evictions()).unwrap_or(0);
    if evictions > 0 {
        gaps.push(format!(
            "the server had to forget rarely executed statements ({}) because there are more than \
             pg_stat_statements.max; what they did is missing in part",
            format::count(evictions, "round of evictions", "rounds of evictions")
        ));
    }
    if span.unknown > 0 {
        gaps.push(format!(
            "{} left out: whoever took the first snapshot could not see them, so nobody knows what \
             they had been at",
            format::count(span.unknown, "statement is", "statements are")
        ));
    }
    if span.has_restarted() {
        gaps.push(
            "the server was started anew meanwhile; after a crash the counters begin anew"
                .to_owned(),
        );
    }
    gaps
}

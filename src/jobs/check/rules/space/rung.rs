//! On what the size of a bloated relation stands.

use crate::facts::Unavailable;
use crate::facts::health::Health;

/// How well a size is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rung {
    Estimated,
    Measured,
}

impl Rung {
    /// `measured by pgstatindex`, for the end of a sentence.
    pub fn words(self, function: &str) -> String {
        match self {
            Rung::Estimated => "estimated from the statistics".to_owned(),
            Rung::Measured => format!("measured by {function}"),
        }
    }
}

/// Why --confirm has not confirmed all that it was asked to.
pub fn unconfirmed(health: &Health) -> Option<Unavailable> {
    match health.confirmed.seen() {
        Ok(confirmed) => confirmed.as_ref()?.unread.clone(),
        Err(why) => Some(why.clone()),
    }
}

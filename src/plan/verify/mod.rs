//! The judgement of migrations: what the checks found, and what that makes of them. Nothing here has
//! a connection; what a server said comes as [`Applied`] and as facts of the catalog.

mod applied;
mod check;
pub mod converge;
pub mod down;
mod extensions;
mod fail_on;
mod finding;
pub mod heal;
mod ignores;
mod judgement;
mod lint;
pub mod locks;
mod merge;
pub mod observed;
mod parsed;
mod place;
mod refusal;
mod rule;
pub mod schema;
mod syntax;
pub mod views;

pub use applied::{Applied, Refused};
pub use check::{Check, CheckName, Verdict, VerifiedOn};
pub use extensions::{Extensions, IfMissing};
pub use fail_on::FailOn;
pub use finding::{Finding, Severity};
pub use ignores::Ignores;
pub use judgement::{Judgement, LaidOut, counted};
pub use locks::{Existing, HeldLock};
pub use merge::merge;
pub use observed::Observed;
pub use place::Place;
pub use rule::Rule;

#[cfg(test)]
mod tests;

//! The judgement of migrations: what the checks found, and what that makes of them. Nothing here has
//! a connection; what a server said comes as [`Applied`] and as facts of the catalog.

mod applied;
mod check;
pub mod comments;
pub mod converge;
pub mod declared;
pub mod down;
mod extensions;
pub mod heal;
pub mod lint;
pub mod locks;
mod meant;
mod merge;
pub mod observed;
mod parsed;
mod refusal;
pub mod relations;
mod results;
pub mod schema;
pub mod set;
mod syntax;
pub mod views;

pub use applied::{Applied, Refused};
pub use check::{CheckName, VerifiedOn};
pub use extensions::{Extensions, IfMissing};
pub use locks::{ExistingTables, HeldLock};
pub use merge::merge;
pub use results::{LaidOut, VerifyResults};

#[cfg(test)]
mod ignores_tests;
#[cfg(test)]
mod tests;

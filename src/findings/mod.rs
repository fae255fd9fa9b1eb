//! Findings, for every command that judges: what a rule is, what was found, what of it is ignored or
//! fails, and how CI systems are told.

pub mod check;
mod directive;
mod document;
mod fail_on;
mod finding;
mod fingerprint;
pub mod github;
pub mod gitlab;
mod group;
pub mod ignores;
pub mod junit;
mod lines;
pub mod markdown;
mod place;
mod repository;
mod review;
mod rule;
mod rules;
pub mod sarif;
mod suppressed;

pub use check::{Check, CheckVerdict};
pub use directive::{Directive, MARKER};
pub use document::ReviewDocument;
pub use fail_on::FailOn;
pub use finding::{Finding, Severity};
pub use group::Group;
pub use ignores::{IgnoreUse, Ignores};
pub use lines::lines;
pub use place::Place;
pub use repository::Repository;
pub use review::{Review, counted};
pub use rule::Rule;
pub use suppressed::Suppressions;

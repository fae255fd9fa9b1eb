//! What a person or a program reads: the product on standard output, narration on standard error.
//! Printing happens here and in `main` alone.

mod console;
pub mod dry_run;
mod envelope;
mod events;
pub mod executed;
mod failure;
mod fleet;
pub mod html;
pub mod inflight;
pub mod keys;
pub mod metrics;
mod options;
mod outcome;
mod paint;
pub mod progress;
mod report;
pub mod report_file;
mod screen;
pub mod steps;
pub mod table;
pub mod within_schema;
pub mod wrap;

pub use console::{Console, answer_shell};
pub use envelope::{Head, Origin};
pub use fleet::{FleetReport, TargetEnded, TargetReport};
pub use options::{Color, Format, OutputOptions, Verbosity};
pub use outcome::Outcome;
pub use report::{Page, Report, Style, Text};

//! The pages: text and figures of the last facts, nothing else.

pub mod activity;
pub mod curve;
pub mod findings;
pub mod lists;
pub mod overview;
pub mod statements;

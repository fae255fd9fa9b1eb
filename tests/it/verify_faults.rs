//! `verify` when something breaks.

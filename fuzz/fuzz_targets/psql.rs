//! Statements and commands as psql tells them apart.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use pgtend::inside::{Others, Passed, Reader, Text};

fuzz_target!(|text: &str| {
    let mut reader = Reader::new(Passed::new(Others::Ignore));
    let name = Arc::from("a.sql");
    let mut line = 1;
    reader.read(Text { name: &name, path: None, first_line: 1, text, rows_are_apart: false }, &mut |statement, _| {
        assert!(statement.source.line >= line);
        line = statement.source.line;
    });
});

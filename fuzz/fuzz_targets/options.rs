//! Values of options: conditions of --fail-if, durations, windows, names and patterns.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pgtend::inside::{Condition, NamePattern, Window, parse_duration};

fuzz_target!(|text: &str| {
    if let Ok(condition) = Condition::parse(text) {
        assert_eq!(Condition::parse(&condition.to_string()), Ok(condition));
    }
    let _ = parse_duration(text);
    let _ = Window::parse(text);
    let _ = NamePattern::parse(text);
});

//! Files of declarations: whatever they hold, they are read or refused at file and line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pgtend::inside::{Others, SqlFile, understand};

fuzz_target!(|text: &str| {
    for others in [Others::Ignore, Others::Refuse] {
        let file = SqlFile { name: "a.sql".into(), text: text.to_owned() };
        if let Err(failure) = understand(&[file], others) {
            assert!(failure.to_string().starts_with("a.sql:"), "{failure}");
        }
    }
});

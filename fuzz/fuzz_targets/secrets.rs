//! Texts of statements, out of which secrets are taken.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pgtend::inside::without_secrets;

fuzz_target!(|text: &str| {
    without_secrets(text);
});

//! What a user writes after -d.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pgtend::pg::conninfo::Conninfo;

fuzz_target!(|text: &str| {
    Conninfo::is_url(text);
    let _ = Conninfo::check(text);
    Conninfo::without_password(text);
});

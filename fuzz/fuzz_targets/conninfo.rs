//! What a user writes after -d.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pg_conninfo::{Conninfo, Environment};

fuzz_target!(|text: &str| {
    Conninfo::is_url(text);
    if let Ok(conninfo) = Conninfo::resolve(Some(text), &Environment::from_variables([])) {
        let _ = conninfo.driver_config();
    }
    Conninfo::without_secrets(text);
});

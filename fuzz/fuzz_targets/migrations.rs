//! A folder with two migrations, whose names and texts are fuzzed.
#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;
use pgtend::inside::{Asked, load_migrations, statements};

fuzz_target!(|files: [(&str, &str); 2]| {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let name = name.chars().filter(|c| plain(*c)).take(60).collect::<String>();
        let _ = fs::write(folder.path().join(format!("{name}.sql")), text);
    }
    if let Ok(loaded) = load_migrations(&[folder.path()], &Asked::default()) {
        for migration in &loaded.migrations {
            let _ = statements(&migration.up);
        }
    }
});

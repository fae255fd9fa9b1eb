//! Files with counters, which --since and --against read: fuzzed whole, and with a head that is right.
#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;
use pgtend::inside::SnapshotFile;

fuzz_target!(|text: &str| {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("snapshot");
    let with_head = format!("{{\"format\": \"pgtend-snapshot\", \"version\": 1, {text}");
    for text in [text, &with_head] {
        fs::write(&path, text).unwrap();
        if let Ok(file) = SnapshotFile::read(&path) {
            file.reading();
        }
    }
});

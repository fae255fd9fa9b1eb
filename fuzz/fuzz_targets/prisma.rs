//! Prisma schemas: whatever they hold, they are read or refused at file and line, and what is
//! declared is SQL that is read as one statement.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pgtend::inside::{Others, SqlFile, understand};

fuzz_target!(|text: &str| {
    let file = SqlFile { name: "a.prisma".into(), text: text.to_owned() };
    match understand(&[file], Others::Refuse) {
        Err(failure) => assert!(failure.to_string().starts_with("a.prisma:"), "{failure}"),
        Ok(declaration) => {
            for index in declaration.indexes {
                let text = format!("CREATE INDEX ON {} {}", index.table, index.definition);
                let file = SqlFile { name: "a.sql".into(), text };
                let read = understand(&[file], Others::Refuse).unwrap();
                assert_eq!(read.indexes.len(), 1, "{index:?}");
            }
        }
    }
});

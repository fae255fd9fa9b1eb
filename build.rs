//! Lists pgtend's own queries, so that they can be told from those of the application.

#![allow(clippy::print_stdout, reason = "this is how cargo is told")]

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let mut files = Vec::new();
    for folder in ["catalog", "check", "history", "measures", "statements", "twin"] {
        let folder = root.join("sql").join(folder);
        println!("cargo:rerun-if-changed={}", folder.display());
        for entry in fs::read_dir(folder)? {
            files.push(entry?.path());
        }
    }
    files.retain(|file| file.extension().is_some_and(|extension| extension == "sql"));
    files.sort();
    let included = files.iter().map(|file| format!("include_str!({file:?}),\n"));
    let list = format!("&[\n{}]", included.collect::<String>());
    let out = env::var_os("OUT_DIR").unwrap_or_default();
    fs::write(Path::new(&out).join("queries.rs"), list)
}

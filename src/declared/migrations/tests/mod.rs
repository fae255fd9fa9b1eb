mod extensions;
mod layouts;
mod reading;
mod splitting;

use std::fs;

use tempfile::TempDir;

use super::*;

/// A folder of files, given as path and content.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, content) in files {
        write(&folder, path, content.as_bytes());
    }
    folder
}

fn write(folder: &TempDir, path: &str, content: &[u8]) {
    let path = folder.path().join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn loaded(folder: &TempDir) -> (Layout, Vec<Migration>) {
    let loaded = load(&[folder.path()], &asked(None)).unwrap();
    (loaded.layout, loaded.migrations)
}

fn asked(layout: Option<Layout>) -> Asked {
    Asked { layout, ..Asked::default() }
}

fn refusal(folder: &TempDir, layout: Option<Layout>) -> String {
    load(&[folder.path()], &asked(layout)).unwrap_err().to_string()
}

fn names(migrations: &[Migration]) -> Vec<&str> {
    migrations.iter().map(|migration| migration.name.as_str()).collect()
}

fn wrappings(migrations: &[Migration]) -> Vec<Wrapping> {
    migrations.iter().map(|migration| migration.up.wrapping).collect()
}

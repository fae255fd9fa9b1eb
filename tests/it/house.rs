//! The house: who may import whom.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The storey of each module, from above, as `lib.rs` lists them: modules with no blank line between
/// them share one.
fn storeys(lib: &str) -> HashMap<String, usize> {
    let mut storeys = HashMap::new();
    let mut storey = 0;
    for line in lib.lines() {
        let name = line.trim_start_matches("pub(crate) ").trim_start_matches("pub ");
        match name.strip_prefix("mod ").and_then(|name| name.strip_suffix(';')) {
            Some(name) => drop(storeys.insert(name.to_owned(), storey)),
            None if line.is_empty() => storey += 1,
            None => {}
        }
    }
    storeys
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let inner = folders.iter().flat_map(|folder| sources(folder));
    inner
        .chain(files.into_iter().filter(|file| file.extension().is_some_and(|it| it == "rs")))
        .collect()
}

/// The modules of the crate that a text names, in `crate::x` and `use crate::{x, …}`.
fn named(text: &str) -> Vec<&str> {
    let is_word = |char: char| char.is_ascii_alphanumeric() || char == '_';
    let after = text.split("crate::").skip(1);
    after
        .map(|rest| rest.split(|char| !is_word(char)).next().unwrap_or_default())
        .collect()
}

#[test]
fn no_module_imports_one_of_a_storey_above() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let storeys = storeys(&fs::read_to_string(src.join("lib.rs")).unwrap());
    assert!(storeys.len() > 10 && storeys["cli"] < storeys["pg"], "{storeys:?}");
    let mut breaches = Vec::new();
    for file in sources(&src) {
        let within = file.strip_prefix(&src).unwrap();
        let module = within.components().next().unwrap().as_os_str().to_str().unwrap();
        let Some(own) = storeys.get(module.trim_end_matches(".rs")) else {
            continue;
        };
        for other in named(&fs::read_to_string(&file).unwrap()) {
            if storeys.get(other).is_some_and(|storey| storey < own) {
                breaches.push(format!("{} imports {other}", within.display()));
            }
        }
    }
    assert_eq!(breaches, [""; 0]);
}

/// What all jobs share in the engine knows none of them.
#[test]
fn the_engine_does_not_import_what_one_job_knows() {
    let work = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/work");
    let jobs = ["apply", "refresh", "maintenance", "reindex"];
    let shared = sources(&work).into_iter().filter(|file| {
        let within = file.strip_prefix(&work).unwrap();
        !jobs.iter().any(|job| within.starts_with(job)) && !within.ends_with("mod.rs")
    });
    let mut breaches = Vec::new();
    for file in shared {
        let text = fs::read_to_string(&file).unwrap();
        for path in jobs
            .iter()
            .flat_map(|job| [format!("work::{job}::"), format!("super::{job}::")])
        {
            if text.contains(&path) {
                breaches.push(format!("{} imports {path}", file.display()));
            }
        }
    }
    assert_eq!(breaches, [""; 0]);
}

/// The job that a file belongs to.
fn job(within: &Path) -> Option<String> {
    let mut parts = within.strip_prefix("jobs").ok()?.components();
    let name = parts.next()?.as_os_str().to_str()?.trim_end_matches(".rs").to_owned();
    (name != "mod").then_some(name)
}

#[test]
fn jobs_do_not_import_each_other() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = sources(&src.join("jobs"));
    let of = |file: &Path| job(file.strip_prefix(&src).unwrap());
    let jobs = files.iter().filter_map(|file| of(file)).collect::<HashSet<_>>();
    assert!(jobs.contains("verify") && jobs.contains("man"), "{jobs:?}");
    let mut breaches = Vec::new();
    for file in &files {
        let Some(own) = of(file) else { continue };
        let text = fs::read_to_string(file).unwrap();
        let is_at_the_door = file.ends_with("mod.rs") || file.parent() == Some(&src.join("jobs"));
        let after = if is_at_the_door { "super::" } else { "jobs::" };
        for other in jobs.iter().filter(|other| **other != own) {
            let names = ["jobs::", after].map(|before| format!("{before}{other}::"));
            if names.iter().any(|name| text.contains(name)) {
                breaches.push(format!("{} imports {other}", file.display()));
            }
        }
    }
    assert_eq!(breaches, [""; 0]);
}

/// What stands in the quotes behind `=> "`, in the list of codes.
fn codes(source: &str) -> impl Iterator<Item = &str> {
    let after = source.split("=>").skip(1).map(str::trim_start);
    after.filter_map(|rest| rest.strip_prefix('"')?.split('"').next())
}

#[test]
fn the_code_of_every_reason_is_documented() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/json.md")).unwrap();
    let list = fs::read_to_string(root.join("src/work/reason/code.rs")).unwrap();
    let mut known = 0;
    for code in codes(&list) {
        assert!(page.contains(&format!("`{code}`")), "{code}");
        known += 1;
    }
    assert!(known > 90, "{known}");
}

#[test]
fn every_file_is_a_module_of_its_folder() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let door = |folder: &Path| match folder == src {
        true => vec![src.join("lib.rs")],
        false => vec![folder.join("mod.rs"), folder.with_extension("rs")],
    };
    for file in sources(&src) {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let folder = file.parent().unwrap();
        if matches!(name, "lib" | "main" | "mod") {
            continue;
        }
        let mut doors = door(folder).into_iter().filter_map(|door| fs::read_to_string(door).ok());
        let is_known = doors.any(|text| {
            let judges = text.split("judges! {").nth(1).unwrap_or_default();
            let mut judges = judges.split(|char: char| !(char.is_alphanumeric() || char == '_'));
            text.contains(&format!("mod {name};")) || judges.any(|judge| judge == name)
        });
        assert!(is_known, "nothing names {}", file.display());
    }
}

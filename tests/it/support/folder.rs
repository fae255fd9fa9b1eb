//! A folder with migrations, and what `verify` says of it.

use std::fs;

use super::Output;
use super::command::Pgtend;
use super::document::Finding;
use super::server::server;

/// A folder with migrations.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new(files: &[(&str, &str)]) -> Folder {
        let folder = Folder(tempfile::tempdir().unwrap());
        for (name, sql) in files {
            let path = folder.0.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, sql).unwrap();
        }
        folder
    }

    pub fn path(&self, file: &str) -> String {
        self.0.path().join(file).display().to_string()
    }

    pub fn call(&self, more: &[&str]) -> Pgtend {
        Pgtend::new(&[&["verify", &self.path("")], more].concat())
    }

    /// As sqlx would run them: each file in a transaction.
    pub fn verify(&self, more: &[&str]) -> Output {
        self.verify_as(&[&["--layout", "sqlx"], more].concat())
    }

    /// On the tests' server, unless another one is asked for: a server of its own takes a second.
    pub fn verify_as(&self, more: &[&str]) -> Output {
        let url = server().url();
        let asks = |option: &str| more.contains(&option);
        let asks_for_server = ["-d", "--target", "--pg", "--pg-bin"].into_iter().any(asks);
        let shared = if asks_for_server {
            vec![]
        } else {
            vec!["-d", url.as_str()]
        };
        self.call(&[&["--format", "json"], shared.as_slice(), more].concat()).run()
    }

    /// The file as findings name it.
    pub fn found_in(&self, file: &str) -> Option<String> {
        Some(self.path(file))
    }
}

/// The findings that are errors.
pub fn errors(output: &Output) -> Vec<Finding> {
    let findings = output.json().findings.into_iter();
    findings.filter(|finding| finding.severity == "error").collect()
}

pub fn rules(output: &Output) -> Vec<String> {
    output.json().findings.into_iter().map(|finding| finding.rule).collect()
}

/// `parse passed, apply failed …`, of the checks that are named.
pub fn verdicts(output: &Output, names: &[&str]) -> String {
    let checks = output.json().checks.into_iter();
    let checks = checks.filter(|check| names.contains(&check.name.as_str()));
    let verdicts = checks.map(|check| format!("{} {}", check.name, check.verdict));
    verdicts.collect::<Vec<_>>().join(", ")
}

pub fn reason(output: &Output, name: &str) -> String {
    let check = output.json().checks.into_iter().find(|check| check.name == name);
    check.unwrap().reason.unwrap()
}

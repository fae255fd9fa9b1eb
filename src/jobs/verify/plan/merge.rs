//! What several servers say of the same migrations, as one judgement.

use super::{VerifiedOn, VerifyResults};
use crate::findings::Finding;

/// One judgement of several servers': each server's checks, and each finding once, with the servers
/// that it is about. What holds on some of them only says so. `blank`: a judgement as it is before
/// anything is found.
pub fn merge(judgements: Vec<VerifyResults>, blank: VerifyResults) -> VerifyResults {
    let verified_on = judgements
        .iter()
        .flat_map(|judgement| judgement.verified_on.clone())
        .collect::<Vec<_>>();
    let names = names(&verified_on);
    let mut merged = blank;
    merged.verified_on = verified_on;
    for (judgement, name) in judgements.into_iter().zip(&names) {
        let checks = judgement.review.checks.into_iter();
        merged.review.checks.extend(checks.map(|mut check| {
            check.servers = vec![name.clone()];
            check
        }));
        merged.left_out = merged.left_out.max(judgement.left_out);
        // They are those of the statements; the first server's stand for all.
        if merged.locks.is_empty() {
            merged.locks = judgement.locks;
        }
        add(&mut merged.review.findings, judgement.review.findings, name);
    }
    if names.len() > 1 {
        merged.review.servers = names;
    }
    merged
}

/// The servers' versions; where two have the same one, with the folders of their programs.
fn names(verified_on: &[VerifiedOn]) -> Vec<String> {
    let is_alone = |one: &VerifiedOn| {
        verified_on.iter().filter(|other| other.version == one.version).count() == 1
    };
    let name = |one: &VerifiedOn| match &one.folder {
        Some(folder) if !is_alone(one) => format!("{} in {}", one.version, folder.display()),
        _ => one.version.clone(),
    };
    verified_on.iter().map(name).collect()
}

/// Adds a server's findings. What is new stands behind what the server said before it.
fn add(merged: &mut Vec<Finding>, findings: Vec<Finding>, server: &str) {
    if merged.is_empty() {
        let servers = vec![server.to_owned()];
        let all = findings.into_iter();
        merged.extend(all.map(|finding| Finding { servers: servers.clone(), ..finding }));
        return;
    }
    let mut behind = 0;
    for mut finding in findings {
        let is_it = |one: &Finding| is_same(one, &finding) && !is_of(one, server);
        let at = match merged.iter().position(is_it) {
            Some(at) => {
                merged[at].servers.push(server.to_owned());
                at
            }
            None => {
                finding.servers = vec![server.to_owned()];
                merged.insert(behind, finding);
                behind
            }
        };
        behind = behind.max(at + 1);
    }
}

/// What to do may differ from server to server, as a package's name does; the first one's is told.
fn is_same(one: &Finding, other: &Finding) -> bool {
    let alike = (&one.rule, one.severity) == (&other.rule, other.severity);
    alike && (&one.place, &one.message) == (&other.place, &other.message)
}

fn is_of(finding: &Finding, server: &str) -> bool {
    finding.servers.iter().any(|one| one == server)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::findings::{Rule, Severity};
    use crate::jobs::verify::plan::CheckName;

    fn judgement(version: &str, messages: &[&str]) -> VerifyResults {
        let mut judgement = VerifyResults::new(Severity::Error);
        let folder = Some(format!("/{}", messages.len()).into());
        let version = version.to_owned();
        judgement.verified_on.push(VerifiedOn { version, folder, start_up: None });
        let findings = messages.iter().map(|text| Finding::new(&Rule::SYNTAX, None, *text));
        judgement.add(CheckName::Parse, Duration::ZERO, findings.collect(), "");
        judgement
    }

    fn seen(judgements: Vec<VerifyResults>) -> Vec<(String, String)> {
        let review = merge(judgements, VerifyResults::new(Severity::Error)).review;
        let findings = review.findings.iter();
        findings.map(|one| (review.message_of(one), one.servers.join("+"))).collect()
    }

    fn wanted(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    }

    #[test]
    fn what_all_servers_say_is_said_once() {
        let found = seen(vec![judgement("14.21", &["a", "b"]), judgement("18.1", &["a", "b"])]);
        assert_eq!(found, wanted(&[("a", "14.21+18.1"), ("b", "14.21+18.1")]));
        assert_eq!(seen(vec![judgement("14.21", &["a"])]), wanted(&[("a", "14.21")]));

        let mut judgements = vec![judgement("14.21", &["a"]), judgement("18.1", &["a"])];
        judgements[1].review.findings[0].help = Some("as on 18".to_owned());
        assert_eq!(seen(judgements), wanted(&[("a", "14.21+18.1")]));
    }

    #[test]
    fn what_some_say_names_them_and_keeps_its_place() {
        let found = seen(vec![
            judgement("14.21", &["a", "c", "d"]),
            judgement("16.1", &["a", "b", "c"]),
            judgement("18.1", &["c"]),
        ]);
        let wanted = wanted(&[
            ("a (only on 14.21, 16.1)", "14.21+16.1"),
            ("b (only on 16.1)", "16.1"),
            ("c", "14.21+16.1+18.1"),
            ("d (only on 14.21)", "14.21"),
        ]);
        assert_eq!(found, wanted);
    }

    #[test]
    fn what_one_server_says_twice_is_not_said_by_two() {
        let found = seen(vec![judgement("14.21", &["a", "a"]), judgement("18.1", &["a"])]);
        assert_eq!(found, wanted(&[("a", "14.21+18.1"), ("a (only on 14.21)", "14.21")]));
    }

    #[test]
    fn servers_of_one_version_are_told_by_their_folders_and_have_checks_each() {
        let merged = merge(
            vec![judgement("18.1", &["a"]), judgement("18.1", &[])],
            VerifyResults::new(Severity::Error),
        );
        let [first, ..] = &merged.review.findings[..] else {
            panic!()
        };
        assert_eq!(merged.review.message_of(first), "a (only on 18.1 in /1)");
        let checks = merged.review.checks.iter().map(|check| check.servers.join("+"));
        assert_eq!(checks.collect::<Vec<_>>(), ["18.1 in /1", "18.1 in /0"]);
        assert!(merged.review.is_failed());
    }
}

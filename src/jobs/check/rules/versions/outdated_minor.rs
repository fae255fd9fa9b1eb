use super::releases::{KNOWN_UNTIL, major_of, running};
use crate::facts::health::Health;
use crate::findings::{Finding, Rule};
use crate::jobs::check::rules::{Found, Judged};
use crate::pg::version::ServerVersion;

pub const RULE: Rule = Rule::OUTDATED_MINOR;

pub fn judge(health: &Health) -> Judged {
    let release = running(health)?;
    let latest = major_of(release)?.latest;
    Ok((release < latest)
        .then(|| finding(release, latest))
        .into_iter()
        .collect::<Found>())
}

fn finding(release: ServerVersion, latest: ServerVersion) -> Finding {
    let message =
        format!("the server runs {release}; {latest} is out since {KNOWN_UNTIL} at the latest");
    Finding::new(&RULE, None, message)
        .about(&"PostgreSQL")
        .help(
            "it lacks fixes of errors, some of which lose data or let intruders in: install the packages and restart; the \
             data stays as it is",
        )
        .evidence("server_version", release.to_string())
        .evidence("latest_known_version", latest.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::releases::of_version;
    use super::*;

    #[test]
    fn the_latest_and_newer_ones_are_fine() {
        let of = |number| {
            let health = Health { settings: of_version(number), ..Health::default() };
            judge(&health).map(|found| found.findings.len())
        };
        assert_eq!([of("150019"), of("150020"), of("150021")], [Ok(1), Ok(0), Ok(0)]);
        assert!(of("210000").is_err());
    }
}

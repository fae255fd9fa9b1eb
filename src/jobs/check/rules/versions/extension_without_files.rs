use crate::facts::health::{Extension, Health};
use crate::findings::{Finding, Rule};
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::EXTENSION_WITHOUT_FILES;

pub fn judge(health: &Health) -> Judged {
    let extensions = health.versions.extensions.seen()?.iter();
    Ok(extensions
        .filter(|it| it.default_version.is_none())
        .map(finding)
        .collect::<Found>())
}

fn finding(Extension { name, version, .. }: &Extension) -> Finding {
    let message = format!("version {version} is installed, and its files are not on the server");
    Finding::new(&RULE, None, message)
        .about(name)
        .help("install its package: without the files a dump cannot be restored, and an upgrade to a new major version fails")
        .evidence("version", version.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::health::Versions;

    #[test]
    fn only_what_has_no_files() {
        let of = |default_version: Option<&str>| {
            let default_version = default_version.map(str::to_owned);
            let extension = Extension { default_version, ..Extension::default() };
            let extensions = Known::Known(vec![extension]);
            let versions = Versions { extensions, ..Versions::default() };
            judge(&Health { versions, ..Health::default() }).unwrap().findings.len()
        };
        assert_eq!([of(Some("1.0")), of(None)], [0, 1]);
    }
}

use crate::facts::health::{Extension, Health};
use crate::findings::{Finding, Rule};
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::OUTDATED_EXTENSION;

pub fn judge(health: &Health) -> Judged {
    let extensions = health.versions.extensions.seen()?.iter();
    Ok(extensions.filter_map(finding).collect::<Found>())
}

/// A version that the files do not know has no way to the new one.
fn finding(
    Extension { name, version, default_version, is_version_there }: &Extension,
) -> Option<Finding> {
    let new = default_version.as_ref().filter(|new| *is_version_there && *new != version)?;
    let message = format!("version {version} is installed, and its files have {new}");
    let finding = Finding::new(&RULE, None, message)
        .about(name)
        .help("the library is the new one already: its new functions, and sometimes its fixes, come with the update")
        .command(format!("ALTER EXTENSION {name} UPDATE"))
        .evidence("version", version.as_str())
        .evidence("default_version", new.as_str());
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_updated_is_told() {
        let of = |default_version: Option<&str>, is_version_there| {
            let extension = Extension {
                name: "hstore".to_owned(),
                version: "1.4".to_owned(),
                default_version: default_version.map(str::to_owned),
                is_version_there,
            };
            finding(&extension).is_some()
        };
        assert!(of(Some("1.8"), true));
        assert!(!of(Some("1.4"), true));
        assert!(!of(Some("1.8"), false));
        assert!(!of(None, false));
    }
}

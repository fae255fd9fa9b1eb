use crate::facts::health::{FileError, Health};
use crate::findings::{Finding, Rule};
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::CONFIGURATION_ERROR;

pub fn judge(health: &Health) -> Judged {
    let settings = health.settings.seen()?;
    let errors = health.io.file_errors.seen()?.iter();
    // What only a restart can change is told as an error, too; it has a rule of its own. So is what the
    // command line of the server overrides (`postgres -c`, as containers have it).
    let wrong = errors.filter(|error| {
        let setting = error.name.as_deref().and_then(|name| settings.get(name));
        !setting.is_some_and(|it| it.pending_restart || it.source == "command line")
    });
    Ok(wrong.map(finding).collect::<Found>())
}

fn finding(FileError { name, file, line, error }: &FileError) -> Finding {
    let file = file.as_deref().unwrap_or("the configuration file");
    let place = line.map_or_else(|| file.to_owned(), |line| format!("{file}, line {line}"));
    Finding::new(&RULE, None, format!("{place}: {error}"))
        .about(name.as_ref().unwrap_or(&place))
        .help("a reload ignores it, and the server does not start with it: fix the line, then SELECT pg_reload_conf()")
        .evidence("line", *line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::health::{Io, Setting, Settings};

    #[test]
    fn what_waits_for_a_restart_or_is_overridden_is_no_error() {
        let of = |pending_restart, source: &str| {
            let setting = Setting {
                name: "port".to_owned(),
                pending_restart,
                source: source.to_owned(),
                ..Setting::default()
            };
            let error = FileError { name: Some("port".to_owned()), ..FileError::default() };
            let health = Health {
                settings: Known::Known(Settings::from_iter([setting])),
                io: Io { file_errors: Known::Known(vec![error]), ..Io::default() },
                ..Health::default()
            };
            judge(&health).unwrap().findings.len()
        };
        assert_eq!(of(true, "configuration file"), 0);
        assert_eq!(of(false, "command line"), 0);
        assert_eq!(of(false, "configuration file"), 1);
    }
}

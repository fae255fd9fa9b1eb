//! The parameters' values, each with where it comes from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use crate::environment::Environment;
use crate::error::{Error, ErrorKind, Result};
use crate::keywords::{KEYWORDS, Keyword, SECRETS, Support};
use crate::start_up_option;
use crate::{parse, service};

/// Who gave a value; decides the kind of a failure and is named in its message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    Explicit,
    Service(PathBuf),
    Variable(&'static str),
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Explicit => f.write_str("in the connection string"),
            Origin::Service(file) => write!(f, "in service file {}", file.display()),
            Origin::Variable(name) => write!(f, "from {name}"),
            Origin::Default => f.write_str("by default"),
        }
    }
}

impl Origin {
    fn kind(&self) -> ErrorKind {
        if *self == Origin::Explicit {
            ErrorKind::Text
        } else {
            ErrorKind::Surroundings
        }
    }
}

#[derive(Clone)]
struct Value {
    text: String,
    origin: Origin,
}

/// Merged values by keyword; `Debug` masks the password.
#[derive(Clone, Default)]
pub(crate) struct Values {
    by_keyword: BTreeMap<&'static str, Value>,
}

impl Values {
    /// Merges the layers in libpq's order (`conninfo_add_defaults`): what was asked for, the
    /// service, the environment, the defaults. What is passed over goes to `warnings`.
    ///
    /// # Errors
    /// Fails if a layer cannot be read or asks for what cannot be honoured.
    pub(crate) fn merge(
        explicit: Option<&str>,
        env: &Environment,
        warnings: &mut Vec<String>,
    ) -> Result<Values> {
        let mut values = Values::default();
        let parsed = explicit.map(parse::parse).transpose()?.unwrap_or_default();
        for pair in parsed.pairs {
            // The later of two holds, so this layer is written over.
            values.by_keyword.remove(pair.keyword.name);
            values.offer(pair.keyword.name, pair.value, Origin::Explicit);
        }
        warnings.extend(parsed.warnings);
        values.add_service(env)?;
        values.add_environment(env)?;
        values.forget_empty();
        values.refuse_unsupported()?;
        values.add_settings(&parsed.settings);
        for keyword in KEYWORDS {
            if let Some(default) = keyword.default {
                values.offer(keyword.name, default.to_owned(), Origin::Default);
            }
        }
        Ok(values)
    }

    /// Sets a value unless a higher layer has.
    pub(crate) fn offer(&mut self, keyword: &'static str, text: String, origin: Origin) {
        self.by_keyword.entry(keyword).or_insert(Value { text, origin });
    }

    /// Sets a value whoever has set it before.
    pub(crate) fn replace(&mut self, keyword: &'static str, text: String) {
        self.by_keyword.insert(keyword, Value { text, origin: Origin::Explicit });
    }

    pub(crate) fn get(&self, keyword: &str) -> Option<&str> {
        self.by_keyword.get(keyword).map(|value| value.text.as_str())
    }

    /// Whether nobody gave this value.
    pub(crate) fn is_default(&self, keyword: &str) -> bool {
        self.by_keyword.get(keyword).is_none_or(|value| value.origin == Origin::Default)
    }

    /// A failure about a value: which parameter, where from, what it `must` be; never the value.
    pub(crate) fn invalid(&self, keyword: &'static str, must: impl fmt::Display) -> Error {
        let origin = self.by_keyword.get(keyword).map_or(&Origin::Default, |value| &value.origin);
        Error::new(origin.kind(), format!("connection parameter {keyword} ({origin}) {must}"))
    }

    fn add_service(&mut self, env: &Environment) -> Result<()> {
        let from_environment = |variable| env.variable(variable).map(|v| v.map(str::to_owned));
        let service = match self.get("service") {
            Some(service) => Some(service.to_owned()),
            None => from_environment("PGSERVICE")?,
        };
        let file = match self.get("servicefile") {
            Some(file) => Some(file.to_owned()),
            None => from_environment("PGSERVICEFILE")?,
        };
        let Some(service) = service.filter(|service| !service.is_empty()) else {
            return Ok(());
        };
        for entry in service::read(&service, file.as_deref(), env)? {
            self.offer(entry.keyword.name, entry.value, Origin::Service(entry.file));
        }
        Ok(())
    }

    fn add_environment(&mut self, env: &Environment) -> Result<()> {
        for keyword in KEYWORDS {
            let Some(variable) = keyword.variable else {
                continue;
            };
            if let Some(text) = env.variable(variable)? {
                self.offer(keyword.name, text.to_owned(), Origin::Variable(variable));
            }
        }
        // The old way to say it still counts in libpq, behind everything else.
        if env.variable("PGREQUIRESSL")?.is_some_and(|value| value.starts_with('1')) {
            self.offer("sslmode", "require".to_owned(), Origin::Variable("PGREQUIRESSL"));
        }
        Ok(())
    }

    /// Settings are start-up options; those of the text come after whatever else gives some.
    fn add_settings(&mut self, settings: &[(String, String)]) {
        if settings.is_empty() {
            return;
        }
        let start_up = settings.iter().map(|(name, value)| start_up_option(name, value));
        let options = self.get("options").map(str::to_owned).into_iter().chain(start_up);
        self.replace("options", options.collect::<Vec<_>>().join(" "));
    }

    /// An empty value hides the lower layers and means the default. Not so for `sslmode` and its
    /// like: libpq refuses an empty choice, and silence would weaken what somebody set.
    fn forget_empty(&mut self) {
        const CHOICES: [&str; 6] = [
            "sslmode",
            "sslnegotiation",
            "sslcertmode",
            "channel_binding",
            "target_session_attrs",
            "load_balance_hosts",
        ];
        self.by_keyword
            .retain(|keyword, value| !value.text.is_empty() || CHOICES.contains(keyword));
    }

    fn refuse_unsupported(&self) -> Result<()> {
        for Keyword { name, support, .. } in KEYWORDS {
            let Some(text) = self.get(name) else { continue };
            match support {
                Support::Used | Support::Ignored => {}
                Support::RefusedUnless(harmless, _) if harmless.contains(&text) => {}
                Support::Refused(why) | Support::RefusedUnless(_, why) => {
                    return Err(self.invalid(name, format!("cannot be honoured: {why}")));
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |(keyword, value): (&&'static str, &Value)| {
            let secret = SECRETS.contains(keyword);
            (*keyword, if secret { "***".to_owned() } else { value.text.clone() })
        };
        f.debug_map().entries(self.by_keyword.iter().map(shown)).finish()
    }
}

//! Which targets are meant: names and patterns, and targets that stand for databases of a server.

use glob::Pattern;

use super::schemas::Scope;
use crate::app::Context;
use crate::config::{Config, TargetConfig};
use crate::facts;
use crate::failure::{Failure, Kind, Result};
use crate::pg::conninfo::Conninfo;
use crate::pg::database::Database;

/// Which targets the user has chosen.
#[derive(Debug, Clone)]
pub struct TargetChoice {
    patterns: Vec<(String, Pattern)>,
}

/// One of them, and where it is, or why that is not known.
pub struct FleetMember {
    /// Empty for the only database, which no target names.
    pub name: String,
    pub place: Result<MemberPlace>,
    /// The schema, where it is for one of several.
    pub scope: Option<Scope>,
}

/// Where a target is.
#[derive(Debug, Clone, Default)]
pub struct MemberPlace {
    /// `None`: the environment says so.
    pub url: Option<String>,
    /// The database, where it is not that of the URL.
    pub database: Option<String>,
    /// The configuration, with what the target has of its own.
    pub config: Config,
}

/// Whether it may mean several targets.
pub fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?', '[', '/'])
}

impl TargetChoice {
    /// These names and patterns.
    ///
    /// # Errors
    /// `Usage` for what is no pattern.
    pub fn new(names: &[String]) -> Result<Self> {
        let pattern = |name: &String| match Pattern::new(name) {
            Ok(pattern) => Ok((name.clone(), pattern)),
            Err(error) => Err(Failure::usage(format!("--target {name}: {error}"))),
        };
        Ok(TargetChoice { patterns: names.iter().map(pattern).collect::<Result<_>>()? })
    }

    /// All targets.
    pub fn all() -> Self {
        TargetChoice {
            patterns: vec![("*".to_owned(), Pattern::new("*").unwrap_or_default())],
        }
    }

    /// The targets, in the order of their names.
    pub(super) async fn members(
        &self,
        context: &Context,
        command: &'static str,
    ) -> Result<Vec<FleetMember>> {
        if context.config.targets.is_empty() {
            return Err(
                Failure::usage("there are no targets").hint(context.config.why_no_targets())
            );
        }
        let mut members = Vec::new();
        for (name, target) in &context.config.targets {
            if !target.databases.is_empty() && self.may_choose_within(name) {
                members.extend(self.databases(context, command, name, target).await);
            } else if target.databases.is_empty() && self.chooses(name) {
                let config = context.config.of_target(name);
                let place = target.url(name).and_then(|url| {
                    Ok(MemberPlace { url: Some(url), database: None, config: config? })
                });
                members.push(FleetMember { name: name.clone(), place, scope: None });
            }
        }
        self.require_each(&members, context)?;
        Ok(members)
    }

    fn chooses(&self, name: &str) -> bool {
        self.patterns.iter().any(|(_, pattern)| pattern.matches(name))
    }

    /// Whether databases of this target may be meant.
    fn may_choose_within(&self, name: &str) -> bool {
        self.patterns.iter().any(|(text, pattern)| {
            let server = text.split_once('/').map(|(server, _)| server);
            let of_server = server.and_then(|server| Pattern::new(server).ok());
            pattern.matches(name) || of_server.is_some_and(|server| server.matches(name))
        })
    }

    /// The chosen databases of a target that stands for several.
    async fn databases(
        &self,
        context: &Context,
        command: &'static str,
        name: &str,
        target: &TargetConfig,
    ) -> Vec<FleetMember> {
        let listed = match target.url(name) {
            Ok(url) => list(context, command, &url).await.map(|databases| (url, databases)),
            Err(failure) => Err(failure),
        };
        let config = context.config.of_target(name);
        let known = listed.and_then(|(url, databases)| Ok((url, databases, config?)));
        let (url, databases, config) = match known {
            Ok(known) => known,
            Err(failure) => {
                let place = Err(failure.context("asking for the server's databases"));
                return vec![FleetMember { name: name.to_owned(), place, scope: None }];
            }
        };
        let chosen = databases
            .into_iter()
            .filter(|database| target.has(database))
            .collect::<Vec<_>>();
        if chosen.is_empty() {
            let none = "no database of the server matches `databases`, or `exclude` leaves none";
            let place = Err(Failure::new(Kind::Config, none));
            return vec![FleetMember { name: name.to_owned(), place, scope: None }];
        }
        let members = chosen.into_iter().map(|database| {
            let (url, config) = (Some(url.clone()), config.clone());
            let place = Ok(MemberPlace { url, database: Some(database.clone()), config });
            FleetMember { name: format!("{name}/{database}"), place, scope: None }
        });
        members
            .filter(|member| self.chooses(name) || self.chooses(&member.name))
            .collect()
    }

    /// A name that leads nowhere is a mistake, and no nightly job that does nothing.
    fn require_each(&self, members: &[FleetMember], context: &Context) -> Result<()> {
        let leads = |pattern: &Pattern| {
            members.iter().any(|member| {
                let server = member.name.split('/').next().unwrap_or_default();
                pattern.matches(&member.name) || pattern.matches(server)
            })
        };
        // A server that cannot be asked is told of in its place.
        let is_unknown = members.iter().any(|member| member.place.is_err());
        let lost = self.patterns.iter().find(|(_, pattern)| !leads(pattern) && !is_unknown);
        lost.map_or(Ok(()), |(name, _)| Err(context.config.no_target(name)))
    }
}

async fn list(context: &Context, command: &'static str, url: &str) -> Result<Vec<String>> {
    let conninfo = Conninfo::resolve(Some(url), &context.environment)?;
    let connect_options = context.connect_options(command);
    let database = Database::open(&conninfo, &context.environment, &connect_options).await?;
    facts::load_databases(&database.reader().await?).await
}

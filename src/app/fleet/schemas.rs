//! Which schemas are meant, and what the runs for the schemas of one database share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use glob::Pattern;
use tokio::sync::Mutex;

use super::members::{FleetMember, MemberPlace};
use crate::app::{Context, conninfo};
use crate::did_you_mean;
use crate::facts::{self, Schema};
use crate::failure::{Failure, Kind, Result};
use crate::pg::advisory::{ExclusiveJob, RunLock};
use crate::pg::database::Database;
use crate::pg::name::quote_ident;

/// Which schemas the user has chosen.
#[derive(Debug, Clone)]
pub struct Schemas {
    patterns: Vec<(String, Pattern)>,
}

/// The schema that a run is for.
#[derive(Clone)]
pub struct Scope {
    pub schema: String,
    shared: Arc<SharedBySchemas>,
}

/// What the runs for the schemas of one database share; they come one after the other.
#[derive(Default)]
struct SharedBySchemas {
    database: Mutex<Option<Database>>,
    run_lock: Mutex<Option<Arc<RunLock>>>,
    has_waited: AtomicBool,
    began: OnceLock<Instant>,
}

/// A database, and the schemas that it has.
struct Listed {
    /// Of its target, or of the database itself.
    name: String,
    place: MemberPlace,
    schemas: Vec<Schema>,
}

impl Schemas {
    /// Those that match one of these patterns; `None` where there is no pattern.
    ///
    /// # Errors
    /// `Usage` for what is no pattern.
    pub fn new(globs: &[String]) -> Result<Option<Self>> {
        let pattern = |glob: &String| match Pattern::new(glob) {
            Ok(pattern) => Ok((glob.clone(), pattern)),
            Err(error) => Err(Failure::usage(format!("--for-schema {glob}: {error}"))),
        };
        let patterns = globs.iter().map(pattern).collect::<Result<Vec<_>>>()?;
        Ok((!patterns.is_empty()).then_some(Schemas { patterns }))
    }

    fn chooses(&self, schema: &Schema) -> bool {
        self.patterns.iter().any(|(_, pattern)| pattern.matches(&schema.name))
    }

    /// The chosen schemas of each of these databases, as members of their own. So many databases are asked at
    /// once.
    ///
    /// # Errors
    /// `Usage` for a pattern that matches no schema of any database that could be asked.
    pub(super) async fn of_each(
        &self,
        context: &Context,
        command: &'static str,
        databases: Vec<FleetMember>,
        at_once: usize,
    ) -> Result<Vec<Vec<FleetMember>>> {
        let asked = stream::iter(databases).map(|member| ask(context, command, member));
        let listed = asked.buffered(at_once).collect::<Vec<_>>().await;
        self.require_each(&listed)?;
        Ok(listed.into_iter().map(|listed| self.members(listed)).collect())
    }

    /// A pattern that leads nowhere is a mistake, and no nightly job that does nothing.
    fn require_each(&self, listed: &[std::result::Result<Listed, FleetMember>]) -> Result<()> {
        let known = listed.iter().flatten().flat_map(|it| &it.schemas).collect::<Vec<_>>();
        // A database that cannot be asked is told of in its place.
        let is_unknown = listed.iter().any(std::result::Result::is_err);
        let leads = |pattern: &Pattern| known.iter().any(|schema| pattern.matches(&schema.name));
        let lost = self.patterns.iter().find(|(_, pattern)| !leads(pattern) && !is_unknown);
        lost.map_or(Ok(()), |(glob, _)| Err(no_match(glob, &known)))
    }

    fn members(&self, listed: std::result::Result<Listed, FleetMember>) -> Vec<FleetMember> {
        let Listed { name, place, schemas } = match listed {
            Ok(listed) => listed,
            Err(member) => return vec![member],
        };
        let shared = Arc::<SharedBySchemas>::default();
        let chosen = schemas.iter().filter(|schema| self.chooses(schema));
        let members = chosen
            .map(|schema| FleetMember {
                name: format!("{name}/{}", schema.name),
                place: if schema.may_use {
                    Ok(place.clone())
                } else {
                    Err(may_not_use(schema))
                },
                scope: Some(Scope { schema: schema.name.clone(), shared: Arc::clone(&shared) }),
            })
            .collect::<Vec<_>>();
        if !members.is_empty() {
            return members;
        }
        let globs = self.patterns.iter().map(|(glob, _)| glob.as_str()).collect::<Vec<_>>();
        let place = Err(no_match(&globs.join(" "), &schemas.iter().collect::<Vec<_>>()));
        vec![FleetMember { name, place, scope: None }]
    }
}

fn no_match(glob: &str, known: &[&Schema]) -> Failure {
    let mut names = known.iter().map(|schema| schema.name.clone()).collect::<Vec<_>>();
    names.dedup();
    Failure::usage(format!("--for-schema {glob}: no schema matches")).hint(did_you_mean::hint(
        glob,
        &names,
        "the database has no schemas of its users",
    ))
}

fn may_not_use(schema: &Schema) -> Failure {
    let name = quote_ident(&schema.name);
    Failure::new(Kind::Privilege, format!("the role may not look into schema {name}"))
        .hint(format!("GRANT USAGE ON SCHEMA {name} TO the role that pgtend connects as"))
}

/// The schemas of a member; the member itself, with the reason, where they cannot be had.
async fn ask(
    context: &Context,
    command: &'static str,
    member: FleetMember,
) -> std::result::Result<Listed, FleetMember> {
    let FleetMember { name, place, .. } = member;
    let place = match place {
        Ok(place) => place,
        failed => return Err(FleetMember { name, place: failed, scope: None }),
    };
    match list(context, command, &place).await {
        Ok((database, schemas)) => {
            let name = if name.is_empty() { database } else { name };
            Ok(Listed { name, place, schemas })
        }
        Err(failure) => {
            let place = Err(failure.context("asking for the schemas of the database"));
            Err(FleetMember { name, place, scope: None })
        }
    }
}

/// The database's name, and its schemas.
async fn list(
    context: &Context,
    command: &'static str,
    place: &MemberPlace,
) -> Result<(String, Vec<Schema>)> {
    let (url, database) = (place.url.as_deref(), place.database.as_deref());
    let conninfo = conninfo(url, database, &context.environment)?;
    let connect_options = context.connect_options(command);
    let database = Database::open(&conninfo, &context.environment, &connect_options).await?;
    let schemas = facts::load_schemas(&database.reader().await?).await?;
    Ok((database.server.database, schemas))
}

impl Scope {
    /// When the first of the runs began: the time that a user gives is for all of them.
    pub fn began(&self) -> Instant {
        *self.shared.began.get_or_init(Instant::now)
    }

    /// The database, opened by the first of the runs, and again where a connection was lost since.
    ///
    /// # Errors
    /// Those of opening it.
    pub async fn database(&self, open: impl Future<Output = Result<Database>>) -> Result<Database> {
        let mut shared = self.shared.database.lock().await;
        if let Some(database) = shared.as_ref().filter(|it| it.connections().losses() == 0) {
            return Ok(database.clone());
        }
        let database = open.await?;
        *shared = Some(database.clone());
        Ok(database)
    }

    /// The job's lock, which is taken once and held for all of the runs.
    ///
    /// # Errors
    /// `Busy`, naming who holds it; only the first of the runs waits for it.
    pub async fn run_lock(
        &self,
        database: &Database,
        job: ExclusiveJob,
        wait: Duration,
    ) -> Result<Arc<RunLock>> {
        let mut shared = self.shared.run_lock.lock().await;
        if let Some(lock) = shared.as_ref() {
            lock.regain(database).await?;
            return Ok(Arc::clone(lock));
        }
        let has_waited = self.shared.has_waited.swap(true, Ordering::Relaxed);
        let wait = if has_waited { Duration::ZERO } else { wait };
        let lock = Arc::new(RunLock::take(database, job, wait).await?);
        *shared = Some(Arc::clone(&lock));
        Ok(lock)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(schemas: &[&str]) -> Listed {
        let schema = |name: &&str| Schema { name: (*name).to_owned(), may_use: *name != "secret" };
        Listed {
            name: "shop".to_owned(),
            place: MemberPlace::default(),
            schemas: schemas.iter().map(schema).collect(),
        }
    }

    fn schemas(globs: &[&str]) -> Schemas {
        let globs = globs.iter().map(|&glob| glob.to_owned()).collect::<Vec<_>>();
        Schemas::new(&globs).unwrap().unwrap()
    }

    #[test]
    fn each_schema_that_matches_is_a_member_once() {
        let chosen = schemas(&["tenant_*", "*_1", "secret"]);
        let there = listed(&["a\"b", "public", "secret", "tenant_1", "tenant_2"]);
        let members = chosen.members(Ok(there));
        let names = members.iter().map(|member| member.name.as_str()).collect::<Vec<_>>();
        assert_eq!(names, ["shop/secret", "shop/tenant_1", "shop/tenant_2"]);
        let refused = members[0].place.as_ref().unwrap_err();
        assert_eq!(
            refused.hint.as_deref().unwrap_or_default().split(" TO ").next().unwrap(),
            "GRANT USAGE ON SCHEMA secret"
        );
        assert!(members[1].place.is_ok());
        assert!(Schemas::new(&[]).unwrap().is_none());
        assert!(Schemas::new(&["a***".to_owned()]).is_err());
    }

    #[test]
    fn a_pattern_has_to_match_somewhere_and_a_database_has_to_have_one() {
        let two = || [Ok(listed(&["acme"])), Ok(listed(&["globex"]))];
        assert!(schemas(&["acme", "glob*"]).require_each(&two()).is_ok());
        let lost = schemas(&["acne", "glob*"]).require_each(&two()).unwrap_err();
        assert_eq!(lost.to_string(), "--for-schema acne: no schema matches");
        assert_eq!(lost.hint.as_deref(), Some("did you mean acme?"));
        let place = Err(Failure::usage("down"));
        let down = FleetMember { name: "erp".to_owned(), place, scope: None };
        assert!(schemas(&["acne"]).require_each(&[Ok(listed(&["acme"])), Err(down)]).is_ok());
        let members = schemas(&["acne"]).members(Ok(listed(&["globex"])));
        assert!(members[0].name == "shop" && members[0].place.is_err());
    }
}

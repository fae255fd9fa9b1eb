//! `pgtend serve`.

mod accept;
mod address;
mod answer;
mod assets;
mod collector;
mod events;
mod facts;
mod guard;
mod hosts;
mod list;
mod listing;
mod metrics;
mod once;
mod openapi;
mod pages;
mod patience;
mod query;
mod roster;
mod routes;
mod rows;
mod runs;
mod server;
mod site;
mod statements;
mod target;
mod token;

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::{Semaphore, watch};

use crate::app::command::{Command, OnSignal, Targets};
use crate::app::manual::Example;
use crate::app::{Context, fleet};
use crate::failure::{Failure, Kind, Result};
use crate::output::{Head, Outcome, Report, Style, Text};
use crate::pg::conninfo::Conninfo;
use address::{Address, Listener};
use answer::Kept;
use collector::{Collector, QueryTexts};
use facts::{Connection, Facts};
use hosts::{Authority, Hosts};
use roster::{Member, Roster};
use site::{Form, Prefix, Site};
use target::{Target, slug};
use token::Token;

/// Serve a page that says whether all is well, with JSON beside it
///
/// Looks at each target by itself, at the times that `serve` in the configuration says, and answers every
/// page from what it has seen last: however many people look, the database is asked the same. It takes two
/// connections a target at most, which only read. Where a database cannot be reached the last facts
/// stay, with their time.
///
/// Without --listen only this machine can reach it, without a token. On any other address a token is
/// needed, from --token-file or $PGTEND_SERVE_TOKEN: a browser opens /?token=… once, a program sends
/// "Authorization: Bearer …". The name by which a request asks for pgtend has to be this machine's, or one of --allowed-host.
///
/// It shows, and changes nothing: each finding names the command that helps.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// IP address and port to listen on, or unix:/path
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8432", value_parser = Address::parse)]
    pub listen: Address,

    /// File with the token that a request has to show [default: $PGTEND_SERVE_TOKEN]
    #[arg(long, value_name = "FILE", conflicts_with = "no_auth")]
    pub token_file: Option<PathBuf>,

    /// Let in everybody who can reach the address
    #[arg(long)]
    pub no_auth: bool,

    /// Further host name that requests may use, such as that of a proxy, with or without a port; repeatable
    #[arg(long, value_name = "HOST", value_parser = authority)]
    pub allowed_host: Vec<Authority>,

    /// Path below which all pages stand, behind a proxy: /pgtend
    #[arg(long, value_name = "PATH", default_value = "", hide_default_value = true, value_parser = Prefix::parse)]
    pub path_prefix: Prefix,

    /// Never show statements
    #[arg(long)]
    pub no_query_text: bool,

    /// Look once, write all pages to this file, which needs nothing else, and end
    #[arg(long, value_name = "FILE")]
    pub once: Option<PathBuf>,
}

fn authority(text: &str) -> std::result::Result<Authority, String> {
    Authority::parse(text).ok_or_else(|| "expected a name such as pgtend.example.com".to_owned())
}

impl Command for Args {
    const NAME: &'static str = "serve";
    const EXAMPLES: &'static [Example] = &[
        ("pgtend serve", "Show the database of the environment on http://127.0.0.1:8432/"),
        (
            "pgtend serve --all-targets",
            "Show all databases of the configuration on one page",
        ),
        (
            "pgtend serve --once page.html",
            "Write the pages to one file, for a ticket or a mail",
        ),
        (
            "pgtend serve --listen 0.0.0.0:8432 --token-file token --allowed-host db-page.example.com",
            "Let others in who know the token",
        ),
    ];
    const SEE_ALSO: &'static [&'static str] = &["check", "activity", "slow-queries"];
    const ON_SIGNAL: OnSignal = OnSignal::CleansUp;
    const TARGETS: Targets = Targets::Together;

    async fn run(&self, context: &Context) -> Result<Box<dyn Report>> {
        let changes = target::changes();
        if let Some(file) = &self.once {
            let members = self.members(context, &changes).await?;
            return once::write(context, file, members, changes).await;
        }
        let token = self.token(context)?;
        let members = self.members(context, &changes).await?;
        let mut roster = Roster::new(self, context, &changes);
        let listener = Listener::bind(&self.listen).await?;
        let address = listener.address().unwrap_or_else(|| self.listen.clone());
        let port = match &address {
            Address::Tcp(address) => Some(address.port()),
            Address::Unix(_) => None,
        };
        let site = Arc::new(Site {
            targets: roster.targets(),
            hosts: Hosts::new(&address, &self.allowed_host),
            token: token.map(|token| token.on_port(port)),
            prefix: self.path_prefix.clone(),
            changes,
            end: watch::Sender::new(false),
            streams: Arc::new(Semaphore::new(events::MOST_STREAMS)),
            kept: Kept::default(),
            form: Form::Served,
        });
        roster.begin(members);
        let place = format!("{address}{}/", self.path_prefix.path());
        let how = site.token.as_ref().map_or("", |_| ", with a token");
        context.console.narrate(&format!("pgtend serves {place}{how}; Ctrl-C ends it"));
        let mut signal = None;
        let end = async { signal = Some(context.cancel.wait().await) };
        tokio::select! {
            () = server::serve(&listener, &site, end) => {}
            never = roster.follow() => match never {},
        }
        // What is being looked up, or asked of a server that does not answer, is left where it is.
        context.cancel.forsake();
        let outcome = signal.map_or(Outcome::Done, Outcome::Cancelled);
        Ok(Box::new(Served { outcome, place }))
    }
}

impl Args {
    /// The secret, where there is one to be shown.
    fn token(&self, context: &Context) -> Result<Option<Token>> {
        let variable = context.environment.variable("PGTEND_SERVE_TOKEN")?;
        match (&self.token_file, variable) {
            _ if self.no_auth => Ok(None),
            (Some(file), _) => {
                Token::new(&Token::read(file)?, &file.display().to_string()).map(Some)
            }
            (None, Some(text)) if !text.is_empty() => {
                Token::new(text, "$PGTEND_SERVE_TOKEN").map(Some)
            }
            _ if self.listen.is_local() => Ok(None),
            _ => Err(Failure::usage(format!("{} can be reached from elsewhere, and there is no token", self.listen))
                .hint("--token-file FILE or $PGTEND_SERVE_TOKEN sets one (openssl rand -hex 32 makes one); --no-auth lets everybody in")),
        }
    }

    /// The targets; what is written wrongly is told before anything is served.
    async fn members(
        &self,
        context: &Context,
        changes: &watch::Sender<u64>,
    ) -> Result<Vec<Member>> {
        let given = match &context.choice {
            Some(choice) => fleet::contexts(context, Self::NAME, choice).await?,
            None => vec![(self.name(context)?, Ok(context.of_itself()))],
        };
        let mut members = Vec::new();
        for (name, of_target) in given {
            match of_target {
                Err(failure) if failure.kind != Kind::Connection => {
                    return Err(failure.context(format!("target {name}")));
                }
                of_target => members.push(self.member(context, &name, of_target, changes)?),
            }
        }
        Ok(members)
    }

    /// A target, also one whose databases could not be listed.
    fn member(
        &self,
        context: &Context,
        name: &str,
        of_target: Result<Context>,
        changes: &watch::Sender<u64>,
    ) -> Result<Member> {
        match of_target {
            Ok(of_target) => {
                let collector = self.collector(name, of_target, changes)?;
                Ok(Member {
                    target: Arc::clone(&collector.target),
                    collector: Some(collector),
                })
            }
            Err(failure) => {
                context.console.warn(&format!("{name}: {failure}"));
                let target = Arc::new(unlisted(name, &failure, context, changes));
                Ok(Member { target, collector: None })
            }
        }
    }

    /// The database's, where no target is named.
    fn name(&self, context: &Context) -> Result<String> {
        let conninfo = Conninfo::resolve(context.url.as_deref(), &context.environment)?;
        let name = conninfo.get("dbname").filter(|name| !name.is_empty());
        Ok(name.unwrap_or("database").to_owned())
    }

    fn collector(
        &self,
        name: &str,
        context: Context,
        changes: &watch::Sender<u64>,
    ) -> Result<Collector> {
        let conninfo = context.conninfo()?;
        context.console.warn_of_connection(&conninfo, &context.origin);
        let facts = Facts::new(name, slug(name), &context.config.serve);
        Ok(Collector {
            target: Arc::new(Target::new(facts, changes.clone())),
            options: context.connect_options(Self::NAME),
            conninfo,
            context,
            texts: match self.no_query_text {
                true => QueryTexts::Hidden,
                false => QueryTexts::Shown,
            },
        })
    }
}

/// A server whose databases could not be listed.
fn unlisted(
    name: &str,
    failure: &Failure,
    context: &Context,
    changes: &watch::Sender<u64>,
) -> Target {
    let facts = Facts::new(name, slug(name), &context.config.serve);
    let connection = Connection::Lost(Timestamp::now(), failure.to_string());
    Target::new(Facts { connection, ..facts }, changes.clone())
}

/// How it ended.
#[derive(Debug)]
struct Served {
    outcome: Outcome,
    /// Its address, or the file.
    place: String,
}

#[derive(Debug, Serialize)]
struct ServedDocument<'a> {
    served: &'a str,
}

impl Report for Served {
    fn outcome(&self) -> Outcome {
        self.outcome
    }

    fn json(&self, head: Head) -> String {
        head.document(self.outcome, ServedDocument { served: &self.place }, &[])
    }

    fn text(&self, _: &Style) -> Text {
        Text::default()
    }
}

//! Which targets there are: a target with `databases` stands for those that its server has now, so that a new
//! database appears and one that was dropped goes.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;

use super::Args;
use super::collector::{Collector, Never};
use super::target::Target;
use crate::app::command::Command as _;
use crate::app::{Context, fleet};
use crate::failure::{Kind, Result};

/// The targets at one moment.
pub type Targets = Arc<[Arc<Target>]>;

/// A target, and what collects its facts; nothing does where the databases of a server could not be listed.
pub struct Member {
    pub target: Arc<Target>,
    pub collector: Option<Collector>,
}

/// Keeps the targets as the configuration and the servers name them.
pub struct Roster<'c> {
    args: &'c Args,
    context: &'c Context,
    targets: watch::Sender<Targets>,
    changes: watch::Sender<u64>,
    tasks: JoinSet<()>,
    collecting: HashMap<String, AbortHandle>,
}

impl<'c> Roster<'c> {
    pub fn new(args: &'c Args, context: &'c Context, changes: &watch::Sender<u64>) -> Self {
        Roster {
            args,
            context,
            targets: watch::Sender::new(Arc::default()),
            changes: changes.clone(),
            tasks: JoinSet::new(),
            collecting: HashMap::new(),
        }
    }

    /// They follow the roster.
    pub fn targets(&self) -> watch::Sender<Targets> {
        self.targets.clone()
    }

    /// From now on these are the targets.
    pub fn begin(&mut self, members: Vec<Member>) {
        let targets = members.into_iter().map(|member| self.enter(member)).collect();
        self.targets.send_replace(targets);
    }

    fn enter(&mut self, Member { target, collector }: Member) -> Arc<Target> {
        if let Some(collector) = collector {
            let task = self.tasks.spawn(collector.run());
            self.collecting.insert(target.name.clone(), task);
        }
        target
    }

    /// Asks the servers again and again.
    pub async fn follow(&mut self) -> Never {
        let stands_for_databases = |it: &crate::config::TargetConfig| !it.databases.is_empty();
        let is_fixed = self.context.choice.is_none()
            || !self.context.config.targets.values().any(stands_for_databases);
        if is_fixed {
            return std::future::pending().await;
        }
        loop {
            sleep(self.context.config.serve.check).await;
            match self.look().await {
                Err(failure) if self.context.cancel.signal().is_none() => {
                    // It is asked again.
                    self.context.console.warn(&failure.to_string());
                }
                _ => {}
            }
        }
    }

    async fn look(&mut self) -> Result<()> {
        let Some(choice) = &self.context.choice else {
            return Ok(());
        };
        let given = fleet::contexts(self.context, Args::NAME, choice).await?;
        let known = self.targets.borrow().clone();
        let names = known.iter().map(|target| target.name.as_str()).collect::<Vec<_>>();
        let heard = given.iter().map(|(name, of_target)| match of_target {
            Ok(_) => (name.as_str(), Heard::There),
            Err(failure) if failure.kind == Kind::Connection => (name.as_str(), Heard::Nothing),
            Err(_) => (name.as_str(), Heard::NoDatabase),
        });
        let next = next(&names, &heard.collect::<Vec<_>>());
        if next.iter().copied().eq((0..known.len()).map(Next::Stays)) {
            return Ok(());
        }
        let mut given = given.into_iter().map(Some).collect::<Vec<_>>();
        let mut targets = Vec::new();
        for next in next {
            match next {
                Next::Stays(at) => targets.push(Arc::clone(&known[at])),
                Next::Comes(at) => {
                    let Some((name, of_target)) = given[at].take() else {
                        continue;
                    };
                    let member = self.args.member(self.context, &name, of_target, &self.changes)?;
                    targets.push(self.enter(member));
                }
            }
        }
        self.leave(&targets);
        self.targets.send_replace(targets.into());
        self.changes.send_modify(|number| *number += 1);
        Ok(())
    }

    /// Nothing is collected of those that are none of these.
    fn leave(&mut self, targets: &[Arc<Target>]) {
        self.collecting.retain(|name, task| {
            let stays = targets.iter().any(|target| target.name == *name);
            if !stays {
                task.abort();
            }
            stays
        });
        while self.tasks.try_join_next().is_some() {}
    }
}

/// What is heard of a name of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    /// It is a target.
    There,
    /// The server that it stands for does not answer.
    Nothing,
    /// The server has none of its databases.
    NoDatabase,
}

/// A target of the next moment, by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Among those that are known.
    Stays(usize),
    /// Among what was heard.
    Comes(usize),
}

/// The targets from now on. Those of a server that does not answer stay as they are.
fn next(known: &[&str], heard: &[(&str, Heard)]) -> Vec<Next> {
    let mut next = Vec::new();
    for (at, (name, heard)) in heard.iter().enumerate() {
        let is_below = |it: &str| it.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'));
        let below = (0..known.len()).filter(|at| is_below(known[*at])).collect::<Vec<_>>();
        if *heard == Heard::Nothing && !below.is_empty() {
            next.extend(below.into_iter().map(Next::Stays));
            continue;
        }
        let same = known.iter().position(|it| it == name);
        next.push(same.map_or(Next::Comes(at), Next::Stays));
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;
    use Next::{Comes, Stays};

    #[test]
    fn databases_come_and_go_and_stay_where_nobody_answers() {
        let known = ["alone", "srv/a", "srv/b"];
        let alone = ("alone", Heard::There);
        let there = |name| (name, Heard::There);
        assert_eq!(
            next(&known, &[alone, there("srv/a"), there("srv/c")]),
            [Stays(0), Stays(1), Comes(2)]
        );
        let silent = ("srv", Heard::Nothing);
        assert_eq!(next(&known, &[alone, silent]), [Stays(0), Stays(1), Stays(2)]);
        let none = ("srv", Heard::NoDatabase);
        assert_eq!(next(&known, &[alone, none]), [Stays(0), Comes(1)]);
        // The server could not be asked at the beginning.
        let known = ["srv", "srv2/a"];
        assert_eq!(next(&known, &[silent]), [Stays(0)]);
        assert_eq!(next(&known, &[none]), [Stays(0)]);
        assert_eq!(next(&known, &[there("srv/a")]), [Comes(0)]);
    }
}

//! Ending statements and sessions: what is lost is shown, then asked about, then looked at.

use std::time::{Duration, Instant};

use super::Args;
use super::hands::{Force, Hand, Why, blockers_of, lost, refusal};
use super::signals_report::{SessionSignal, SignalsReport};
use crate::app::Context;
use crate::facts::activity::{SessionScope, WantedSessions, load_activity};
use crate::facts::at_stake::{AtStake, cancel_statement, end_session, load_at_stake};
use crate::failure::{Failure, Result};
use crate::output::Report;
use crate::pg::database::Database;
use crate::pg::server_error::INSUFFICIENT_PRIVILEGE;
use crate::pg::session::Session;

/// A session that has not ended by then is told; the server ends it as soon as it looks.
const PATIENCE: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(50);

/// Ends what the arguments name.
pub async fn run(context: &Context, args: &Args, database: &Database) -> Result<Box<dyn Report>> {
    let session = database.reader().await?;
    let mut report = SignalsReport::default();
    let wanted = wanted(args, &session, &mut report).await?;
    let pids = wanted.iter().map(|(_, pid)| *pid).collect::<Vec<_>>();
    let found = load_at_stake(&session, &pids).await?;
    let force = if args.force { Force::Used } else { Force::NotUsed };
    for (hand, pid) in wanted {
        let mut signal = SessionSignal::new(hand, pid);
        match found.iter().find(|it| it.pid == pid) {
            None => signal.is_left(Why::Gone { pid }),
            Some(it) => {
                signal.lost = lost(hand, it);
                signal.at_stake = Some(without_text(it, args.no_query_text));
                if let Some(why) = refusal(hand, it, force) {
                    signal.is_left(why);
                }
            }
        }
        report.signals.push(signal);
    }
    if report.signals.iter().any(SessionSignal::is_open)
        && !args.yes
        && !agreed(context, &report).await?
    {
        report.decline();
        return Ok(Box::new(report));
    }
    for signal in report.signals.iter_mut().filter(|signal| signal.is_open()) {
        end(&session, signal).await?;
    }
    Ok(Box::new(report))
}

fn without_text(it: &AtStake, is_silent: bool) -> AtStake {
    let mut it = it.clone();
    if is_silent {
        it.query = None;
    }
    it
}

/// Each session once; who is to be ended need not be cancelled.
async fn wanted(
    args: &Args,
    session: &Session,
    report: &mut SignalsReport,
) -> Result<Vec<(Hand, i32)>> {
    let mut wanted = args.terminate.iter().map(|pid| (Hand::Terminate, *pid)).collect::<Vec<_>>();
    wanted.extend(args.cancel.iter().map(|pid| (Hand::Cancel, *pid)));
    if let Some(pid) = args.cancel_blockers_of {
        if load_at_stake(session, &[pid]).await?.is_empty() {
            return Err(Failure::usage(format!("the server has no session with pid {pid}"))
                .hint("pgtend activity shows who waits"));
        }
        let everywhere = WantedSessions {
            scope: SessionScope::AllDatabases,
            ..WantedSessions::default()
        };
        let activity = load_activity(session, &everywhere).await?;
        let (pids, gids) = blockers_of(pid, &activity.sessions);
        wanted.extend(pids.into_iter().map(|blocker| (Hand::Cancel, blocker)));
        report.waits_for_nobody = (wanted.is_empty() && gids.is_empty()).then_some(pid);
        for gid in gids {
            let mut signal = SessionSignal::new(Hand::Cancel, 0);
            signal.is_left(Why::Prepared { gid });
            report.signals.push(signal);
        }
    }
    let mut seen = Vec::new();
    wanted.retain(|(_, pid)| {
        let is_new = !seen.contains(pid);
        seen.push(*pid);
        is_new
    });
    Ok(wanted)
}

/// Whether somebody at a terminal says so.
async fn agreed(context: &Context, report: &SignalsReport) -> Result<bool> {
    if !context.console.can_ask() {
        return Err(Failure::usage(
            "nobody can be asked here, and a statement or session would be ended",
        )
        .hint("look with pgtend activity, then say --yes"));
    }
    let open = report.signals.iter().filter(|signal| signal.is_open());
    let said = open.map(|signal| signal.announcement() + "\n").collect::<String>();
    context.confirms(format!("{said}Go on?")).await
}

async fn end(session: &Session, signal: &mut SessionSignal) -> Result<()> {
    let Some(it) = signal.at_stake.clone() else {
        return Ok(());
    };
    let began = Instant::now();
    let sent = match signal.hand {
        Hand::Cancel => cancel_statement(session, &it).await,
        Hand::Terminate => end_session(session, &it).await,
    };
    match sent {
        Ok(true) => match until_ended(session, signal.hand, &it).await? {
            End::Seen => signal.is_done(Why::Ended),
            End::Unseen => signal.is_done(Why::Unseen),
            End::None => signal.has_failed(Why::StillThere { seconds: PATIENCE.as_secs() }),
        },
        Ok(false) => signal.is_left(Why::EndedMeanwhile),
        Err(error) if error.sqlstate.as_deref() == Some(INSUFFICIENT_PRIVILEGE) => {
            signal.has_failed(Why::NotAllowed { error: error.message });
        }
        Err(error) => signal.has_failed(Why::Failed { error: error.explained() }),
    }
    signal.took = began.elapsed();
    Ok(())
}

/// What can be seen of an end.
enum End {
    Seen,
    /// The role may not see whether the statement runs on.
    Unseen,
    None,
}

async fn until_ended(session: &Session, hand: Hand, it: &AtStake) -> Result<End> {
    let give_up = Instant::now() + PATIENCE;
    loop {
        let now = load_at_stake(session, &[it.pid]).await?;
        match now.first().filter(|now| now.started == it.started) {
            None => return Ok(End::Seen),
            Some(_) if hand == Hand::Cancel && it.is_hidden => return Ok(End::Unseen),
            Some(now) if hand == Hand::Cancel && is_over(now, it) => return Ok(End::Seen),
            Some(_) if Instant::now() > give_up => return Ok(End::None),
            Some(_) => tokio::time::sleep(POLL).await,
        }
    }
}

fn is_over(now: &AtStake, before: &AtStake) -> bool {
    let is_idle = now.state.as_deref().is_some_and(|state| state.starts_with("idle"));
    is_idle || now.statement_started != before.statement_started
}

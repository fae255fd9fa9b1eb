//! Applying migrations as their tool would.

use std::time::Instant;

use super::between::Beginning;
use super::sender::{Sender, ends_transaction, lasts_for_transaction};
use crate::declared::migrations::{Layout, Migration, Script, Transactions};
use crate::failure::{Failure, Result};
use crate::jobs::verify::plan::{Applied, Refused};
use crate::pg::session::Session;

/// Applies the migrations in their order until one is refused. All are sent on one connection, as
/// tools do: what one of them sets the next one finds, unless the tool puts it back. After each
/// statement the session looks at what it holds.
///
/// # Errors
/// `Connection` where the server went away.
pub async fn apply(session: &Session, migrations: &[Migration], layout: Layout) -> Result<Applied> {
    let started = Instant::now();
    let beginning = Beginning::of(session, layout.between()).await?;
    let mut sender = Sender::observing(session);
    let (applied, mut refused) = match layout.transactions() {
        Transactions::Each => each(&mut sender, migrations, &beginning).await,
        Transactions::OneForAll => one_for_all(&mut sender, migrations).await,
    };
    if let Some(refused) = refused.take_if(|refused| refused.error.is_connection_lost()) {
        return Err(lost(refused));
    }
    let observed = sender.finish();
    Ok(Applied {
        migrations: applied,
        refused,
        took: started.elapsed(),
        observed,
    })
}

/// How many were applied, and why no more.
type Course = (usize, Option<Refused>);

async fn each(sender: &mut Sender<'_>, migrations: &[Migration], beginning: &Beginning) -> Course {
    for (applied, migration) in migrations.iter().enumerate() {
        if applied > 0 {
            sender.restore(beginning).await;
        }
        sender.begin_migration().await;
        if let Err(refused) = sender.run(&migration.up).await {
            return (applied, Some(refused));
        }
    }
    (migrations.len(), None)
}

/// A script that is not to be in a transaction breaks out of it: it is committed before, and another one
/// begins after it.
///
/// What can be taken back is tried in common first. Then each is applied by itself, as it is deployed:
/// in one transaction a table that an earlier migration made would stay locked, so that nobody
/// could see what a later one takes.
async fn one_for_all(sender: &mut Sender<'_>, migrations: &[Migration]) -> Course {
    let needs_one = |script| ends_transaction(script) || lasts_for_transaction(script);
    if migrations.iter().any(|migration| needs_one(&migration.up)) {
        return in_common(sender, migrations).await;
    }
    let mut applied = 0;
    for together in migrations.chunk_by(|a, b| a.up.wrapping == b.up.wrapping) {
        let (more, refused) = if sender.passes_in_common(together).await {
            each_alone(sender, together).await
        } else {
            in_common(sender, together).await
        };
        applied += more;
        if refused.is_some() {
            return (applied, refused);
        }
    }
    (applied, None)
}

async fn each_alone(sender: &mut Sender<'_>, migrations: &[Migration]) -> Course {
    for (applied, migration) in migrations.iter().enumerate() {
        sender.begin_migration().await;
        if let Err(refused) = sender.run(&migration.up).await {
            return (applied, Some(refused));
        }
    }
    (migrations.len(), None)
}

async fn in_common(sender: &mut Sender<'_>, migrations: &[Migration]) -> Course {
    for (applied, migration) in migrations.iter().enumerate() {
        let is_last = applied + 1 == migrations.len();
        sender.begin_migration().await;
        if let Err(refused) = sender.run_in_common(&migration.up, is_last).await {
            return (applied, Some(refused));
        }
    }
    (migrations.len(), None)
}

/// Applies one script, and looks at nothing.
///
/// # Errors
/// The statement that the server refused, or at which it went away.
pub async fn run(session: &Session, script: &Script) -> std::result::Result<(), Refused> {
    Sender::plain(session).run(script).await
}

/// The failure of a run whose server went away at that statement.
pub(super) fn lost(refused: Refused) -> Failure {
    refused.error.into_failure().context(&refused.place.at)
}

//! Is an index mended whose concurrent build broke off? One is broken in earnest to see it.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::converge::{look, run};
use crate::cancel::Cancel;
use crate::facts::{IndexState, load_index_state};
use crate::failure::Result;
use crate::findings::Finding;
use crate::jobs::verify::plan::declared::InForce;
use crate::jobs::verify::plan::heal as judge;
use crate::jobs::verify::plan::heal::Patient;
use crate::pg::database::{Database, Workers};
use crate::pg::server_error::ServerError;

/// Between two looks at the catalog.
const POLL: Duration = Duration::from_millis(2);

/// A build that has not begun by then waits for somebody that it will not tell.
const PATIENCE: Duration = Duration::from_secs(20);

/// What came of it.
#[derive(Debug)]
pub enum Healed {
    /// It could not be tried, for this reason.
    Untried(String),
    /// It was tried with this index.
    Tried {
        index: String,
        findings: Vec<Finding>,
        /// How long it took.
        took: Duration,
    },
}

/// Breaks an index of those that are held, and lets `apply` mend it.
pub async fn heal(database: &Database, held: &InForce, cancel: &Cancel) -> Result<Healed> {
    let started = Instant::now();
    let candidates = judge::candidates(held);
    let (facts, plan) = look(database, &candidates).await?;
    let Some(patient) = judge::choose(&candidates, &facts, &plan) else {
        return Ok(Healed::Untried("no declared index can be made invalid on purpose".to_owned()));
    };
    let before = state(database, &patient).await?;
    if let Err(reason) = break_off(database, &patient).await? {
        return Ok(Healed::Untried(reason));
    }
    let alone = InForce {
        indexes: vec![patient.standing.clone()],
        ..InForce::default()
    };
    let (_, plan) = look(database, &alone).await?;
    let said = run(database, plan, cancel).await?;
    let after = state(database, &patient).await?;
    let finding = (after != before).then(|| {
        let words = said.get(&patient.standing.declared.source).map_or("nothing", String::as_str);
        let now = after.map(|state| state.to_string());
        judge::unmended(&patient, words, now.as_deref())
    });
    let (index, findings) = (patient.index.name.to_string(), finding.into_iter().collect());
    Ok(Healed::Tried { index, findings, took: started.elapsed() })
}

async fn state(database: &Database, patient: &Patient) -> Result<Option<IndexState>> {
    load_index_state(&database.reader().await?, &patient.index.name).await
}

/// Drops the index and cancels a concurrent build of it while that waits for a transaction. The
/// reason is why it is not broken now.
async fn break_off(
    database: &Database,
    patient: &Patient,
) -> Result<std::result::Result<(), String>> {
    let (builder, holder) = (database.maintainer(Workers::None).await?, database.reader().await?);
    let name = &patient.index.name;
    if let Err(error) = builder.execute(&format!("DROP INDEX {name}")).await {
        return Ok(Err(format!("{name} cannot be dropped on purpose: {error}")));
    }
    // In a mode that lets the build begin, and that it waits for before it is filled.
    for sql in ["BEGIN", &format!("LOCK TABLE {} IN ROW EXCLUSIVE MODE", patient.table)] {
        holder.execute(sql).await.map_err(ServerError::into_failure)?;
    }
    let seen = until_begun(database, patient);
    let answer = builder.execute_unless(&patient.build, seen).await;
    holder.execute("ROLLBACK").await.map_err(ServerError::into_failure)?;
    Ok(match answer {
        Some(Ok(())) => Err(format!("{name} was built before it could be broken")),
        // What the server refuses now, it will refuse to apply too.
        Some(Err(_)) | None => Ok(()),
    })
}

/// Completes when the index is there and not whole, or will not come.
async fn until_begun(database: &Database, patient: &Patient) {
    let give_up = Instant::now() + PATIENCE;
    while Instant::now() < give_up {
        match state(database, patient).await {
            Ok(Some(state)) if !state.is_whole => return,
            Ok(_) => sleep(POLL).await,
            Err(_) => return,
        }
    }
}

//! Copying, building and measuring.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::Args;
use super::joins::joins;
use super::plan::{ProofVerdict, Side, verdict, why_no_effect};
use super::report::{MeasuredStatement, Proof, ProofRung, ProveReport};
use super::tables::Tables;
use super::values::values;
use crate::app::Context;
use crate::app::planner_twin::{Named, counted, find, programs, save};
use crate::failure::{Failure, Kind, Result};
use crate::pg::conninfo::Conninfo;
use crate::pg::database::{ConnectOptions, Database, Errand};
use crate::pg::name::RelationName;
use crate::twin::copy::{CopyServer, Measurable, Share, TrialIndex, TrialRun};
use crate::twin::data::TwinData;
use crate::twin::wishes::DeclaredWish;
use crate::twin::workload::WorkloadStatement;
use crate::twin::{self, ExportRequest, Values};
use crate::warning::Warning;
use crate::work::explained;

/// A statement that can be executed on the copy.
struct Trial {
    statement: WorkloadStatement,
    measurable: Measurable,
    values: Vec<String>,
    tables: BTreeSet<RelationName>,
    writes: bool,
}

/// Measures each index.
///
/// # Errors
/// `Usage` where there is no statement; `Privilege` where nothing may be read; `Sandbox` where no server
/// can be made; those of the sessions.
pub(super) async fn prove(
    context: &Context,
    args: &Args,
    wishes: &[DeclaredWish],
    named: Named,
) -> Result<ProveReport> {
    let options = ConnectOptions {
        errand: Errand::Migrations,
        ..context.connect_options(context.origin.command())
    };
    let database = context.open(&options).await?;
    let (statements, mut told) = match &args.twin {
        Some(file) => (counted(&twin::load(file)?, named)?, Vec::new()),
        None => find(&database, named).await?,
    };
    if statements.is_empty() {
        return Err(Failure::new(Kind::Usage, "there is no statement to execute")
            .hint("name some by --workload or --sql, or run the workload first"));
    }
    let data = Arc::new(export(context, &database, args, &statements, wishes).await?);
    let binaries = programs(&args.pg_bin, data.origin.major())?;
    context
        .console
        .narrate(&format!("Copying to a throwaway PostgreSQL {} …", binaries.version));
    let mut server = CopyServer::start(data.clone(), binaries, &options).await?;
    let tables = Tables::of(&data);
    let mut refused = Vec::new();
    let mut trials = parsed(&mut server, &tables, statements, &mut refused).await?;
    let shares = match &args.from {
        None => copy(&mut server, &database, &tables, &trials, args).await?,
        Some(url) => {
            let standby = standby(context, url, &database, &options).await?;
            copy(&mut server, &standby, &tables, &trials, args).await?
        }
    };
    server.index(&shares).await?;
    server.analyze(&names(&shares)).await?;
    trials = with_values(&server, trials, &mut refused).await?;
    let mut proofs = Vec::new();
    for wish in wishes {
        let proof = proof(context, args, &mut server, &shares, wish, &trials).await?;
        proofs.push(proof);
    }
    told.extend(missing(&data, &server, &shares));
    told.extend(refused.into_iter().map(|(name, why)| Warning {
        rule: "not-judged",
        object: name,
        message: why,
    }));
    server.stop().await?;
    let copied = shares.iter().map(copied_bytes).sum();
    Ok(ProveReport {
        proofs,
        copied: Some(copied),
        checks: args.check,
        warnings: told,
    })
}

async fn export(
    context: &Context,
    database: &Database,
    args: &Args,
    statements: &[WorkloadStatement],
    wishes: &[DeclaredWish],
) -> Result<TwinData> {
    let indexed = wishes
        .iter()
        .map(|wish| format!("{} {}", wish.wish.table, wish.wish.definition));
    let texts = statements
        .iter()
        .map(|statement| statement.text.clone())
        .chain(indexed)
        .collect::<Vec<_>>();
    // The copy has statistics of its own; only a file would have production's.
    let values = match args.save_twin.is_some() && !args.no_values {
        true => Values::Included,
        false => Values::LeftOut,
    };
    let wanted = ExportRequest { texts: &texts, role: args.role.as_deref(), values };
    let mut data = twin::export(database, &wanted).await?;
    if let Some(file) = &args.save_twin {
        data.statements = statements.to_vec();
        save(context, &data, file, values)?;
    }
    Ok(data)
}

async fn standby(
    context: &Context,
    url: &str,
    production: &Database,
    options: &ConnectOptions,
) -> Result<Database> {
    let conninfo = Conninfo::resolve(Some(url), &context.environment)?;
    let standby = Database::open(&conninfo, &context.environment, options).await?;
    let (own, other) = (&production.server.database, &standby.server.database);
    match own == other {
        true => Ok(standby),
        false => Err(Failure::usage(format!(
            "--from leads to the database {other}, and the statements are of {own}"
        ))),
    }
}

async fn parsed(
    server: &mut CopyServer,
    tables: &Tables<'_>,
    statements: Vec<WorkloadStatement>,
    refused: &mut Vec<(String, String)>,
) -> Result<Vec<Trial>> {
    let mut trials = Vec::new();
    for statement in statements {
        let measurable = match server.prepare(&statement.text).await? {
            Ok(measurable) => measurable,
            Err(why) => {
                refused.push((statement.name, why));
                continue;
            }
        };
        let read = tables.of_plan(&measurable.plan);
        let why = match read.is_empty() {
            true => Some("it reads no table of this database".to_owned()),
            false => tables.refusal(&read),
        };
        if let Some(why) = why {
            refused.push((statement.name, why));
            continue;
        }
        trials.push(Trial {
            writes: explained::writes(&measurable.plan),
            statement,
            measurable,
            values: Vec::new(),
            tables: read,
        });
    }
    Ok(trials)
}

async fn copy(
    server: &mut CopyServer,
    from: &Database,
    tables: &Tables<'_>,
    trials: &[Trial],
    args: &Args,
) -> Result<Vec<Share>> {
    let mut wanted = trials.iter().flat_map(|trial| trial.tables.clone()).collect::<BTreeSet<_>>();
    let of_functions = tables.of_functions().into_iter();
    wanted.extend(
        of_functions.filter(|name| tables.refusal(&BTreeSet::from([name.clone()])).is_none()),
    );
    let relations = wanted.iter().filter_map(|name| tables.get(name)).collect::<Vec<_>>();
    let joins = trials.iter().flat_map(|trial| joins(&trial.measurable.plan));
    server.copy(from, &relations, &joins.collect::<Vec<_>>(), args.limits()).await
}

async fn with_values(
    server: &CopyServer,
    trials: Vec<Trial>,
    refused: &mut Vec<(String, String)>,
) -> Result<Vec<Trial>> {
    let mut complete = Vec::new();
    for mut trial in trials {
        match values(server, &trial.measurable).await? {
            Ok(values) => {
                trial.values = values;
                complete.push(trial);
            }
            Err(why) => refused.push((trial.statement.name, why)),
        }
    }
    Ok(complete)
}

async fn proof(
    context: &Context,
    args: &Args,
    server: &mut CopyServer,
    shares: &[Share],
    wish: &DeclaredWish,
    trials: &[Trial],
) -> Result<Proof> {
    let mut proof = Proof::of(wish);
    let built = match server.add(&wish.wish).await? {
        Ok(built) => built,
        Err(why) => {
            proof.reason = Some(why);
            return Ok(proof);
        }
    };
    proof.table.clone_from(&built.table);
    proof.bytes = Some(built.bytes);
    proof.built = Some(built.time);
    context.console.narrate(&format!("Measuring {} …", proof.sql));
    let concerned = concerned(&built, trials);
    // Statistics of an expression are those of its index.
    server.show(&built).await?;
    server.analyze(&parts(&built, shares)).await?;
    for trial in concerned {
        if is_sampled(shares, &trial.tables) {
            proof.rung = ProofRung::Sample;
        }
        proof.statements.push(measure(args, server, &built, trial).await?);
    }
    server.hide(&built).await?;
    proof.judge();
    if proof.statements.is_empty() {
        proof.reason = Some("no statement that was executed reads its table".to_owned());
    }
    Ok(proof)
}

/// Those that read or write the index's table, or a part of it.
fn concerned<'t>(built: &TrialIndex, trials: &'t [Trial]) -> Vec<&'t Trial> {
    let on_it = trials
        .iter()
        .filter(|trial| built.tables.iter().any(|table| trial.tables.contains(table)));
    on_it.collect()
}

fn parts(built: &TrialIndex, shares: &[Share]) -> Vec<RelationName> {
    let names = names(shares).into_iter();
    names.filter(|name| built.tables.contains(name)).collect()
}

fn names(shares: &[Share]) -> Vec<RelationName> {
    shares.iter().map(Share::relation).collect()
}

fn is_sampled(shares: &[Share], tables: &BTreeSet<RelationName>) -> bool {
    let sampled = shares.iter().filter(|share| share.percent.is_some());
    sampled.into_iter().any(|share| tables.contains(&share.relation()))
}

fn copied_bytes(share: &Share) -> u64 {
    match share.percent {
        None => share.bytes,
        Some(percent) => (share.bytes as f64 * percent / 100.0) as u64,
    }
}

/// Without and with the index, in turns, so that what else goes on concerns both: A B B A.
async fn measure(
    args: &Args,
    server: &CopyServer,
    built: &TrialIndex,
    trial: &Trial,
) -> Result<MeasuredStatement> {
    let mut measured = MeasuredStatement::of(&trial.statement);
    server.hide(built).await?;
    let before = server.plan(&trial.measurable, &trial.values).await?;
    server.show(built).await?;
    let after = server.plan(&trial.measurable, &trial.values).await?;
    let plans = before.and_then(|before| after.map(|after| (before, after)));
    let (before, after): (Value, Value) = match plans {
        Ok(plans) => plans,
        Err(why) => {
            measured.reason = Some(why);
            return Ok(measured);
        }
    };
    if before == after && !trial.writes {
        measured.verdict = ProofVerdict::NoEffect;
        measured.reason = Some("the planner does not use it".to_owned());
        return Ok(measured);
    }
    let mut runs: [Vec<TrialRun>; 2] = Default::default();
    // The first turn warms both up.
    for turn in 0..=args.runs {
        let order = if turn % 2 == 0 { [0, 1] } else { [1, 0] };
        for side in order {
            if runs[side].contains(&TrialRun::TooLong) {
                continue;
            }
            let run = execute(args, server, built, trial, side == 1).await?;
            if let TrialRun::Failed(why) = run {
                measured.reason = Some(why);
                return Ok(measured);
            }
            if turn > 0 || run == TrialRun::TooLong {
                runs[side].push(run);
            }
        }
    }
    let limit = args.statement_time.as_secs_f64() * 1000.0;
    let [before, after] = runs.map(|runs| Side::of(&runs, limit));
    if let Some((before, after)) = before.zip(after) {
        measured.verdict = verdict(&before, &after);
        let why = match measured.verdict {
            ProofVerdict::NotJudged => Some("it takes too long with and without the index"),
            ProofVerdict::NoEffect => Some(why_no_effect(&before, &after)),
            ProofVerdict::Better | ProofVerdict::Worse => None,
        };
        measured.reason = why.map(str::to_owned);
    }
    (measured.before, measured.after) = (before, after);
    measured.writes = trial.writes;
    Ok(measured)
}

async fn execute(
    args: &Args,
    server: &CopyServer,
    built: &TrialIndex,
    trial: &Trial,
    with_index: bool,
) -> Result<TrialRun> {
    match with_index {
        true => server.show(built).await?,
        false => server.hide(built).await?,
    }
    let run = server.run(&trial.measurable, &trial.values, args.statement_time).await?;
    if trial.writes {
        for table in &trial.tables {
            server.vacuum(table).await?;
        }
    }
    Ok(run)
}

fn missing(data: &TwinData, server: &CopyServer, shares: &[Share]) -> Vec<Warning> {
    let warning =
        |rule, message: String| Warning { rule, object: data.origin.database.clone(), message };
    let lacks = server.missing.iter().map(|why| warning("copy-incomplete", why.clone()));
    let sampled = shares.iter().filter_map(|share| {
        let percent = share.percent?;
        let copied = match &share.partner {
            Some(partner) => {
                format!("{percent:.1} % of its rows were copied, which belong to those of {}", partner.table)
            }
            None => format!("{percent:.1} % of its pages were copied"),
        };
        Some(Warning {
            rule: "sampled",
            object: share.relation().to_string(),
            message: format!(
                "{copied}: read the figures as a ratio, joins find fewer rows, and rare values may be missing"
            ),
        })
    });
    lacks.chain(sampled).collect()
}

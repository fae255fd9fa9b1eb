//! What `load` says in JSON.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::compare::Comparison;
use super::during::Ended;
use super::figures::{Course, ErrorTally, Percentiles, Phase, StatementTally};
use super::plan::Statement;
use super::report::{LoadReport, PhaseReport, Setup};
use crate::facts::Known;
use crate::facts::throughput::Throughput;
use crate::format;

#[derive(Debug, Serialize)]
pub(super) struct LoadDocument<'r> {
    /// How it was measured.
    load: SetupDocument,
    #[serde(flatten)]
    measured: PhaseDocument<'r>,
    #[serde(skip_serializing_if = "Option::is_none")]
    during: Option<DuringDocument<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comparison: Option<&'r Comparison>,
}

/// A command that ran meanwhile.
#[derive(Debug, Serialize)]
struct DuringDocument<'r> {
    command: &'r str,
    exit_code: i32,
    duration_ms: u64,
    /// Before it, meanwhile and after it.
    phases: Vec<NamedPhase<'r>>,
}

#[derive(Debug, Serialize)]
struct NamedPhase<'r> {
    phase: &'static str,
    #[serde(flatten)]
    measured: PhaseDocument<'r>,
}

#[derive(Debug, Serialize)]
struct SetupDocument {
    /// Requests a second that were asked for; null where each client waits for its answer.
    wanted_rate: Option<f64>,
    clients: usize,
    seed: u64,
    warm_up_ms: u64,
    measured_ms: u64,
}

/// What one span of time showed.
#[derive(Debug, Serialize)]
struct PhaseDocument<'r> {
    /// Requests that were answered.
    requests: u64,
    /// Requests that failed.
    failed: u64,
    /// Requests that were due and were not sent.
    unsent: usize,
    /// Requests that were answered, each second.
    rate: f64,
    /// Null where none was answered.
    latency_ms: Option<Percentiles>,
    statements: Vec<StatementDocument<'r>>,
    errors: Vec<ErrorDocument<'r>>,
    waits: Vec<WaitDocument<'r>>,
    /// Null where the server did not answer.
    server: Option<ServerDocument>,
    course: CourseDocument,
}

#[derive(Debug, Serialize)]
struct StatementDocument<'r> {
    name: &'r str,
    query: &'r str,
    executions: u64,
    rows: u64,
    errors: u64,
    latency_ms: Option<Percentiles>,
}

#[derive(Debug, Serialize)]
struct ErrorDocument<'r> {
    sqlstate: &'r str,
    count: u64,
    message: &'r str,
}

/// What sessions did while they executed statements.
#[derive(Debug, Serialize)]
struct WaitDocument<'r> {
    /// `CPU` where they did not wait.
    r#type: &'r str,
    event: &'r str,
    /// Of all looks at sessions that were executing.
    share: f64,
}

/// What the counters of the database say; others may have been at work in it, too.
#[derive(Debug, Serialize)]
struct ServerDocument {
    commits: i64,
    rollbacks: i64,
    blocks_read: i64,
    blocks_hit: i64,
    hit: Option<f64>,
    temp_bytes: i64,
    deadlocks: i64,
    /// Of the whole server; null on a standby.
    wal_bytes: Option<i64>,
}

/// How it went, in parts of the same length: one entry each.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct CourseDocument {
    pub part_ms: u64,
    pub requests: Vec<u64>,
    pub errors: Vec<u64>,
    /// Null where no request of that part was answered.
    pub p50_ms: Vec<Option<f64>>,
    pub p99_ms: Vec<Option<f64>>,
    pub max_ms: Vec<Option<f64>>,
}

impl<'r> LoadDocument<'r> {
    pub(super) fn new(report: &'r LoadReport) -> Option<Self> {
        let LoadReport { setup, statements, phases, .. } = report;
        let measured = PhaseDocument::new(report.main_phase()?, statements);
        let measured_ms = phases.iter().map(|it| it.phase.duration()).sum::<Duration>();
        let Setup { rate, clients, seed, warm_up } = *setup;
        let load = SetupDocument {
            wanted_rate: rate,
            clients,
            seed,
            warm_up_ms: format::millis(warm_up),
            measured_ms: format::millis(measured_ms),
        };
        let named = |report: &'r PhaseReport| NamedPhase {
            phase: report.phase.name,
            measured: PhaseDocument::new(report, statements),
        };
        let during = report.during.as_ref().map(|ended| {
            let Ended { command, exit_code, duration } = ended;
            DuringDocument {
                command,
                exit_code: *exit_code,
                duration_ms: format::millis(*duration),
                phases: phases.iter().map(named).collect(),
            }
        });
        let comparison = report.comparison.as_ref();
        Some(LoadDocument { load, measured, during, comparison })
    }
}

impl<'r> PhaseDocument<'r> {
    fn new(report: &'r PhaseReport, statements: &'r [Statement]) -> Self {
        let PhaseReport { phase, unsent, server } = report;
        let tally = &phase.tally;
        let of_statement = |(statement, tally): (&'r Statement, &StatementTally)| {
            let StatementTally { latencies, rows, errors } = tally;
            StatementDocument {
                name: &statement.name,
                query: &statement.text,
                executions: latencies.count(),
                rows: *rows,
                errors: *errors,
                latency_ms: latencies.percentiles(),
            }
        };
        let of_error = |(sqlstate, error): (&'r String, &'r ErrorTally)| ErrorDocument {
            sqlstate,
            count: error.count,
            message: &error.message,
        };
        PhaseDocument {
            requests: tally.latencies.count(),
            failed: tally.failed(),
            unsent: *unsent,
            rate: phase.rate(),
            latency_ms: tally.latencies.percentiles(),
            statements: statements.iter().zip(&tally.statements).map(of_statement).collect(),
            errors: tally.errors.iter().map(of_error).collect(),
            waits: waits(phase),
            server: match server {
                Known::Known(server) => Some(ServerDocument::new(server)),
                Known::Unavailable(_) => None,
            },
            course: CourseDocument::new(&tally.course),
        }
    }
}

fn waits(phase: &Phase) -> Vec<WaitDocument<'_>> {
    let all = phase.waits.values().sum::<u64>().max(1);
    let mut shares = phase
        .waits
        .iter()
        .map(|((kind, event), count)| WaitDocument {
            r#type: kind,
            event,
            share: *count as f64 / all as f64,
        })
        .collect::<Vec<_>>();
    shares.sort_by(|one, other| other.share.total_cmp(&one.share));
    shares
}

impl ServerDocument {
    fn new(server: &Throughput) -> Self {
        let counts = &server.counts;
        ServerDocument {
            commits: counts.commits,
            rollbacks: counts.rollbacks,
            blocks_read: counts.blocks_read,
            blocks_hit: counts.blocks_hit,
            hit: counts.hit(),
            temp_bytes: counts.temp_bytes,
            deadlocks: counts.deadlocks,
            wal_bytes: match &server.wal_bytes {
                Known::Known(bytes) => Some(*bytes),
                Known::Unavailable(_) => None,
            },
        }
    }
}

impl CourseDocument {
    pub(super) fn new(course: &Course) -> Self {
        let slots = || course.slots.iter();
        let at = |share: f64| {
            let of = slots().map(|slot| &slot.latencies);
            of.map(|of| (of.count() > 0).then(|| of.at(share))).collect()
        };
        CourseDocument {
            part_ms: format::millis(course.slot),
            requests: slots().map(|slot| slot.latencies.count()).collect(),
            errors: slots().map(|slot| slot.errors).collect(),
            p50_ms: at(0.5),
            p99_ms: at(0.99),
            max_ms: at(1.0),
        }
    }
}

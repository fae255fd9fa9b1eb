//! The plan of `pgtend vacuum` and `pgtend analyze`: which tables, why, in which order, and by which
//! statement.

pub mod due;
mod sieve;
mod statement;

use super::why::Why;
pub use sieve::Sieve;
use std::collections::HashMap;
use std::time::Duration;

use crate::did_you_mean;
use crate::facts::history::PastMaintenance;
use crate::facts::{AutovacuumSettings, Oid, RelationKind, TableMaintenance, TableState};
use crate::failure::{Failure, Kind, Result};
use crate::format;
use crate::pg::name::{RelationName, quote_ident};
use crate::pg::name_pattern::NamePattern;
use crate::pg::version::ServerVersion;
use crate::work::plan::{Action, Lock, Plan, Statement, Step, Verdict};
use crate::work::subject::{MaintenanceTarget, Subject};
use due::{DueMeasure, analyze_measure, vacuum_measures};

#[derive(Debug, Clone)]
pub struct MaintenanceOptions {
    /// VACUUM or ANALYZE.
    pub job: TableJob,
    pub selection: TableSelection,
    /// Only those that are due.
    pub only_needed: bool,
    /// The share of what autovacuum waits for that makes a table due.
    pub threshold: f64,
    /// Tables that are left out.
    pub exclude: Vec<NamePattern>,
    /// Only tables of these schemas; empty: of all.
    pub schemas: Vec<glob::Pattern>,
    /// How VACUUM goes about it.
    pub vacuum: VacuumOptions,
    /// The server's version, which decides what can be said.
    pub version: ServerVersion,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableJob {
    /// VACUUM, and with it ANALYZE where that is due and wanted.
    Vacuum {
        /// Whether ANALYZE is wanted, too.
        analyze: bool,
    },
    Analyze,
}

/// Which tables are wanted.
#[derive(Debug, Clone)]
pub enum TableSelection {
    /// Every table of the database.
    All,
    /// Those that match; each has to match one.
    Matching(Vec<TablesWanted>),
}

/// Tables by name or pattern, and the columns that are wanted of them.
#[derive(Debug, Clone)]
pub struct TablesWanted {
    /// The tables.
    pub pattern: NamePattern,
    /// The columns for ANALYZE; empty: all.
    pub columns: Vec<String>,
}

/// How VACUUM goes about it; what is not said is left to the server.
#[derive(Debug, Clone, Default)]
pub struct VacuumOptions {
    pub freeze: bool,
    /// PARALLEL, workers for indexes.
    pub parallel: Option<u32>,
    pub truncate: Option<bool>,
    pub index_cleanup: Option<bool>,
    /// PROCESS_TOAST false.
    pub no_process_toast: bool,
    /// PROCESS_MAIN false.
    pub no_process_main: bool,
    pub disable_page_skipping: bool,
    /// BUFFER_USAGE_LIMIT, also of ANALYZE.
    pub buffer_usage_limit: Option<String>,
}

/// Refuses options that the server does not know, by name, before work begins.
///
/// # Errors
/// `Unsupported`.
pub fn check(options: &VacuumOptions, version: ServerVersion) -> Result<()> {
    let since_16 = [
        ("--no-process-main", options.no_process_main),
        ("--buffer-usage-limit", options.buffer_usage_limit.is_some()),
    ];
    for (name, is_used) in since_16 {
        if is_used && !version.has_vacuum_options_of_16() {
            return Err(Failure::new(
                Kind::Unsupported,
                format!("{name} needs PostgreSQL 16 or newer, and this is {version}"),
            ));
        }
    }
    Ok(())
}

/// Chooses the tables and says of each why it is done or not; what is most urgent comes first.
///
/// # Errors
/// `Usage` for a pattern that matches nothing.
pub fn plan(facts: &TableMaintenance, options: &MaintenanceOptions) -> Result<Plan> {
    let columns = chosen(facts, options)?;
    let parts = parts_of(facts);
    let mut steps = Vec::new();
    for table in &facts.tables {
        let Some(columns) = columns.get(&table.oid) else {
            continue;
        };
        let planner = MaintenancePlanner {
            settings: &facts.settings,
            past: facts.past.get(&table.name.to_string()),
            options,
            table,
            columns,
            parts: &parts,
        };
        steps.push(planner.step());
    }
    steps.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    // Where nothing is more urgent than the rest the largest come first, so that the last one to end
    // is a short one.
    if !options.only_needed {
        steps.sort_by_key(|(urgency, step)| {
            std::cmp::Reverse((*urgency >= WRAPAROUND, *urgency >= LEFT, step.table_bytes))
        });
    }
    Ok(Plan {
        steps: steps.into_iter().map(|(_, step)| step).collect(),
        not_due: facts.not_due,
        ..Plan::default()
    })
}

/// The tables that are wanted, with the columns that are wanted of them.
fn chosen(
    facts: &TableMaintenance,
    options: &MaintenanceOptions,
) -> Result<HashMap<Oid, Vec<String>>> {
    let mut chosen = HashMap::new();
    match &options.selection {
        TableSelection::All => {
            chosen.extend(facts.tables.iter().map(|table| (table.oid, Vec::new())));
        }
        TableSelection::Matching(all) => {
            for wanted in all {
                let matching = facts
                    .tables
                    .iter()
                    .filter(|table| wanted.pattern.matches(&table.name, table.is_visible));
                let before = chosen.len();
                let columns = matching.map(|table| (table.oid, wanted.columns.clone()));
                chosen.extend(columns);
                if chosen.len() == before {
                    return Err(no_table(&wanted.pattern, facts));
                }
            }
            add_partitions(facts, &mut chosen);
        }
    }
    for table in facts.tables.iter().filter(|table| is_excluded(table, options)) {
        chosen.remove(&table.oid);
    }
    Ok(chosen)
}

fn no_table(pattern: &NamePattern, facts: &TableMaintenance) -> Failure {
    let names = facts
        .tables
        .iter()
        .filter(|table| !table.is_catalog)
        .map(|table| table.name.to_string())
        .collect::<Vec<_>>();
    let otherwise = "without a schema only what the search path finds is meant";
    Failure::usage(format!("there is no table {pattern}")).hint(did_you_mean::hint_or(
        &pattern.to_string(),
        &names,
        otherwise,
    ))
}

fn is_excluded(table: &TableState, options: &MaintenanceOptions) -> bool {
    let schema = table.name.schema.as_deref().unwrap_or_default();
    let is_elsewhere = !options.schemas.is_empty()
        && !options.schemas.iter().any(|pattern| pattern.matches(schema));
    let mut exclude = options.exclude.iter();
    is_elsewhere || exclude.any(|pattern| pattern.matches(&table.name, table.is_visible))
}

/// Whoever names a partitioned table means its partitions.
fn add_partitions(facts: &TableMaintenance, chosen: &mut HashMap<Oid, Vec<String>>) {
    for table in &facts.tables {
        let of_parent = table.parent.and_then(|parent| chosen.get(&parent)).cloned();
        if let Some(columns) = of_parent {
            chosen.entry(table.oid).or_insert(columns);
        }
    }
}

/// The partitions of each topmost partitioned table.
fn parts_of(facts: &TableMaintenance) -> HashMap<Oid, Vec<&TableState>> {
    let mut parts = HashMap::<Oid, Vec<&TableState>>::new();
    for table in &facts.tables {
        if let Some(parent) = table.parent {
            parts.entry(parent).or_default().push(table);
        }
    }
    parts
}

/// From this size on it is asked how many pages were read.
const LARGE_BYTES: i64 = 1 << 20;

/// `StatisticRelationId`: the same in every database.
const PG_STATISTIC: Oid = 2619;

/// How urgent a table is: first those whose transaction identifiers run out.
const WRAPAROUND: f64 = 1e12;
/// What there was no time for comes first, or it would be left for ever.
const LEFT: f64 = 1e9;
/// No figure is more urgent than these two, also one whose threshold is 0, which makes its ratio infinite.
const MOST: f64 = 1e6;
/// Never analyzed, or statistics are missing: as urgent as twice what autovacuum waits for.
const MISSING: f64 = 2.0;

struct MaintenancePlanner<'p> {
    settings: &'p AutovacuumSettings,
    /// What the history tells of it.
    past: Option<&'p PastMaintenance>,
    options: &'p MaintenanceOptions,
    table: &'p TableState,
    columns: &'p [String],
    parts: &'p HashMap<Oid, Vec<&'p TableState>>,
}

/// Why something is done or not, and how urgent it is.
struct Need {
    is_due: bool,
    urgency: f64,
    why: String,
}

impl Need {
    fn none(why: &str) -> Need {
        Need { is_due: false, urgency: 0.0, why: why.to_owned() }
    }
}

impl MaintenancePlanner<'_> {
    /// The step and how urgent it is.
    fn step(&self) -> (f64, Step) {
        let (vacuum, analyze) = self.needs();
        let target = MaintenanceTarget {
            table: self.table.oid,
            vacuum: self.is_wanted(vacuum.as_ref(), self.can_be_vacuumed()),
            analyze: self.is_wanted(analyze.as_ref(), self.can_be_analyzed()),
        };
        let was_left = self.past.is_some_and(|past| past.was_left);
        let action = match self.options.job {
            TableJob::Vacuum { .. } if target.vacuum || !target.analyze => Action::Vacuum,
            _ => Action::Analyze,
        };
        let needs = [vacuum, analyze].into_iter().flatten().collect::<Vec<_>>();
        let mut urgency = needs.iter().map(|need| need.urgency).fold(0.0, f64::max);
        let mut step =
            Step::new(action, self.table.name.clone(), Subject::TableMaintenance(target.clone()));
        step.table_bytes = self.bytes();
        step.usual_duration = self.past.and_then(|past| past.usual);
        let words = needs.iter().map(|need| need.why.as_str()).collect::<Vec<_>>().join("; ");
        let is_due = needs.iter().any(|need| need.is_due);
        step.reason = match (is_due, self.options.only_needed) {
            (true, _) => Why::Due { needs: words }.into(),
            (false, true) => Why::NotDue { needs: words }.into(),
            (false, false) => Why::Asked { needs: words }.into(),
        };
        if let Some(why) = self.why_left_out() {
            step.verdict = Verdict::LeftOut;
            step.reason = why.into();
        } else if !target.vacuum && !target.analyze {
            step.verdict = Verdict::LeftOut;
        } else if !self.table.may_maintain {
            let owner = quote_ident(&self.table.owner);
            step.verdict = Verdict::Refused;
            step.reason = Why::NotOwner { owner, needs: step.reason.words }.into();
        } else {
            step.verdict = Verdict::ToDo;
            step.lock = Lock::share_update_exclusive(&self.table.name);
            step.statements = vec![Statement::Alone(self.statement(&target))];
            if was_left {
                step.reason.add("left the last time");
                urgency += LEFT;
            }
        }
        (urgency, step)
    }

    /// Those of VACUUM and of ANALYZE, as far as they are the job.
    fn needs(&self) -> (Option<Need>, Option<Need>) {
        match self.options.job {
            TableJob::Analyze => (None, Some(self.analyze_need())),
            TableJob::Vacuum { analyze } => {
                (Some(self.vacuum_need()), analyze.then(|| self.analyze_need()))
            }
        }
    }

    fn is_wanted(&self, need: Option<&Need>, is_possible: bool) -> bool {
        need.is_some_and(|need| is_possible && (need.is_due || !self.options.only_needed))
    }

    /// Whether there is nothing to do with the table.
    fn is_left_out(&self) -> bool {
        let (vacuum, analyze) = self.needs();
        self.why_left_out().is_some()
            || !self.is_wanted(vacuum.as_ref(), self.can_be_vacuumed())
                && !self.is_wanted(analyze.as_ref(), self.can_be_analyzed())
    }

    fn why_left_out(&self) -> Option<Why> {
        let is_named = matches!(self.options.selection, TableSelection::Matching(_));
        match self.table.kind {
            _ if self.table.is_temporary => Some(Why::Temporary),
            RelationKind::ForeignTable if !is_named || self.options.job != TableJob::Analyze => {
                Some(Why::Foreign)
            }
            _ if self.table.is_catalog && !self.table.may_maintain && !is_named => {
                Some(Why::SystemTable)
            }
            _ => None,
        }
    }

    /// A partitioned table holds nothing itself; its partitions are steps of their own.
    fn can_be_vacuumed(&self) -> bool {
        matches!(self.table.kind, RelationKind::Table | RelationKind::MaterializedView)
    }

    fn can_be_analyzed(&self) -> bool {
        // Before 18 ANALYZE of a partitioned table analyzes its partitions as well.
        // ANALYZE passes over the table that holds its own results.
        if self.table.oid == PG_STATISTIC {
            return false;
        }
        let done_by_parent = self.options.version.major() < 18
            && !self.options.only_needed
            && self.table.parent.is_some();
        !done_by_parent
    }

    fn vacuum_need(&self) -> Need {
        if !self.can_be_vacuumed() {
            return Need::none("its partitions hold its rows");
        }
        let measures = vacuum_measures(self.table, self.settings);
        let share = self.options.threshold;
        let mut due = measures.iter().filter(|measure| measure.is_over(share)).peekable();
        if due.peek().is_none() {
            let nearest = measures.first();
            let why = nearest.map_or("nothing to VACUUM".to_owned(), |nearest| {
                format!("not due: {}", figures(nearest, share))
            });
            return Need { urgency: nearest.map_or(0.0, urgency), ..Need::none(&why) };
        }
        let measures = due.collect::<Vec<_>>();
        let first = |measure: &&DueMeasure| measure.what.is_wraparound() && measure.is_over(1.0);
        let most = measures
            .iter()
            .map(|measure| urgency(measure) + if first(measure) { WRAPAROUND } else { 0.0 });
        Need {
            is_due: true,
            urgency: most.fold(0.0, f64::max),
            why: measures
                .iter()
                .map(|measure| figures(measure, share))
                .collect::<Vec<_>>()
                .join(", "),
        }
    }

    fn analyze_need(&self) -> Need {
        let table = self.table;
        if !self.can_be_analyzed() {
            return Need::none("ANALYZE passes over it, or does it with its parent");
        }
        // The system's own tables come without statistics, and do well until they change.
        let is_empty = table.is_catalog || table.heap.pages == 0 && table.live_rows == 0;
        let parts = self.parts.get(&table.oid).map_or(&[][..], Vec::as_slice);
        if table.analyzed_ago.is_none()
            && (!is_empty || parts.iter().any(|part| part.live_rows > 0))
        {
            let measure = analyze_measure(table, self.settings);
            let mut why = "no ANALYZE is known".to_owned();
            if measure.is_over(self.options.threshold) {
                why = format!("{why}, {}", figures(&measure, self.options.threshold));
            }
            return Need { is_due: true, urgency: MISSING.max(urgency(&measure)), why };
        }
        if !table.missing_statistics.is_empty() {
            let names = table
                .missing_statistics
                .iter()
                .map(|name| quote_ident(name))
                .collect::<Vec<_>>()
                .join(", ");
            let why = format!("extended statistics without data: {names}");
            return Need { is_due: true, urgency: MISSING, why };
        }
        let measure = match table.kind {
            RelationKind::PartitionedTable => self.changed_parts(parts),
            _ => analyze_measure(table, self.settings),
        };
        let is_due = measure.is_over(self.options.threshold);
        let why = match is_due {
            true => figures(&measure, self.options.threshold),
            false => format!("not due: {}", figures(&measure, self.options.threshold)),
        };
        Need { is_due, urgency: urgency(&measure), why }
    }

    /// Autovacuum never analyzes a partitioned table, and nobody counts its changes: what changed
    /// is what its partitions count, and all that was enough to have them analyzed since.
    fn changed_parts(&self, parts: &[&TableState]) -> DueMeasure {
        let settings = self.settings;
        let parent_ago = self.table.analyzed_ago;
        // Before 18 the ANALYZE of the parent goes on to its partitions, which may take hours.
        let since = |parent: Duration| (parent * 9 / 10).saturating_sub(Duration::from_secs(60));
        let changed = parts.iter().map(|part| {
            let own = analyze_measure(part, settings);
            let later = part
                .analyzed_ago
                .zip(parent_ago)
                .is_some_and(|(part, parent)| part < since(parent));
            own.value + if later { own.threshold } else { 0.0 }
        });
        let rows = parts.iter().map(|part| part.heap.rows.max(0.0)).sum::<f64>();
        let mut whole = self.table.clone();
        whole.heap.rows = rows;
        DueMeasure { value: changed.sum(), ..analyze_measure(&whole, settings) }
    }

    fn bytes(&self) -> i64 {
        let pages = match self.parts.get(&self.table.oid) {
            Some(parts) => parts.iter().map(|part| part.heap.pages).sum(),
            None => self.table.pages(),
        };
        pages * self.settings.block_size_bytes
    }

    fn is_near_wraparound(&self) -> bool {
        let measures = vacuum_measures(self.table, self.settings);
        measures
            .iter()
            .any(|measure| measure.what.is_wraparound() && measure.is_over(1.0))
    }

    fn is_only_toast_due(&self) -> bool {
        let measures = vacuum_measures(self.table, self.settings);
        let mut due = measures.iter().filter(|measure| measure.is_over(self.options.threshold));
        self.options.only_needed && due.all(|measure| measure.what.is_toast())
    }
}

/// How urgent a figure is that is about no wraparound.
fn urgency(measure: &DueMeasure) -> f64 {
    measure.ratio().min(MOST)
}

/// `12,000 dead rows (due at 10,050)`: the share of what autovacuum waits for is in it.
fn figures(measure: &DueMeasure, share: f64) -> String {
    let whole = |number: f64| format::whole(number.max(0.0).round() as i64);
    let (value, due_at) = (whole(measure.value), whole(measure.threshold * share));
    let words = measure.what.words();
    match measure.what.is_wraparound() {
        true => format!("{words} {value} (due at {due_at})"),
        false => format!("{value} {words} (due at {due_at})"),
    }
}

/// The table's name as a wanted one is written: `sales`, `crm.*`, `sales (amount, "Kind")`.
pub fn wanted(text: &str) -> std::result::Result<TablesWanted, String> {
    let trimmed = text.trim();
    let Some(inner) = trimmed.strip_suffix(')') else {
        return Ok(TablesWanted { pattern: NamePattern::parse(trimmed)?, columns: Vec::new() });
    };
    let opens = unquoted(inner, '(').next().ok_or("a parenthesis is not opened")?;
    let (name, columns) = (&inner[..opens], &inner[opens + 1..]);
    let ends = unquoted(columns, ',').chain([columns.len()]);
    let starts = [0].into_iter().chain(unquoted(columns, ',').map(|at| at + 1));
    let columns = starts
        .zip(ends)
        .map(|(start, end)| {
            let column = &columns[start..end];
            let column =
                crate::declared::relation_name(column).filter(|name| name.schema.is_none());
            column
                .map(|RelationName { name, .. }| name)
                .ok_or("a column's name is wrong".to_owned())
        })
        .collect::<std::result::Result<Vec<_>, String>>()?;
    Ok(TablesWanted { pattern: NamePattern::parse(name.trim())?, columns })
}

/// Where the character stands outside of quotes.
fn unquoted(text: &str, wanted: char) -> impl Iterator<Item = usize> {
    let mut is_quoted = false;
    let places = text.char_indices().filter(move |(_, found)| {
        is_quoted ^= *found == '"';
        !is_quoted && *found == wanted
    });
    places.map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Heap;

    #[test]
    fn columns_stand_in_parentheses_behind_the_table() {
        let read = |text: &str| {
            let wanted = wanted(text).unwrap();
            (wanted.pattern.to_string(), wanted.columns)
        };
        let columns = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(read("crm.*"), ("crm.*".to_owned(), columns(&[])));
        let expected = ("sales".to_owned(), columns(&["amount", "Kind"]));
        assert_eq!(read("sales (amount, \"Kind\")"), expected);
        let quoted = "\"a (\" (\"b,\", \"c\"\"(\")";
        assert_eq!(read(quoted), ("\"a (\"".to_owned(), columns(&["b,", "c\"("])));
        for wrong in ["sales )", "sales ()", "sales (a.b)", "sales (a,)", ""] {
            assert!(wanted(wrong).is_err(), "{wrong}");
        }
    }

    fn table(oid: Oid, heap: Heap) -> TableState {
        TableState { oid, ..TableState::of_heap(&format!("t{oid}"), heap) }
    }

    fn options() -> MaintenanceOptions {
        MaintenanceOptions {
            job: TableJob::Vacuum { analyze: false },
            selection: TableSelection::All,
            only_needed: true,
            threshold: 0.5,
            exclude: Vec::new(),
            schemas: Vec::new(),
            vacuum: VacuumOptions::default(),
            version: ServerVersion(180_000),
        }
    }

    fn settings() -> AutovacuumSettings {
        AutovacuumSettings {
            vacuum_threshold: 50.0,
            vacuum_scale_factor: 0.2,
            freeze_max_age: 1000.0,
            multixact_freeze_max_age: 1000.0,
            insert_threshold: 1000.0,
            ..AutovacuumSettings::default()
        }
    }

    #[test]
    fn near_wraparound_comes_before_all_else_also_before_a_threshold_of_0() {
        let zero = ["autovacuum_vacuum_threshold=0", "autovacuum_vacuum_scale_factor=0"]
            .map(str::to_owned)
            .to_vec();
        let dead = |dead_rows, options| Heap { dead_rows, options, ..Heap::default() };
        let old = Heap { frozen_xid_age: Some(1001), ..Heap::default() };
        let tables = vec![
            table(1, dead(90, Vec::new())),
            table(2, dead(1, zero.clone())),
            table(3, dead(1, zero)),
            table(4, old.clone()),
        ];
        let was_left = |name: &str| {
            let past = PastMaintenance {
                object: name.to_owned(),
                was_left: true,
                usual: None,
                done_bytes: 0,
                done_in: Duration::ZERO,
            };
            (name.to_owned(), past)
        };
        let facts = TableMaintenance {
            tables,
            settings: settings(),
            past: [was_left("public.t1")].into(),
            ..TableMaintenance::default()
        };
        let order = |only_needed| {
            let plan = plan(&facts, &MaintenanceOptions { only_needed, ..options() }).unwrap();
            plan.steps.iter().map(|step| step.object.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(order(true), ["t4", "t1", "t2", "t3"]);
        assert_eq!(order(false)[..2], ["t4", "t1"]);
    }

    #[test]
    fn what_is_not_due_is_forgotten_as_it_is_read() {
        let due = table(1, Heap { dead_rows: 1000, ..Heap::default() });
        let idle = table(2, Heap::default());
        let part = TableState { parent: Some(9), ..idle.clone() };
        let root = TableState { kind: RelationKind::PartitionedTable, ..idle.clone() };
        let foreign = TableState { kind: RelationKind::ForeignTable, ..due.clone() };
        let options = options();
        let mut sieve = Sieve::new(&options, 1);
        let kept =
            [&due, &idle, &idle, &foreign, &part, &root].map(|it| sieve.keeps(&settings(), it));
        assert_eq!(kept, [true, true, false, false, true, true]);
        assert_eq!(sieve.not_due(), 2);
        let elsewhere = MaintenanceOptions {
            schemas: vec![glob::Pattern::new("crm").unwrap()],
            ..options.clone()
        };
        let mut sieve = Sieve::new(&elsewhere, 9);
        assert_eq!([&due, &idle].map(|it| sieve.keeps(&settings(), it)), [false, false]);
        assert_eq!(sieve.not_due(), 0);
        let all = MaintenanceOptions { only_needed: false, ..options };
        assert!(Sieve::new(&all, 0).keeps(&settings(), &idle));
    }
}

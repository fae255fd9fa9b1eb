//! The plan of `pgtend refresh`: which materialized views, in which order, in which mode, and which
//! are fresh enough to be left alone.

use super::why::Why;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use crate::config::Mode;
use crate::declared;
use crate::did_you_mean;
pub use crate::facts::history::LastRefresh;
use crate::facts::refresh::{Facts, ViewQuestions};
use crate::facts::{KeyHint, Known, MaterializedView, Oid, Sources, Views};
use crate::failure::{Failure, Result};
use crate::format;
use crate::pg::name::{RelationName, quote_ident};
use crate::pg::name_pattern::NamePattern;
use crate::warning::Warning;
use crate::work::plan::{Action, Lock, LockMode, Plan, Statement, Step, Verdict};
use crate::work::subject::{Refresh, Subject, Way};

#[derive(Debug, Clone)]
pub struct RefreshOptions {
    pub selection: ViewSelection,
    /// Only views of this schema.
    pub schema: Option<String>,
    /// Also the views that these read, before them.
    pub with_dependencies: bool,
    pub mode: Mode,
    /// A view refreshed more recently is left alone.
    pub max_age: Option<Duration>,
    /// A view whose sources were not written since its last refresh is left alone.
    pub if_changed: bool,
}

impl RefreshOptions {
    /// The views among which the selection chooses.
    pub fn meant<'f>(&self, views: &'f Views) -> impl Iterator<Item = &'f MaterializedView> {
        let of_schema =
            |view: &&MaterializedView| self.schema.is_none() || self.schema == view.name.schema;
        views.all.iter().filter(of_schema)
    }
}

/// Which views are wanted.
#[derive(Debug, Clone)]
pub enum ViewSelection {
    /// Every materialized view of the database.
    All,
    /// Those that match; each pattern has to match one.
    Matching(Vec<NamePattern>),
}

/// Chooses the views. Returns them in the order of refreshing: what others read comes first.
///
/// # Errors
/// `Usage` for a pattern that matches nothing, naming the views that there are.
pub fn choose<'f>(views: &'f Views, options: &RefreshOptions) -> Result<Vec<&'f MaterializedView>> {
    let mut chosen = BTreeMap::new();
    match &options.selection {
        ViewSelection::All => chosen.extend(options.meant(views).map(|view| (view.oid, view))),
        ViewSelection::Matching(patterns) => {
            for pattern in patterns {
                let is_meant = |v: &&MaterializedView| pattern.matches(&v.name, v.is_visible);
                let matching = options.meant(views).filter(is_meant).collect::<Vec<_>>();
                if matching.is_empty() {
                    return Err(no_match(pattern, views, options));
                }
                chosen.extend(matching.into_iter().map(|view| (view.oid, view)));
            }
        }
    }
    let graph = Graph::of(views);
    if options.with_dependencies {
        let mut to_visit = chosen.keys().copied().collect::<Vec<_>>();
        while let Some(oid) = to_visit.pop() {
            for read in graph.reads(oid) {
                if let Some(view) = options.meant(views).find(|view| view.oid == *read)
                    && chosen.insert(view.oid, view).is_none()
                {
                    to_visit.push(view.oid);
                }
            }
        }
    }
    Ok(graph.in_order(views.all.iter().filter(|view| chosen.contains_key(&view.oid)).collect()))
}

fn no_match(pattern: &NamePattern, views: &Views, options: &RefreshOptions) -> Failure {
    let failure = Failure::usage(format!("there is no materialized view {pattern}"));
    let names = options.meant(views).map(|view| view.name.to_string()).collect::<Vec<_>>();
    let none = match options.schema {
        Some(_) => "the schema has no materialized views",
        None => "the database has no materialized views",
    };
    failure.hint(did_you_mean::hint(&pattern.to_string(), &names, none))
}

/// Whether it helps to know what a unique index on the view could be made of.
fn needs_hint(view: &MaterializedView, options: &RefreshOptions) -> bool {
    view.is_populated && view.key_columns.is_empty() && options.mode != Mode::Plain
}

/// What has to be known of the chosen views.
pub fn asked(chosen: &[&MaterializedView], options: &RefreshOptions) -> ViewQuestions {
    let keyless = chosen.iter().filter(|view| needs_hint(view, options));
    ViewQuestions {
        views: chosen.iter().map(|view| view.oid).collect(),
        keyless: keyless.map(|view| view.oid).collect(),
        reads_sources: options.if_changed,
    }
}

/// Plans the chosen views, which stand in the order of refreshing.
pub fn plan(chosen: &[&MaterializedView], facts: &Facts, options: &RefreshOptions) -> Plan {
    let graph = Graph::of(&facts.views);
    let mut plan = Plan::default();
    let mut refreshed = HashSet::new();
    for view in chosen {
        let reads = graph.reads(view.oid);
        let needs = chosen
            .iter()
            .filter(|other| reads.contains(&other.oid))
            .map(|other| other.name.clone())
            .collect::<Vec<_>>();
        let upstream = needs.iter().find(|name| refreshed.contains(*name));
        let planner = RefreshPlanner { view, facts, options };
        let step = planner.step(needs.clone(), upstream);
        if step.verdict == Verdict::ToDo {
            refreshed.insert(view.name.clone());
            plan.warnings.extend(planner.warning(&step));
        }
        plan.steps.push(step);
    }
    plan
}

/// Plans one view by itself; `upstream` is a view that it reads and that has changed in this run.
pub fn plan_one(
    view: &MaterializedView,
    facts: &Facts,
    options: &RefreshOptions,
    upstream: Option<&RelationName>,
) -> Step {
    RefreshPlanner { view, facts, options }.step(Vec::new(), upstream)
}

struct RefreshPlanner<'p> {
    view: &'p MaterializedView,
    facts: &'p Facts,
    options: &'p RefreshOptions,
}

impl RefreshPlanner<'_> {
    fn step(&self, needs: Vec<RelationName>, upstream: Option<&RelationName>) -> Step {
        let way = match self.options.mode {
            Mode::Plain => Way::Plain,
            Mode::Auto if !self.view.is_populated => Way::Plain,
            Mode::Auto | Mode::Concurrent => Way::Concurrent,
        };
        let subject = Subject::Refresh(Refresh { view: self.view.oid, way, needs });
        let mut step = Step::new(Action::RefreshView, self.view.name.clone(), subject);
        step.table_bytes = self.view.size_bytes;
        let last = self.facts.last.get(&self.view.oid);
        step.usual_duration = last.and_then(|last| last.usual_duration);
        match (self.why_not_needed(upstream), self.why_not_possible(way)) {
            (Err(why), _) => {
                step.verdict = Verdict::LeftOut;
                step.reason = why.into();
            }
            (_, Some(why)) => {
                step.verdict = Verdict::Refused;
                step.reason = why.into();
            }
            (Ok(why), None) => {
                step.verdict = Verdict::ToDo;
                step.reason = why.into();
                step.lock = Some(lock(way, &self.view.name));
                step.statements = vec![Statement::Alone(statement(way, &self.view.name))];
            }
        }
        step
    }

    /// Why it is refreshed, or else why it need not be.
    fn why_not_needed(&self, upstream: Option<&RelationName>) -> std::result::Result<Why, Why> {
        let last = self.facts.last.get(&self.view.oid);
        if !self.view.is_populated {
            return Ok(Why::NotPopulated);
        }
        let Some(last) = last else {
            let limited = self.options.max_age.is_some() || self.options.if_changed;
            return Ok(if limited { Why::NoRefreshKnown } else { Why::Asked });
        };
        let ago = format::duration(last.age);
        if self.options.max_age.is_some_and(|max_age| last.age < max_age) {
            return Err(Why::Fresh { ago });
        }
        if !self.options.if_changed {
            return Ok(match self.options.max_age {
                Some(_) => Why::TooOld { ago },
                None => Why::Asked,
            });
        }
        if let Some(name) = upstream {
            return Ok(Why::ReadsRefreshed { view: name.clone() });
        }
        match self.facts.sources.get(&self.view.oid) {
            Some(now) => match changed(last.sources.as_ref(), now) {
                Some(how) => Ok(Why::Changed { how }),
                None => Err(Why::Unchanged { ago }),
            },
            None => Ok(Why::SourcesUnknown),
        }
    }

    fn why_not_possible(&self, way: Way) -> Option<Why> {
        let view = self.view;
        if !view.may_refresh {
            return Some(Why::NotOwner { owner: quote_ident(&view.owner) });
        }
        if way == Way::Plain {
            return None;
        }
        if !view.is_populated {
            return Some(Why::FirstCannotBeConcurrent);
        }
        if view.key_columns.is_empty() {
            return Some(Why::NoUniqueIndex { proposal: self.key_proposal() });
        }
        (!self.facts.may_create_temp)
            .then(|| Why::NoTemporary { database: quote_ident(&self.facts.database) })
    }

    fn key_proposal(&self) -> String {
        let hints = match &self.facts.hints {
            Known::Known(hints) => hints,
            Known::Unavailable(why) => {
                return format!(" (on which ones pgtend cannot propose: {why})");
            }
        };
        let Some(hint) = hints.get(&self.view.oid) else {
            return String::new();
        };
        let (columns, why) = match grouping_key(hint) {
            Some(columns) => (columns, "by which its query groups"),
            None => match hint.unique_columns.first() {
                Some(column) => (vec![column.clone()], "which holds no value twice now"),
                None => return String::new(),
            },
        };
        let quoted = columns.iter().map(|column| quote_ident(column)).collect::<Vec<_>>();
        format!(
            ", for example CREATE UNIQUE INDEX CONCURRENTLY ON {} ({}), {why}",
            self.view.name,
            quoted.join(", ")
        )
    }

    fn warning(&self, step: &Step) -> Option<Warning> {
        let Subject::Refresh(Refresh { way, .. }) = step.subject else {
            return None;
        };
        let warn =
            |rule, message: String| Warning { rule, object: step.object.to_string(), message };
        let nulls = &self.view.null_columns;
        if way == Way::Concurrent && !nulls.is_empty() {
            let quoted = nulls.iter().map(|column| quote_ident(column)).collect::<Vec<_>>();
            let message = format!(
                "rows with NULL in {} are deleted and inserted again by every concurrent refresh, \
                 also where nothing changed",
                quoted.join(", ")
            );
            return Some(warn("null_keys", message));
        }
        let will_need_key = way == Way::Plain && self.options.mode == Mode::Auto;
        (will_need_key && self.view.key_columns.is_empty()).then(|| {
            let message = "from the next refresh on it needs a unique index on plain columns without \
                           a predicate, so that readers need not wait";
            warn("no_unique_index", message.to_owned())
        })
    }
}

/// The columns by which the view's query groups, which tell its rows apart.
pub fn grouping_key(hint: &KeyHint) -> Option<Vec<String>> {
    let places = declared::grouping_columns(&hint.query)?;
    places.iter().map(|place| hint.columns.get(*place).cloned()).collect()
}

fn lock(way: Way, view: &RelationName) -> Lock {
    let mode = match way {
        Way::Concurrent => LockMode::Exclusive,
        Way::Plain => LockMode::AccessExclusive,
    };
    Lock { mode, on: view.to_string() }
}

fn statement(way: Way, view: &RelationName) -> String {
    match way {
        Way::Concurrent => format!("REFRESH MATERIALIZED VIEW CONCURRENTLY {view}"),
        Way::Plain => format!("REFRESH MATERIALIZED VIEW {view}"),
    }
}

/// Why the contents may not be what they were; `None` where they are.
pub fn changed(before: Option<&Sources>, now: &Sources) -> Option<String> {
    let Some(before) = before else {
        return Some("nothing is known of what it read last time".to_owned());
    };
    if let Some(reason) = now.unknown.first() {
        return Some(format!("whether it changed cannot be told: it {reason}"));
    }
    if now.server.is_none() {
        return Some("whether it changed cannot be told: track_counts is off".to_owned());
    }
    if before.server != now.server {
        return Some(
            "the statistics of writes were reset since (or the server was restarted)".to_owned(),
        );
    }
    if before.surroundings != now.surroundings {
        return Some("settings, types or text search were changed".to_owned());
    }
    for (oid, view) in &now.views {
        if before.views.get(oid).is_none_or(|was| was.digest != view.digest) {
            return Some(format!("{} was redefined", view.name));
        }
    }
    for (oid, source) in &now.relations {
        match before.relations.get(oid) {
            None => return Some(format!("{} is new", source.name)),
            Some(was) if was.name != source.name || was.columns != source.columns => {
                return Some(format!("{} was altered", source.name));
            }
            Some(was) if was.filenode != source.filenode => {
                return Some(format!("{} was truncated or rewritten", source.name));
            }
            Some(was) if was.writes != source.writes => {
                return Some(format!("{} was written to", source.name));
            }
            Some(_) => {}
        }
    }
    let gone = before.relations.iter().find(|(oid, _)| !now.relations.contains_key(oid));
    gone.map(|(_, source)| format!("{} is gone", source.name))
}

/// All views, each behind those that it reads.
pub fn in_order(views: &Views) -> Vec<&MaterializedView> {
    Graph::of(views).in_order(views.all.iter().collect())
}

/// Which materialized views each one reads, through plain views in between.
struct Graph {
    reads: HashMap<Oid, HashSet<Oid>>,
}

impl Graph {
    fn of(views: &Views) -> Graph {
        let materialized = views.all.iter().map(|view| view.oid).collect::<HashSet<_>>();
        let reads = views.all.iter().map(|view| {
            let mut found = HashSet::new();
            let mut seen = HashSet::new();
            let mut to_visit = vec![view.oid];
            while let Some(oid) = to_visit.pop() {
                for read in views.reads.get(&oid).into_iter().flatten() {
                    if materialized.contains(read) {
                        found.insert(*read);
                    } else if seen.insert(*read) {
                        to_visit.push(*read);
                    }
                }
            }
            (view.oid, found)
        });
        Graph { reads: reads.collect() }
    }

    fn reads(&self, view: Oid) -> &HashSet<Oid> {
        static NONE: std::sync::LazyLock<HashSet<Oid>> = std::sync::LazyLock::new(HashSet::new);
        self.reads.get(&view).unwrap_or(&NONE)
    }

    /// What others read first; otherwise as given.
    fn in_order<'f>(&self, mut left: Vec<&'f MaterializedView>) -> Vec<&'f MaterializedView> {
        let mut ordered = Vec::with_capacity(left.len());
        while !left.is_empty() {
            let waits = |view: &MaterializedView| {
                left.iter().any(|other| self.reads(view.oid).contains(&other.oid))
            };
            // Views cannot read each other in a circle, so there always is a first.
            let first = left.iter().position(|view| !waits(view)).unwrap_or(0);
            ordered.push(left.remove(first));
        }
        ordered
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::views::{ViewDefinition, ViewSource};

    fn view(oid: Oid, name: &str) -> MaterializedView {
        MaterializedView {
            oid,
            name: RelationName::qualified("public", name),
            is_visible: true,
            owner: "owner".to_owned(),
            may_refresh: true,
            is_populated: true,
            row_estimate: 100.0,
            dead_rows: 0,
            size_bytes: 8192,
            key_columns: vec!["id".to_owned()],
            null_columns: Vec::new(),
        }
    }

    fn options() -> RefreshOptions {
        RefreshOptions {
            selection: ViewSelection::All,
            schema: None,
            with_dependencies: false,
            mode: Mode::Auto,
            max_age: None,
            if_changed: false,
        }
    }

    fn sources(writes: i64) -> Sources {
        let table = ViewSource {
            name: "public.t".to_owned(),
            filenode: Some(1),
            writes,
            columns: "c".to_owned(),
        };
        let itself = ViewDefinition { name: "public.v".to_owned(), digest: "a".to_owned() };
        Sources {
            server: Some("since noon".to_owned()),
            surroundings: "UTC".to_owned(),
            relations: [(10, table)].into(),
            views: [(20, itself)].into(),
            unknown: Default::default(),
        }
    }

    fn facts(views: Vec<MaterializedView>) -> Facts {
        Facts {
            views: Views { all: views, ..Views::default() },
            may_create_temp: true,
            ..Facts::default()
        }
    }

    fn verdict(facts: &Facts, options: &RefreshOptions) -> (Verdict, String) {
        let step = plan(&choose(&facts.views, options).unwrap(), facts, options).steps.remove(0);
        (step.verdict, step.reason.words)
    }

    #[test]
    fn every_difference_counts_as_a_change() {
        let before = sources(5);
        assert_eq!(changed(Some(&before), &sources(5)), None);
        let reason = |now: &Sources| changed(Some(&before), now).unwrap();
        assert_eq!(reason(&sources(6)), "public.t was written to");
        let mut now = sources(5);
        now.relations.get_mut(&10).unwrap().filenode = Some(2);
        assert_eq!(reason(&now), "public.t was truncated or rewritten");
        let mut now = sources(5);
        now.relations.get_mut(&10).unwrap().columns = "d".to_owned();
        assert_eq!(reason(&now), "public.t was altered");
        let mut now = sources(5);
        now.surroundings = "Europe/Paris".to_owned();
        assert_eq!(reason(&now), "settings, types or text search were changed");
        let mut now = sources(5);
        now.relations.insert(11, now.relations[&10].clone());
        assert_eq!(reason(&now), "public.t is new");
        let mut now = sources(5);
        now.relations.clear();
        assert_eq!(reason(&now), "public.t is gone");
        let mut now = sources(5);
        now.views.get_mut(&20).unwrap().digest = "b".to_owned();
        assert_eq!(reason(&now), "public.v was redefined");
        let mut now = sources(5);
        now.server = Some("since one".to_owned());
        assert!(reason(&now).starts_with("the statistics of writes were reset"));
        now.server = None;
        assert!(reason(&now).ends_with("track_counts is off"));
        let mut now = sources(5);
        now.unknown.insert("reads the foreign table far.away".to_owned());
        assert!(reason(&now).ends_with("it reads the foreign table far.away"));
        assert!(changed(None, &sources(5)).is_some());
    }

    #[test]
    fn what_is_fresh_enough_is_left_alone() {
        let mut facts = facts(vec![view(20, "v")]);
        let hour = Duration::from_secs(3600);
        let limited = RefreshOptions { max_age: Some(hour), ..options() };
        assert_eq!(verdict(&facts, &limited), (Verdict::ToDo, "no refresh is known".to_owned()));
        let mut last = LastRefresh { age: hour / 2, ..LastRefresh::default() };
        facts.last.insert(20, last.clone());
        let fresh = (Verdict::LeftOut, "fresh: refreshed 30 min 0 s ago".to_owned());
        assert_eq!(verdict(&facts, &limited), fresh);
        facts.views.all[0].is_populated = false;
        assert_eq!(verdict(&facts, &limited), (Verdict::ToDo, "not populated".to_owned()));
        facts.views.all[0].is_populated = true;
        last.age = hour * 2;
        last.sources = Some(sources(1));
        facts.last.insert(20, last);
        let reason = "last refreshed 2 h 0 min ago".to_owned();
        assert_eq!(verdict(&facts, &limited), (Verdict::ToDo, reason));

        let both = RefreshOptions { if_changed: true, ..limited };
        facts.sources.insert(20, sources(1));
        let reason = "unchanged since its refresh 2 h 0 min ago".to_owned();
        assert_eq!(verdict(&facts, &both), (Verdict::LeftOut, reason));
        facts.sources.insert(20, sources(2));
        let reason = "public.t was written to".to_owned();
        assert_eq!(verdict(&facts, &both), (Verdict::ToDo, reason));
    }

    #[test]
    fn a_view_comes_after_what_it_reads_through_plain_views() {
        let mut facts = facts(vec![view(1, "a"), view(2, "b"), view(3, "c")]);
        // a reads the plain view 9, which reads c; c reads b.
        facts.views.reads = [(1, vec![9]), (9, vec![3]), (3, vec![2])].into();
        let names = |options: &RefreshOptions| {
            let chosen = choose(&facts.views, options).unwrap();
            chosen.iter().map(|view| view.name.name.clone()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(names(&options()), "b c a");
        let pattern = NamePattern::parse("a").unwrap();
        let only_a = RefreshOptions {
            selection: ViewSelection::Matching(vec![pattern]),
            ..options()
        };
        assert_eq!(names(&only_a), "a");
        assert_eq!(names(&RefreshOptions { with_dependencies: true, ..only_a }), "b c a");
        let steps = plan(&choose(&facts.views, &options()).unwrap(), &facts, &options()).steps;
        let Subject::Refresh(last) = &steps[2].subject else {
            panic!("{:?}", steps[2])
        };
        assert_eq!(last.needs, [RelationName::qualified("public", "c")]);
    }
}

//! What was seen while the migrations were applied: which statement took, rewrote, scanned and made
//! what. The observer is told each answer of the server and makes of it what one statement did.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::relations::{Changes, Names, RelationStep, Relations};
use super::set::{KnownSettings, TimeoutInForce};
use crate::declared::migrations::{MigrationStatement, Reach, Role};
use crate::facts::Oid;
use crate::facts::observed::{
    LockedRelation, Observation, RelationFiles, Timeout, observation_sql,
};
use crate::findings::Place;
use crate::pg::name::RelationName;
use crate::pg::session::Notice;
use crate::work::plan::LockMode;

/// All that was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observed {
    /// The statements that did something to relations, in their order.
    pub statements: Vec<SeenStatement>,
    /// Which statement made a relation or a constraint.
    pub origins: Origins,
    /// The newest object before each migration.
    pub newest_before: Vec<Oid>,
    /// Statements in a transaction that concern nothing of what was there before the migration.
    pub only_new: HashSet<Place>,
    /// The timeouts with which statements were sent that commit by themselves, by where they begin.
    pub timeouts: HashMap<Place, Vec<TimeoutInForce>>,
    /// The relations before the first migration.
    pub before: Relations,
    /// The relations after the last statement.
    pub after: Relations,
    /// What became of the relations, statement by statement.
    pub steps: Vec<RelationStep>,
    /// The search path before the first migration.
    pub search_path: Option<String>,
}

/// Which statement made a relation or a constraint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins {
    places: HashMap<Oid, Place>,
    /// The newest object before the first migration.
    base: Oid,
}

impl Origins {
    /// The statement; `None` where it was there before, or the statement is not known.
    pub fn place(&self, oid: Oid) -> Option<Place> {
        self.places.get(&oid).cloned()
    }

    /// Whether the migrations made it: the server numbers its objects in their order.
    pub fn is_new(&self, oid: Oid) -> bool {
        oid > self.base
    }
}

/// What a statement did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenStatement {
    pub place: Place,
    pub text: String,
    /// Its migration, from 0.
    pub migration: usize,
    /// Statements of one number are of one transaction.
    pub transaction: usize,
    /// When the server began, by its clock.
    pub began: Duration,
    /// When it had done; where later ones of its transaction did nothing, when they had.
    pub ended: Duration,
    /// The tables and materialized views that were there before the migration and that it locked,
    /// rewrote or scanned.
    pub relations: Vec<SeenRelation>,
}

/// A table or materialized view during a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenRelation {
    pub oid: Oid,
    pub name: RelationName,
    /// The strongest lock that the transaction holds; `None` where it was gone before it could be
    /// seen, because the statement commits by itself.
    pub lock: Option<LockMode>,
    /// The statement gave it a new file.
    pub is_rewritten: bool,
    /// The statement read it from end to end.
    pub is_scanned: bool,
}

/// Which statement it is that an answer of the server is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    pub place: Place,
    pub text: String,
}

/// Is told what the server says after each statement.
#[derive(Debug, Clone, Default)]
pub struct Observer {
    observed: Observed,
    files: HashMap<Oid, Oid>,
    scans: HashMap<Oid, i64>,
    /// What the open transaction has given a new file.
    rewritten: Vec<Oid>,
    /// What the open transaction holds.
    held: HashMap<Oid, Option<LockMode>>,
    /// The names of the tables that were there before this migration.
    names: HashSet<String>,
    /// They may be called otherwise meanwhile, or be part of something new.
    is_unsure: bool,
    /// How often it has looked in this transaction.
    looks: usize,
    /// The newest object before this migration.
    before: Oid,
    newest: Oid,
    at: Duration,
    transaction: usize,
    relations: Relations,
    /// All relations were told, and nothing was rolled back since.
    is_listed: bool,
    settings: KnownSettings,
    /// The statement that was seen last.
    last: Option<Place>,
}

impl Observer {
    /// The next migration begins, and this is there, if it could be read.
    pub fn begin_migration(&mut self, files: Option<&RelationFiles>) {
        if let Some(files) = files {
            self.know(files);
            self.settings.begin(&files.defaults);
            self.names = files.files.values().map(|file| file.name.name.clone()).collect();
            self.is_unsure = false;
        }
        self.before = self.newest;
        if self.observed.newest_before.is_empty() {
            self.observed.origins.base = self.newest;
        }
        self.observed.newest_before.push(self.newest);
    }

    /// The query to send after this statement.
    pub fn look(&mut self, statement: &MigrationStatement) -> String {
        self.looks += 1;
        self.is_unsure = self.is_unsure || statement.role == Role::Works(Reach::Renames);
        let before = if self.may_concern_existing(statement) {
            self.before
        } else {
            0
        };
        observation_sql(before, self.newest)
    }

    /// To look at locks is to go through all that the session holds. So a transaction that makes
    /// thousands of tables would take the square of their number. From its `MANY` statements on, one of a
    /// kind that only concerns what it names, and that names nothing that was there before, is
    /// passed by; what a trigger or a default does with other tables is not seen there.
    fn may_concern_existing(&self, statement: &MigrationStatement) -> bool {
        const MANY: usize = 300;
        let is_named = statement.role == Role::Works(Reach::Named);
        if self.looks <= MANY || self.is_unsure || !is_named {
            return !self.names.is_empty();
        }
        let text = &statement.text;
        let mut words = text
            .split(|char: char| !(char.is_alphanumeric() || "_$".contains(char)))
            .filter(|word| !word.is_empty());
        // A quoted name may hold anything.
        text.contains('"') && !self.names.is_empty()
            || words
                .any(|word| self.names.contains(word) || self.names.contains(&word.to_lowercase()))
    }

    /// A statement that commits by itself is sent with these timeouts.
    pub fn saw_timeouts(&mut self, place: Place, timeouts: &[Timeout]) {
        let in_force = self.settings.in_force(timeouts);
        self.observed.timeouts.insert(place, in_force);
    }

    /// BEGIN is sent.
    pub fn begin_transaction(&mut self) {
        self.settings.begin_transaction();
    }

    /// A statement is sent after which nobody looks.
    pub fn passed_over(&mut self, done: Done) {
        self.settings.passed_over(done);
    }

    /// Whether all relations have to be told anew.
    pub fn wants_list(&self) -> bool {
        !self.is_listed
    }

    /// All relations are told: what is otherwise has come of the statement that was seen last.
    pub fn saw_all(&mut self, all: &Observation) {
        self.settings.see(&all.settings, self.last.as_ref());
        let changes = self.relations.differ_from_all(all);
        self.is_listed = true;
        match self.last.clone() {
            Some(place) => self.step(Done { place, text: String::new() }, all, changes, Vec::new()),
            None => {
                self.relations.apply(&changes);
                self.observed.before = self.relations.clone();
                self.observed.search_path = Names::of(all).search_path;
            }
        }
    }

    /// A statement is done, and its transaction open still.
    pub fn saw(&mut self, done: Done, observation: &Observation, notices: Vec<Notice>) {
        self.made(&done.place, observation);
        self.settings.see(&observation.settings, Some(&done.place));
        let changes = self.relations.differ(observation);
        self.step(done.clone(), observation, changes, notices);
        let relations = observation
            .locked
            .iter()
            .filter_map(|one| self.relation(&done, one))
            .collect::<Vec<_>>();
        for relation in &observation.locked {
            if self.files.insert(relation.oid, relation.file) != Some(relation.file) {
                self.rewritten.push(relation.oid);
            }
            self.scans.insert(relation.oid, relation.scans);
        }
        self.remember(done, observation.at, relations);
    }

    /// A statement is done that committed by itself; its locks are gone.
    pub fn saw_afterwards(
        &mut self,
        done: Done,
        all: &Observation,
        notices: Vec<Notice>,
        after: &RelationFiles,
    ) {
        self.made(&done.place, all);
        self.settings.see(&all.settings, Some(&done.place));
        let changes = self.relations.differ_from_all(all);
        self.step(done.clone(), all, changes, notices);
        let mut relations = after
            .files
            .iter()
            .map(|(oid, now)| SeenRelation {
                oid: *oid,
                name: now.name.clone(),
                lock: None,
                is_rewritten: self.files.get(oid).is_some_and(|before| *before != now.file),
                is_scanned: self.is_scanned(*oid, now.scans),
            })
            .filter(|relation| relation.is_rewritten || relation.is_scanned)
            .collect::<Vec<_>>();
        relations.sort_by_key(|relation| relation.oid);
        self.know(after);
        self.remember(done, after.at, relations);
        self.end_transaction();
    }

    /// The transaction, or a part of it, is rolled back: which files and relations are there again is
    /// not known.
    pub fn forget(&mut self) {
        self.is_listed = false;
        self.settings.roll_back();
        for oid in self.rewritten.drain(..) {
            self.files.remove(&oid);
        }
    }

    /// The transaction is over.
    pub fn end_transaction(&mut self) {
        self.looks = 0;
        self.rewritten.clear();
        self.held.clear();
        self.transaction += 1;
    }

    /// All that was seen.
    pub fn finish(self) -> Observed {
        Observed { after: self.relations, ..self.observed }
    }

    /// What a statement has done to relations, or not done.
    fn step(&mut self, done: Done, seen: &Observation, changes: Changes, notices: Vec<Notice>) {
        self.last = Some(done.place.clone());
        if changes.is_empty() && notices.is_empty() && !done.is("CREATE") {
            return;
        }
        self.relations.apply(&changes);
        let (migration, transaction) = (self.migration(), self.transaction);
        let (Done { place, text }, names) = (done, Names::of(seen));
        let step = RelationStep { place, text, migration, transaction, changes, notices, names };
        self.observed.steps.push(step);
    }

    fn migration(&self) -> usize {
        self.observed.newest_before.len().saturating_sub(1)
    }

    fn know(&mut self, files: &RelationFiles) {
        self.files = files.files.iter().map(|(oid, known)| (*oid, known.file)).collect();
        self.scans = files.files.iter().map(|(oid, known)| (*oid, known.scans)).collect();
        self.newest = self.newest.max(files.newest);
        self.at = files.at;
    }

    fn made(&mut self, place: &Place, seen: &Observation) {
        let relations = seen.relations.iter().map(|relation| relation.oid);
        let made = relations.chain(seen.constraints.iter().copied());
        for oid in made.clone().filter(|oid| *oid > self.newest) {
            self.observed.origins.places.insert(oid, place.clone());
        }
        self.newest = made.fold(self.newest, Oid::max);
    }

    /// `None` where nobody knows it.
    fn relation(&self, done: &Done, now: &LockedRelation) -> Option<SeenRelation> {
        let known = self.relations.get(now.oid)?;
        let modes = now.modes.iter().filter_map(|mode| LockMode::from_pg_locks(mode));
        let file = self.files.get(&now.oid).copied().unwrap_or(now.file);
        Some(SeenRelation {
            oid: now.oid,
            name: known.qualified(),
            lock: modes.max(),
            // TRUNCATE gives a new file too, but there is nothing in it that it would read or write.
            is_rewritten: file != now.file && !done.is("TRUNCATE"),
            is_scanned: self.is_scanned(now.oid, now.scans) && !done.is("TRUNCATE"),
        })
    }

    /// Where there are fewer than before the statistics have taken theirs meanwhile.
    fn is_scanned(&self, oid: Oid, scans: i64) -> bool {
        let before = self.scans.get(&oid).copied().unwrap_or_default();
        scans > before || (scans > 0 && scans < before)
    }

    /// Those to which the statement did something, or of which it took more than was held.
    fn changed(&mut self, mut relations: Vec<SeenRelation>) -> Vec<SeenRelation> {
        relations.retain(|now| {
            let held = self.held.insert(now.oid, now.lock);
            held != Some(now.lock) || now.is_rewritten || now.is_scanned
        });
        relations
    }

    fn remember(&mut self, done: Done, at: Duration, relations: Vec<SeenRelation>) {
        if relations.is_empty() {
            self.observed.only_new.insert(done.place.clone());
        }
        let relations = self.changed(relations);
        let began = std::mem::replace(&mut self.at, at);
        let last = self
            .observed
            .statements
            .last_mut()
            .filter(|last| last.transaction == self.transaction);
        if relations.is_empty() {
            if let Some(last) = last {
                last.ended = at;
            }
            return;
        }
        let seen = SeenStatement {
            migration: self.migration(),
            transaction: self.transaction,
            began,
            ended: at,
            place: done.place,
            text: done.text,
            relations,
        };
        self.observed.statements.push(seen);
    }
}

impl Done {
    fn is(&self, keyword: &str) -> bool {
        self.text
            .get(..keyword.len())
            .is_some_and(|word| word.eq_ignore_ascii_case(keyword))
    }
}

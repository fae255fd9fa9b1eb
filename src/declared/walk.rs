//! Goes through the statements of the files in psql's order: what each declares, under which
//! settings, and what later ones take back, rename and move.

use std::collections::{HashMap, HashSet};

use super::check::Problem;
use super::parse::{self, Declared};
use super::passed::{Passed, beginning};
use super::settings::{Outcome, Setting, Settings, Value};
use super::statement::{Class, Words};
use super::transactions::fate;
use super::{
    DeclaredComment, DeclaredIndex, DeclaredMaintenance, DeclaredView, Source, Stands, definition,
    psql,
};
use crate::pg::name::{RelationName, quote_ident};
use crate::syntax::lexer;

/// What happens to a declaration of which a later statement leaves open whether it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubts {
    /// It holds, with a warning.
    Say,
    /// It is left out.
    Forget,
}

/// A declared thing, and what is known of its place.
#[derive(Debug, Clone)]
pub struct Entry<T> {
    pub declared: T,
    pub stands: Stands,
    /// With IF NOT EXISTS it may have had no effect.
    pub if_not_exists: bool,
    /// The search path that its names mean.
    pub path: Path,
}

/// The search path in which names stand.
#[derive(Debug, Clone)]
pub enum Path {
    /// None of the names needs one.
    Free,
    /// That of the session.
    Users,
    /// This one, which the file sets.
    Set(Setting),
}

/// A statement that concerns declarations.
struct Kept {
    class: Class,
    text: Box<str>,
    source: Source,
    column: u32,
    has_rows: bool,
}

/// Keeps of a text's statements those that concern declarations.
#[derive(Default)]
pub struct Session {
    kept: Vec<Kept>,
    problems: Vec<Problem>,
}

impl Session {
    /// Takes the next statement.
    pub fn hear(&mut self, statement: &psql::Statement<'_>, passed: &mut Passed) {
        let class = Class::of(&statement.text);
        let psql::Statement { text, source, column, has_rows, variable } = statement;
        if let Some(variable) = variable.filter(|_| class != Class::Data) {
            let message =
                format!("`{variable}` is a variable of psql, whose value pgtend cannot know");
            let problem = Problem::new(source, message);
            self.problems
                .push(problem.hint("write the value into the file, or make the file first"));
            return;
        }
        if matches!(class, Class::Data | Class::Other) {
            self.problems.extend(passed.statement(source, text, *has_rows));
            return;
        }
        self.kept.push(Kept {
            class,
            text: text.as_ref().into(),
            source: source.clone(),
            column: *column,
            has_rows: *has_rows,
        });
    }
}

/// The walk so far.
pub struct Walk {
    doubts: Doubts,
    /// CREATE INDEX; `None` where it was taken back.
    pub indexes: Vec<Option<Entry<DeclaredIndex>>>,
    /// CREATE MATERIALIZED VIEW.
    pub views: Vec<Option<Entry<DeclaredView>>>,
    /// COMMENT ON.
    pub comments: Vec<Option<Entry<DeclaredComment>>>,
    /// ANALYZE and VACUUM.
    pub maintenance: Vec<Option<Entry<DeclaredMaintenance>>>,
    /// Where materialized views were created at all.
    pub created: Vec<(RelationName, Stands)>,
    pub problems: Vec<Problem>,
    by_index: HashMap<String, Vec<usize>>,
    by_table: HashMap<String, Vec<usize>>,
    by_view: HashMap<String, Vec<usize>>,
    /// The words of the views' queries.
    queries: Vec<Said>,
    settings: Settings,
    temporary: HashSet<String>,
    /// A search path that an earlier file has set, if that names any schema.
    left_over: Option<Setting>,
}

/// Whether a statement had an effect, or is to be passed over.
#[derive(PartialEq, Eq)]
enum Effect {
    Some,
    None,
}

impl Walk {
    /// Nothing is declared yet.
    pub fn new(doubts: Doubts) -> Self {
        Walk {
            doubts,
            indexes: Vec::new(),
            views: Vec::new(),
            comments: Vec::new(),
            maintenance: Vec::new(),
            created: Vec::new(),
            problems: Vec::new(),
            by_index: HashMap::new(),
            by_table: HashMap::new(),
            by_view: HashMap::new(),
            queries: Vec::new(),
            settings: Settings::default(),
            temporary: HashSet::new(),
            left_over: None,
        }
    }

    /// Nothing of what was declared is certain any more.
    pub fn forget_all(&mut self) {
        self.indexes.iter_mut().for_each(|entry| *entry = None);
        self.views.iter_mut().for_each(|entry| *entry = None);
    }

    /// Walks through a session's statements; `migration` is the number of its text.
    pub fn session(&mut self, session: Session, migration: usize, passed: &mut Passed) {
        let Session { kept, problems } = session;
        self.problems.extend(problems);
        let transacts = |kept: &Kept| kept.class == Class::Transacts;
        let fate = fate(kept.iter().map(|one| transacts(one).then_some(one.text.as_ref())));
        if let Some(open) = fate.open
            && self.doubts == Doubts::Say
            && kept[open..].iter().any(|one| one.class == Class::Declares)
        {
            let message = "the transaction that begins here does not end in this file, so that psql \
                           would roll back what follows";
            self.problems.push(Problem::new(&kept[open].source, message).hint("add COMMIT"));
        }
        let mut rolled_back = vec![false; kept.len()];
        for range in fate.rolled_back {
            rolled_back[range].fill(true);
        }
        for (one, is_rolled_back) in kept.into_iter().zip(rolled_back) {
            let effect = match one.class {
                Class::Transacts if is_rolled_back => Effect::None,
                Class::Declares if is_rolled_back => {
                    let words = beginning(&one.text);
                    passed.note(&one.source, format!("passed over: {words} … is rolled back"));
                    continue;
                }
                _ if is_rolled_back => Effect::None,
                _ => self.statement(&one, migration, passed),
            };
            if one.class != Class::Declares && (effect == Effect::None || passed.refuses()) {
                self.problems.extend(passed.statement(&one.source, &one.text, one.has_rows));
            }
        }
        self.end_session();
    }

    fn end_session(&mut self) {
        if let Some(path) = self.settings.get("search_path")
            && !matches!(&path.value, Value::Items(items) if leaves_nothing(items))
        {
            self.left_over = Some(path.clone());
        }
        self.settings = Settings::default();
        self.temporary.clear();
    }

    fn statement(&mut self, one: &Kept, migration: usize, passed: &mut Passed) -> Effect {
        let line = u32::try_from(one.source.line).unwrap_or(u32::MAX);
        let stands = Stands { migration, line, column: one.column };
        match one.class {
            Class::Declares => self.declares(one, stands, passed),
            Class::Sets => match self.settings.statement(&one.text, &one.source) {
                Outcome::Followed => Effect::Some,
                Outcome::Unimportant => Effect::None,
            },
            Class::Transacts => {
                let mut words = Words::of(&one.text);
                if words.eat_any(&["begin", "start"]) {
                    self.settings.begin();
                } else if words.eat_any(&["commit", "end"]) {
                    self.settings.commit();
                    if words.has("chain") && !words.has("no") {
                        self.settings.begin();
                    }
                }
                Effect::None
            }
            Class::Temporary => {
                let mut words = Words::of(&one.text);
                const HEAD: [&str; 14] = [
                    "create",
                    "or",
                    "replace",
                    "local",
                    "global",
                    "temp",
                    "temporary",
                    "recursive",
                    "unlogged",
                    "table",
                    "view",
                    "sequence",
                    "if not exists",
                    "materialized",
                ];
                while words.eat_any(&HEAD) {}
                self.temporary.extend(words.name().map(|name| name.name));
                Effect::None
            }
            Class::Runs => self.runs(one, passed),
            Class::Alters => self.alters(one, passed),
            Class::Data | Class::Other => Effect::None,
        }
    }

    fn declares(&mut self, one: &Kept, stands: Stands, passed: &mut Passed) -> Effect {
        let declared = match parse::declared(&one.text, &one.source) {
            Ok(declared) => declared,
            Err(problem) => {
                self.problems.push(problem);
                return Effect::Some;
            }
        };
        for declared in declared {
            if let Err(problem) = self.declare(declared, one, stands, passed) {
                self.problems.push(problem);
            }
        }
        Effect::Some
    }

    fn declare(
        &mut self,
        declared: Declared,
        one: &Kept,
        stands: Stands,
        passed: &mut Passed,
    ) -> Result<(), Problem> {
        match declared {
            Declared::Index { mut index, if_not_exists } => {
                if self.is_temporary(&index.table) {
                    let message =
                        format!("passed over: an index on the temporary table {}", index.table);
                    passed.note(&one.source, message);
                    return Ok(());
                }
                let Some(path) = self.path(&mut index.table, !index.plain, one)? else {
                    return Ok(());
                };
                self.require_literals(one)?;
                if index.table.schema.is_none()
                    && let Some(role) = self.role()
                {
                    return Err(changed(role, "SET ROLE", one, "qualify the table's name"));
                }
                if index.tablespace.is_none()
                    && let Some(setting) = self.settings.get("default_tablespace")
                {
                    let name = single(setting, "default_tablespace", one)?;
                    move_index(&mut index, &name);
                }
                self.add_index(Entry { declared: index, stands, if_not_exists, path });
            }
            Declared::View { mut view, if_not_exists } => {
                self.created.push((view.name.clone(), stands));
                let Some(path) = self.path(&mut view.name, true, one)? else { return Ok(()) };
                self.require_literals(one)?;
                if let Some(role) = self.role() {
                    return Err(changed(role, "SET ROLE", one, "let that role run pgtend"));
                }
                self.store(&mut view, one)?;
                self.add_view(Entry { declared: view, stands, if_not_exists, path });
            }
            Declared::Comment(mut comment) => {
                if let Some(path) = self.path(&mut comment.name, false, one)? {
                    let entry = Entry { declared: comment, stands, if_not_exists: false, path };
                    self.comments.push(Some(entry));
                }
            }
            Declared::Maintenance(all) => {
                for mut declared in all {
                    let path = match &mut declared.table {
                        Some(table) if self.is_temporary(table) => continue,
                        Some(table) => self.path(table, false, one)?,
                        None => Some(Path::Free),
                    };
                    let Some(path) = path else { continue };
                    let entry = Entry { declared, stands, if_not_exists: false, path };
                    self.maintenance.push(Some(entry));
                }
            }
        }
        Ok(())
    }

    fn is_temporary(&self, name: &RelationName) -> bool {
        match name.schema.as_deref() {
            None => self.temporary.contains(&name.name),
            Some(schema) => schema == "pg_temp",
        }
    }

    fn role(&self) -> Option<&Setting> {
        self.settings.get("role").or_else(|| self.settings.get("session_authorization"))
    }

    /// The search path that the declaration stands under; a name that it leaves no choice is given
    /// its schema. `None`: it is not known and left out.
    fn path(
        &mut self,
        name: &mut RelationName,
        has_other_names: bool,
        one: &Kept,
    ) -> Result<Option<Path>, Problem> {
        const WAY_OUT: &str = "qualify the names";
        let is_bare = name.schema.is_none();
        let needs_path = is_bare || has_other_names;
        let path = self.settings.get("search_path");
        if self.doubts == Doubts::Forget && (path.is_some() || self.left_over.is_some()) {
            let is_known = !is_bare && !one.is_view();
            return Ok(is_known.then_some(Path::Free));
        }
        let Some(path) = path else {
            return match &self.left_over {
                Some(left) if is_bare => {
                    let message = format!(
                        "the search_path that is set at {} may still hold here, or not",
                        left.source
                    );
                    let problem = Problem::new(&one.source, message);
                    Err(problem.hint("qualify the names, or set it in this file, too"))
                }
                _ => Ok(Some(if needs_path { Path::Users } else { Path::Free })),
            };
        };
        let schemas = match &path.value {
            Value::Items(items) => items.iter().filter(|item| !item.is_empty()).collect::<Vec<_>>(),
            Value::Unknown if needs_path => {
                return Err(changed(path, "search_path", one, WAY_OUT));
            }
            Value::Unknown => return Ok(Some(Path::Free)),
        };
        match schemas.as_slice() {
            [] if is_bare => {
                let message =
                    format!("no search_path leads to {name}: it was emptied at {}", path.source);
                Err(Problem::new(&one.source, message).hint(WAY_OUT))
            }
            // As pg_dump does it: all names are qualified.
            [] => Ok(Some(Path::Free)),
            [schema] if is_bare && !schema.starts_with('$') && *schema != "pg_temp" => {
                name.schema = Some((*schema).clone());
                let path = Path::Set(path.clone());
                Ok(Some(if has_other_names { path } else { Path::Free }))
            }
            _ if needs_path => Ok(Some(Path::Set(path.clone()))),
            _ => Ok(Some(Path::Free)),
        }
    }

    /// Constants that the session's settings make mean something else.
    fn require_literals(&self, one: &Kept) -> Result<(), Problem> {
        const READ_OTHERWISE: [&str; 7] = [
            "standard_conforming_strings",
            "client_encoding",
            "transform_null_equals",
            "datestyle",
            "intervalstyle",
            "timezone",
            "xmloption",
        ];
        for name in READ_OTHERWISE {
            let Some(setting) = self.settings.get(name) else { continue };
            let is_always = matches!(name, "standard_conforming_strings" | "client_encoding")
                || name == "transform_null_equals";
            let has_text = || lexer::tokens(&one.text).any(|token| token.kind == lexer::Kind::Text);
            if is_always || has_text() {
                return Err(changed(setting, name, one, "take the setting out of the file"));
            }
        }
        Ok(())
    }

    fn store(&self, view: &mut DeclaredView, one: &Kept) -> Result<(), Problem> {
        let has = |keyword: &str| {
            lexer::tokens(&view.storage).any(|token| token.is(&view.storage, keyword))
        };
        let mut parts = vec![view.storage.clone()];
        if let Some(setting) = self.settings.get("default_table_access_method")
            && !has("using")
        {
            let method = single(setting, "default_table_access_method", one)?;
            parts.insert(0, format!("USING {}", quote_ident(&method)));
        }
        if let Some(setting) = self.settings.get("default_tablespace")
            && !has("tablespace")
        {
            let name = single(setting, "default_tablespace", one)?;
            parts.push(format!("TABLESPACE {}", quote_ident(&name)));
        }
        parts.retain(|part| !part.is_empty());
        view.storage = parts.join(" ");
        Ok(())
    }

    fn add_index(&mut self, entry: Entry<DeclaredIndex>) {
        let at = self.indexes.len();
        if let Some(name) = &entry.declared.name {
            if self.doubts == Doubts::Forget {
                for earlier in self.by_index.get(name).into_iter().flatten() {
                    self.indexes[*earlier] = None;
                }
            }
            self.by_index.entry(name.clone()).or_default().push(at);
        }
        self.by_table.entry(entry.declared.table.name.clone()).or_default().push(at);
        self.indexes.push(Some(entry));
    }

    fn add_view(&mut self, entry: Entry<DeclaredView>) {
        let name = entry.declared.name.name.clone();
        if self.doubts == Doubts::Forget {
            for earlier in self.by_view.get(&name).into_iter().flatten() {
                self.views[*earlier] = None;
            }
        }
        self.by_view.entry(name).or_default().push(self.views.len());
        self.queries.push(Said::of(&entry.declared.query));
        self.views.push(Some(entry));
    }

    /// DO and CALL: what they run is in a string or on the server.
    fn runs(&mut self, one: &Kept, passed: &mut Passed) -> Effect {
        let said = Said::of(&one.text);
        for setting in ["search_path", "role", "default_tablespace"] {
            if said.has(setting) && said.has_any(&["set", "set_config", "execute", "perform"]) {
                self.settings.doubt(setting, &one.source);
            }
        }
        if !said.has_any(&["drop", "alter", "execute", "perform"]) {
            return Effect::None;
        }
        if self.doubts == Doubts::Forget {
            self.forget_all();
            return Effect::Some;
        }
        let is_concerned =
            self.indexes.iter().any(Option::is_some) || self.views.iter().any(Option::is_some);
        let changes = said.has_any(&["drop", "alter"])
            && said.has_any(&["index", "table", "materialized", "schema", "view", "cascade"]);
        if is_concerned && (changes || said.has_any(&["execute"])) {
            let words = beginning(&one.text);
            let message = format!(
                "`{words} …` may take back or change what the files declare above it; pgtend does \
                 not know what it runs"
            );
            passed.push("not_followed", one.source.to_string(), message);
            return Effect::Some;
        }
        Effect::None
    }

    fn alters(&mut self, one: &Kept, passed: &mut Passed) -> Effect {
        let mut words = Words::of(&one.text);
        let mut alter = Alter { walk: self, one, passed, has_effect: false };
        if words.eat("drop") {
            alter.drop(&mut words);
        } else if words.eat("alter") {
            alter.alter(&mut words);
        } else {
            while words.eat_any(&["create", "or", "replace", "recursive", "view"]) {}
            let view = words.name();
            alter.grows(view.as_ref());
        }
        if alter.has_effect { Effect::Some } else { Effect::None }
    }
}

/// Whether names that follow in another session are read as if it had not been set: no name is found
/// in it, or it is the server's own (as Rails writes it below its dump).
fn leaves_nothing(path: &[String]) -> bool {
    path.iter().all(String::is_empty) || path == ["$user", "public"]
}

impl Kept {
    fn is_view(&self) -> bool {
        lexer::tokens(&self.text).take(2).any(|token| token.is(&self.text, "materialized"))
    }
}

/// The refusal of what a setting changes, at the place where it is set.
fn changed(setting: &Setting, name: &str, one: &Kept, way_out: &str) -> Problem {
    let words = beginning(&one.text);
    let message =
        format!("{name} is set here and changes what `{words} …` at {} means", one.source);
    Problem::new(&setting.source, message).hint(way_out)
}

/// The one value of the setting.
fn single(setting: &Setting, name: &str, one: &Kept) -> Result<String, Problem> {
    match &setting.value {
        Value::Items(items) if items.len() == 1 => Ok(items[0].clone()),
        _ => Err(changed(setting, name, one, "write the value into the statement")),
    }
}

/// A later statement about what was declared before it.
struct Alter<'w> {
    walk: &'w mut Walk,
    one: &'w Kept,
    passed: &'w mut Passed,
    has_effect: bool,
}

impl Alter<'_> {
    fn drop(&mut self, words: &mut Words<'_>) {
        if words.eat("owned") {
            return self.doubt_all("takes back");
        }
        let is_index = words.eat("index");
        let is_schema = words.eat("schema");
        if !is_index && !is_schema {
            words.eat_any(&["table", "materialized view", "view", "foreign table"]);
        }
        words.eat("concurrently");
        words.eat("if exists");
        let names = words.names();
        let cascades = words.has("cascade");
        for name in names {
            if is_schema {
                self.drop_schema(&name.name);
            } else if is_index {
                let name = self.placed(name);
                for at in self.indexes_named(&name) {
                    self.take_back_index(at);
                }
                self.drop_comments(&name);
            } else if name.schema.is_none() && self.walk.temporary.remove(&name.name) {
                self.has_effect = true;
            } else {
                let name = self.placed(name);
                self.drop_table(&name);
                if cascades {
                    self.lose_views(&[&name.name], "takes back");
                }
            }
        }
    }

    /// A name as the search path that is in force makes it.
    fn placed(&self, name: RelationName) -> RelationName {
        match self.walk.settings.get("search_path").map(|path| &path.value) {
            Some(Value::Items(items)) if name.schema.is_none() && items.len() == 1 => {
                RelationName { schema: items.first().cloned(), ..name }
            }
            _ => name,
        }
    }

    fn indexes_named(&self, name: &RelationName) -> Vec<usize> {
        let found = self.walk.by_index.get(&name.name).into_iter().flatten().copied();
        let found = found.filter(|at| {
            self.walk.indexes[*at].as_ref().is_some_and(|entry| {
                entry.declared.name.as_ref() == Some(&name.name)
                    && may_be_same(&entry.declared.table.schema, &name.schema)
            })
        });
        exact_or_all(found.collect(), |at| {
            let entry = self.walk.indexes[at].as_ref();
            entry.is_some_and(|entry| entry.declared.table.schema == name.schema)
        })
    }

    fn indexes_on(&self, table: &RelationName) -> Vec<usize> {
        let found = self.walk.by_table.get(&table.name).into_iter().flatten().copied();
        let found = found.filter(|at| {
            self.walk.indexes[*at].as_ref().is_some_and(|entry| {
                entry.declared.table.name == table.name
                    && may_be_same(&entry.declared.table.schema, &table.schema)
            })
        });
        found.collect()
    }

    fn views_named(&self, name: &RelationName) -> Vec<usize> {
        let found = self.walk.by_view.get(&name.name).into_iter().flatten().copied();
        let found = found.filter(|at| {
            self.walk.views[*at].as_ref().is_some_and(|entry| {
                entry.declared.name.name == name.name
                    && may_be_same(&entry.declared.name.schema, &name.schema)
            })
        });
        found.collect()
    }

    fn take_back_index(&mut self, at: usize) {
        let Some(entry) = self.walk.indexes[at].take() else { return };
        let DeclaredIndex { name, table, source, .. } = entry.declared;
        let name = name.unwrap_or_else(|| format!("an index on {table}"));
        self.say("taken_back", &format!("takes back {name}, which {source} declares"));
    }

    fn take_back_view(&mut self, at: usize) {
        let Some(entry) = self.walk.views[at].take() else { return };
        let DeclaredView { name, source, .. } = entry.declared;
        self.say("taken_back", &format!("takes back {name}, which {source} declares"));
    }

    fn say(&mut self, rule: &'static str, what: &str) {
        self.has_effect = true;
        let words = beginning(&self.one.text);
        let message = format!("`{words} …` {what}");
        self.passed.push(rule, self.one.source.to_string(), message);
    }

    fn drop_table(&mut self, name: &RelationName) {
        for at in self.indexes_on(name) {
            self.take_back_index(at);
        }
        for at in self.views_named(name) {
            self.take_back_view(at);
        }
        for entry in &mut self.walk.maintenance {
            let is_on = |entry: &Entry<DeclaredMaintenance>| {
                entry.declared.table.as_ref().is_some_and(|table| is_same(table, name))
            };
            if entry.as_ref().is_some_and(is_on) {
                *entry = None;
                self.has_effect = true;
            }
        }
        self.drop_comments(name);
    }

    fn drop_comments(&mut self, name: &RelationName) {
        for entry in &mut self.walk.comments {
            if entry.as_ref().is_some_and(|entry| is_same(&entry.declared.name, name)) {
                *entry = None;
            }
        }
    }

    fn drop_schema(&mut self, schema: &str) {
        let is_in = |other: &Option<String>| other.as_deref().unwrap_or("public") == schema;
        for at in 0..self.walk.indexes.len() {
            let entry = self.walk.indexes[at].as_ref();
            if entry.is_some_and(|entry| is_in(&entry.declared.table.schema)) {
                self.take_back_index(at);
            }
        }
        for at in 0..self.walk.views.len() {
            let entry = self.walk.views[at].as_ref();
            if entry.is_some_and(|entry| is_in(&entry.declared.name.schema)) {
                self.take_back_view(at);
            }
        }
        let gone = |name: Option<&RelationName>| name.is_some_and(|name| is_in(&name.schema));
        for entry in &mut self.walk.maintenance {
            if gone(entry.as_ref().and_then(|entry| entry.declared.table.as_ref())) {
                *entry = None;
            }
        }
        for entry in &mut self.walk.comments {
            if gone(entry.as_ref().map(|entry| &entry.declared.name)) {
                *entry = None;
            }
        }
    }

    /// All that is declared may be concerned.
    fn doubt_all(&mut self, what: &str) {
        if self.walk.doubts == Doubts::Forget {
            return self.walk.forget_all();
        }
        let is_any = self.walk.indexes.iter().any(Option::is_some)
            || self.walk.views.iter().any(Option::is_some);
        if is_any {
            self.say("not_followed", &format!("{what} what pgtend cannot tell from the files"));
        }
    }

    fn alter(&mut self, words: &mut Words<'_>) {
        if words.eat("schema") {
            let Some(name) = words.part() else { return };
            if words.eat("rename to")
                && let Some(new) = words.part()
            {
                self.rename_schema(&name, &new);
            }
            return;
        }
        let is_index = words.eat("index");
        let is_view = !is_index && words.eat("materialized view");
        if !is_index && !is_view {
            words.eat_any(&["table", "foreign table", "view"]);
        }
        if words.eat("all in tablespace") {
            if is_index {
                self.doubt_all("moves");
            }
            return;
        }
        words.eat("if exists");
        words.eat("only");
        let Some(name) = words.name() else { return };
        let name = self.placed(name);
        words.eat_char("*");
        if is_index {
            return self.alter_index(&name, words);
        }
        loop {
            self.action(&name, words);
            if !words.skip_to_comma() {
                break;
            }
        }
    }

    fn alter_index(&mut self, name: &RelationName, words: &mut Words<'_>) {
        if words.eat("rename to") {
            if let Some(new) = words.part() {
                self.rename_indexes(name, &new);
            }
        } else if words.eat("set tablespace") {
            let Some(tablespace) = words.part() else { return };
            for at in self.indexes_named(name) {
                if let Some(entry) = &mut self.walk.indexes[at] {
                    move_index(&mut entry.declared, &tablespace);
                    self.has_effect = true;
                }
            }
        } else if words.eat_any(&["set", "reset"]) {
            for at in self.indexes_named(name) {
                self.lose_index(at, "changes");
            }
        }
    }

    fn rename_indexes(&mut self, name: &RelationName, new: &str) {
        for at in self.indexes_named(name) {
            if let Some(entry) = &mut self.walk.indexes[at] {
                entry.declared.name = Some(new.to_owned());
                self.has_effect = true;
                self.walk.by_index.entry(new.to_owned()).or_default().push(at);
            }
        }
        self.rename_comments(name, new);
    }

    fn rename_comments(&mut self, name: &RelationName, new: &str) {
        for entry in self.walk.comments.iter_mut().flatten() {
            if is_same(&entry.declared.name, name) {
                entry.declared.name.name = new.to_owned();
            }
        }
    }

    /// One action of ALTER TABLE, ALTER MATERIALIZED VIEW or ALTER VIEW.
    fn action(&mut self, name: &RelationName, words: &mut Words<'_>) {
        if words.eat("rename to") {
            if let Some(new) = words.part() {
                // The statement for tables takes indexes, too.
                self.rename_indexes(name, &new);
                self.rename_table(name, &new);
            }
        } else if words.eat("rename constraint") {
        } else if words.eat("rename") {
            words.eat("column");
            if let Some(old) = words.part()
                && words.eat("to")
                && let Some(new) = words.part()
            {
                self.rename_column(name, &old, &new);
            }
        } else if words.eat("set schema") {
            if let Some(schema) = words.part() {
                self.move_table(name, &schema);
            }
        } else if words.eat("drop") {
            words.eat("column");
            words.eat("if exists");
            if words.eat("constraint") {
                return;
            }
            if let Some(column) = words.part() {
                self.drop_column(name, &column);
            }
        } else if words.eat("add") {
            self.add(name, words);
        } else if words.eat("alter") {
            words.eat("column");
            let column = words.part().unwrap_or_default();
            if words.eat_any(&["type", "set data type"]) && self.walk.doubts == Doubts::Forget {
                self.forget_column(name, &column);
            }
        }
    }

    fn add(&mut self, name: &RelationName, words: &mut Words<'_>) {
        if words.eat("constraint") {
            words.part();
        }
        if words.eat_any(&["unique using index", "primary key using index"]) {
            if let Some(index) = words.part() {
                let index = RelationName { schema: name.schema.clone(), name: index };
                for at in self.indexes_named(&index) {
                    self.take_back_index(at);
                }
            }
        } else if !words.eat_any(&["check", "foreign", "unique", "primary", "exclude", "table"]) {
            self.grows(Some(name));
        }
    }

    /// A star in a query stands for more columns than it did.
    fn grows(&mut self, name: Option<&RelationName>) {
        let Some(name) = name else { return };
        for at in 0..self.walk.views.len() {
            let entry = self.walk.views[at].as_ref();
            let reads = self.walk.queries[at].has(&name.name);
            let has_star = |view: &DeclaredView| view.query.replace("(*)", "").contains('*');
            if reads && entry.is_some_and(|entry| has_star(&entry.declared)) {
                self.lose_view(at, "changes what * stands for in");
            }
        }
    }

    fn rename_table(&mut self, name: &RelationName, new: &str) {
        for at in self.indexes_on(name) {
            if let Some(entry) = &mut self.walk.indexes[at] {
                entry.declared.table.name = new.to_owned();
                self.walk.by_table.entry(new.to_owned()).or_default().push(at);
                self.has_effect = true;
            }
        }
        for at in self.views_named(name) {
            if let Some(entry) = &mut self.walk.views[at] {
                entry.declared.name.name = new.to_owned();
                self.walk.by_view.entry(new.to_owned()).or_default().push(at);
                self.has_effect = true;
            }
        }
        self.each_table(name, |table| table.name = new.to_owned());
        self.lose_views(&[&name.name], "renames what is read by");
    }

    fn move_table(&mut self, name: &RelationName, schema: &str) {
        for at in self.indexes_on(name) {
            if let Some(entry) = &mut self.walk.indexes[at] {
                entry.declared.table.schema = Some(schema.to_owned());
                self.has_effect = true;
            }
        }
        for at in self.views_named(name) {
            if let Some(entry) = &mut self.walk.views[at] {
                entry.declared.name.schema = Some(schema.to_owned());
                self.has_effect = true;
            }
        }
        self.each_table(name, |table| table.schema = Some(schema.to_owned()));
        self.lose_views(&[&name.name], "moves what is read by");
    }

    /// Changes the name where comments and maintenance bear it.
    fn each_table(&mut self, name: &RelationName, change: impl Fn(&mut RelationName)) {
        for entry in self.walk.maintenance.iter_mut().flatten() {
            if let Some(table) = entry.declared.table.as_mut().filter(|table| is_same(table, name))
            {
                change(table);
            }
        }
        for entry in self.walk.comments.iter_mut().flatten() {
            if is_same(&entry.declared.name, name) {
                change(&mut entry.declared.name);
            }
        }
    }

    fn rename_schema(&mut self, old: &str, new: &str) {
        let change = |schema: &mut Option<String>| {
            let is_it = schema.as_deref() == Some(old);
            if is_it {
                *schema = Some(new.to_owned());
            }
            is_it
        };
        for entry in self.walk.indexes.iter_mut().flatten() {
            self.has_effect |= change(&mut entry.declared.table.schema);
        }
        for entry in self.walk.views.iter_mut().flatten() {
            self.has_effect |= change(&mut entry.declared.name.schema);
        }
        for entry in self.walk.comments.iter_mut().flatten() {
            change(&mut entry.declared.name.schema);
        }
        for table in self.walk.maintenance.iter_mut().flatten() {
            table.declared.table.as_mut().map(|table| change(&mut table.schema));
        }
        self.lose_views(&[old], "renames what is read by");
    }

    /// The indexes on the table, and whether the column's name occurs in them.
    fn using_column(&self, table: &RelationName, column: &str) -> Vec<usize> {
        let uses = |at: &usize| {
            let entry = self.walk.indexes[*at].as_ref();
            entry.is_some_and(|entry| Said::of(&entry.declared.definition).has(column))
        };
        self.indexes_on(table).into_iter().filter(uses).collect()
    }

    fn rename_column(&mut self, table: &RelationName, old: &str, new: &str) {
        for at in self.using_column(table, old) {
            let Some(entry) = &mut self.walk.indexes[at] else { continue };
            if !rename_column(&mut entry.declared, old, new) {
                self.lose_index(at, "renames a column in");
            }
            self.has_effect = true;
        }
        self.lose_views(&[&table.name, old], "renames a column in");
        for at in self.views_named(table) {
            self.lose_view(at, "renames a column of");
        }
    }

    fn drop_column(&mut self, table: &RelationName, column: &str) {
        for at in self.using_column(table, column) {
            self.take_back_index(at);
        }
        self.lose_views(&[&table.name, column], "drops a column in");
    }

    /// What becomes of an expression when a type changes is not told by the text.
    fn forget_column(&mut self, table: &RelationName, column: &str) {
        for at in self.using_column(table, column) {
            self.walk.indexes[at] = None;
        }
        self.lose_views(&[&table.name], "changes a column in");
    }

    /// The views whose queries have these words are not what their statements say any more.
    fn lose_views(&mut self, words: &[&str], what: &str) {
        for at in 0..self.walk.views.len() {
            if words.iter().all(|word| self.walk.queries[at].has(word)) {
                self.lose_view(at, what);
            }
        }
    }

    fn lose_view(&mut self, at: usize, what: &str) {
        if let Some(entry) = self.walk.views[at].take() {
            let DeclaredView { name, source, .. } = entry.declared;
            self.lost(what, &name.to_string(), &source);
        }
    }

    fn lose_index(&mut self, at: usize, what: &str) {
        if let Some(entry) = self.walk.indexes[at].take() {
            let DeclaredIndex { name, table, source, .. } = entry.declared;
            let name = name.unwrap_or_else(|| format!("an index on {table}"));
            self.lost(what, &name, &source);
        }
    }

    fn lost(&mut self, what: &str, name: &str, source: &Source) {
        let what = format!("{what} {name}; what {source} declares is not looked after");
        self.say("not_followed", &what);
    }
}

fn move_index(index: &mut DeclaredIndex, tablespace: &str) {
    index.definition = definition::with_tablespace(&index.definition, &quote_ident(tablespace));
    index.tablespace = Some(tablespace.to_owned());
}

/// Whether it can be told where the column stands.
fn rename_column(index: &mut DeclaredIndex, old: &str, new: &str) -> bool {
    let Some(definition) = definition::with_column(&index.definition, old, new) else {
        return false;
    };
    index.definition = definition;
    for column in index.columns.iter_mut().flatten().filter(|column| *column == old) {
        new.clone_into(column);
    }
    true
}

fn may_be_same(one: &Option<String>, other: &Option<String>) -> bool {
    one.is_none() || other.is_none() || one == other
}

fn is_same(one: &RelationName, other: &RelationName) -> bool {
    one.name == other.name && may_be_same(&one.schema, &other.schema)
}

/// Where one is meant exactly, the others are not.
fn exact_or_all(found: Vec<usize>, is_exact: impl Fn(usize) -> bool) -> Vec<usize> {
    let exact = found.iter().copied().filter(|at| is_exact(*at)).collect::<Vec<_>>();
    if exact.is_empty() { found } else { exact }
}

/// The words of an SQL text in small letters, without quotes; also those of strings, in which DO
/// keeps its statements.
struct Said {
    known: HashSet<String>,
}

impl Said {
    fn of(text: &str) -> Said {
        Said { known: words(text).collect() }
    }

    /// Whether a name occurs, or all the words that it is made of.
    fn has(&self, name: &str) -> bool {
        words(name).all(|word| self.known.contains(&word))
    }

    fn has_any(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.known.contains(*word))
    }
}

fn words(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    words.filter(|word| !word.is_empty()).map(str::to_lowercase)
}

//! Goes through the statements of the files in psql's order: what each declares, under which
//! settings, and what later ones take back, rename and move.

mod alter;
mod names;
mod session;

use std::collections::{HashMap, HashSet};

use super::check::Problem;
use super::parse::{self, Declared};
use super::passed::{Passed, beginning};
use super::settings::{
    DeclaredSetting, READ_OTHERWISE, SessionSettings, SettingOutcome, SettingValue,
};
use super::statement::{Class, Words};
use super::transactions::fate;
use super::{DeclaredComment, DeclaredIndex, DeclaredMaintenance, DeclaredView};
use crate::pg::name::{RelationName, quote_ident};
use crate::syntax::lexer;
use alter::{Alter, move_index};
use names::Said;
pub use session::DeclarationSession;
use session::KeptStatement;

/// A declared thing, and what is known of its place.
#[derive(Debug, Clone)]
pub struct Entry<T> {
    pub declared: T,
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
    Set(DeclaredSetting),
}

/// The walk so far.
pub struct Walk {
    /// CREATE INDEX; `None` where it was taken back.
    pub indexes: Vec<Option<Entry<DeclaredIndex>>>,
    /// CREATE MATERIALIZED VIEW.
    pub views: Vec<Option<Entry<DeclaredView>>>,
    /// COMMENT ON.
    pub comments: Vec<Option<Entry<DeclaredComment>>>,
    /// ANALYZE and VACUUM.
    pub maintenance: Vec<Option<Entry<DeclaredMaintenance>>>,
    pub problems: Vec<Problem>,
    by_index: HashMap<String, Vec<usize>>,
    by_table: HashMap<String, Vec<usize>>,
    by_view: HashMap<String, Vec<usize>>,
    /// The words of the views' queries.
    queries: Vec<Said>,
    settings: SessionSettings,
    temporary: HashSet<String>,
    /// A search path that an earlier file has set, if that names any schema.
    left_over: Option<DeclaredSetting>,
}

/// Whether a statement had an effect, or is to be passed over.
#[derive(PartialEq, Eq)]
enum Effect {
    Some,
    None,
}

impl Walk {
    /// Nothing is declared yet.
    pub fn new() -> Self {
        Walk {
            indexes: Vec::new(),
            views: Vec::new(),
            comments: Vec::new(),
            maintenance: Vec::new(),
            problems: Vec::new(),
            by_index: HashMap::new(),
            by_table: HashMap::new(),
            by_view: HashMap::new(),
            queries: Vec::new(),
            settings: SessionSettings::default(),
            temporary: HashSet::new(),
            left_over: None,
        }
    }

    /// Walks through a session's statements.
    pub fn session(&mut self, session: DeclarationSession, passed: &mut Passed) {
        let DeclarationSession { kept, problems } = session;
        self.problems.extend(problems);
        let transacts = |kept: &KeptStatement| kept.class == Class::Transacts;
        let fate = fate(kept.iter().map(|one| transacts(one).then_some(one.text.as_ref())));
        if let Some(open) = fate.open
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
                    passed.note(&one.source, format!("skipped: {words} … is rolled back"));
                    continue;
                }
                _ if is_rolled_back => Effect::None,
                _ => self.statement(&one, passed),
            };
            if one.class != Class::Declares && (effect == Effect::None || passed.refuses()) {
                self.problems.extend(passed.statement(&one.source, &one.text, one.has_rows));
            }
        }
        self.end_session();
    }

    fn end_session(&mut self) {
        if let Some(path) = self.settings.get("search_path")
            && !matches!(&path.value, SettingValue::Items(items) if leaves_nothing(items))
        {
            self.left_over = Some(path.clone());
        }
        self.settings = SessionSettings::default();
        self.temporary.clear();
    }

    fn statement(&mut self, one: &KeptStatement, passed: &mut Passed) -> Effect {
        match one.class {
            Class::Declares => self.declares(one, passed),
            Class::Sets => match self.settings.statement(&one.text, &one.source) {
                SettingOutcome::Followed => Effect::Some,
                SettingOutcome::Unimportant => Effect::None,
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

    fn declares(&mut self, one: &KeptStatement, passed: &mut Passed) -> Effect {
        let declared = match parse::declared(&one.text, &one.source) {
            Ok(declared) => declared,
            Err(problem) => {
                self.problems.push(problem);
                return Effect::Some;
            }
        };
        for declared in declared {
            if let Err(problem) = self.declare(declared, one, passed) {
                self.problems.push(problem);
            }
        }
        Effect::Some
    }

    fn declare(
        &mut self,
        declared: Declared,
        one: &KeptStatement,
        passed: &mut Passed,
    ) -> Result<(), Problem> {
        match declared {
            Declared::Index(mut index) => {
                if self.is_temporary(&index.table) {
                    let message =
                        format!("skipped: an index on the temporary table {}", index.table);
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
                self.add_index(Entry { declared: index, path });
            }
            Declared::View(mut view) => {
                let Some(path) = self.path(&mut view.name, true, one)? else {
                    return Ok(());
                };
                self.require_literals(one)?;
                if let Some(role) = self.role() {
                    return Err(changed(role, "SET ROLE", one, "let that role run pgtend"));
                }
                self.store(&mut view, one)?;
                self.add_view(Entry { declared: view, path });
            }
            Declared::Comment(mut comment) => {
                if let Some(path) = self.path(&mut comment.name, false, one)? {
                    let entry = Entry { declared: comment, path };
                    self.comments.push(Some(entry));
                }
            }
            Declared::Maintenance(all) => {
                for declared in all {
                    self.maintain(declared, one)?;
                }
            }
        }
        Ok(())
    }

    fn maintain(
        &mut self,
        mut declared: DeclaredMaintenance,
        one: &KeptStatement,
    ) -> Result<(), Problem> {
        let path = match &mut declared.table {
            Some(table) if self.is_temporary(table) => None,
            Some(table) => self.path(table, false, one)?,
            None => Some(Path::Free),
        };
        self.maintenance.extend(path.map(|path| Some(Entry { declared, path })));
        Ok(())
    }

    fn is_temporary(&self, name: &RelationName) -> bool {
        match name.schema.as_deref() {
            None => self.temporary.contains(&name.name),
            Some(schema) => schema == "pg_temp",
        }
    }

    fn role(&self) -> Option<&DeclaredSetting> {
        self.settings.get("role").or_else(|| self.settings.get("session_authorization"))
    }

    /// The search path that the declaration stands under; a name that it leaves no choice is given
    /// its schema. `None`: it is not known and left out.
    fn path(
        &mut self,
        name: &mut RelationName,
        has_other_names: bool,
        one: &KeptStatement,
    ) -> Result<Option<Path>, Problem> {
        const WAY_OUT: &str = "qualify the names";
        let is_bare = name.schema.is_none();
        let needs_path = is_bare || has_other_names;
        let path = self.settings.get("search_path");
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
            SettingValue::Items(items) => {
                items.iter().filter(|item| !item.is_empty()).collect::<Vec<_>>()
            }
            SettingValue::Unknown if needs_path => {
                return Err(changed(path, "search_path", one, WAY_OUT));
            }
            SettingValue::Unknown => return Ok(Some(Path::Free)),
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
    fn require_literals(&self, one: &KeptStatement) -> Result<(), Problem> {
        for name in READ_OTHERWISE {
            let Some(setting) = self.settings.get(name) else {
                continue;
            };
            let is_always = matches!(name, "standard_conforming_strings" | "client_encoding")
                || name == "transform_null_equals";
            let has_text =
                || lexer::tokens(&one.text).any(|token| token.kind == lexer::TokenKind::Text);
            if is_always || has_text() {
                return Err(changed(setting, name, one, "take the setting out of the file"));
            }
        }
        Ok(())
    }

    fn store(&self, view: &mut DeclaredView, one: &KeptStatement) -> Result<(), Problem> {
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
            self.by_index.entry(name.clone()).or_default().push(at);
        }
        self.by_table.entry(entry.declared.table.name.clone()).or_default().push(at);
        self.indexes.push(Some(entry));
    }

    fn add_view(&mut self, entry: Entry<DeclaredView>) {
        let name = entry.declared.name.name.clone();
        self.by_view.entry(name).or_default().push(self.views.len());
        self.queries.push(Said::of(&entry.declared.query));
        self.views.push(Some(entry));
    }

    /// DO and CALL: what they run is in a string or on the server.
    fn runs(&mut self, one: &KeptStatement, passed: &mut Passed) -> Effect {
        let said = Said::of(&one.text);
        for setting in ["search_path", "role", "default_tablespace"] {
            if said.has(setting) && said.has_any(&["set", "set_config", "execute", "perform"]) {
                self.settings.doubt(setting, &one.source);
            }
        }
        if !said.has_any(&["drop", "alter", "execute", "perform"]) {
            return Effect::None;
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

    fn alters(&mut self, one: &KeptStatement, passed: &mut Passed) -> Effect {
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

/// The refusal of what a setting changes, at the place where it is set.
fn changed(setting: &DeclaredSetting, name: &str, one: &KeptStatement, way_out: &str) -> Problem {
    let words = beginning(&one.text);
    let message =
        format!("{name} is set here and changes what `{words} …` at {} means", one.source);
    Problem::new(&setting.source, message).hint(way_out)
}

/// The one value of the setting.
fn single(setting: &DeclaredSetting, name: &str, one: &KeptStatement) -> Result<String, Problem> {
    match &setting.value {
        SettingValue::Items(items) if items.len() == 1 => Ok(items[0].clone()),
        _ => Err(changed(setting, name, one, "write the value into the statement")),
    }
}

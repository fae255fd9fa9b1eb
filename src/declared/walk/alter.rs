//! What later statements take back, rename and move of what was declared before.

use super::names::{Said, exact_or_all, is_same, may_be_same};
use super::{Entry, KeptStatement, Walk};
use crate::declared::passed::{Passed, beginning};
use crate::declared::settings::SettingValue;
use crate::declared::statement::Words;
use crate::declared::{DeclaredIndex, DeclaredMaintenance, DeclaredView, Source, definition};
use crate::pg::name::{RelationName, quote_ident};

/// A later statement about what was declared before it.
pub(super) struct Alter<'w> {
    pub walk: &'w mut Walk,
    pub one: &'w KeptStatement,
    pub passed: &'w mut Passed,
    pub has_effect: bool,
}

impl Alter<'_> {
    pub fn drop(&mut self, words: &mut Words<'_>) {
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
            Some(SettingValue::Items(items)) if name.schema.is_none() && items.len() == 1 => {
                RelationName { schema: items.first().cloned(), ..name }
            }
            _ => name,
        }
    }

    fn indexes_named(&self, name: &RelationName) -> Vec<usize> {
        let found =
            self.walk.by_index.get(&name.name).into_iter().flatten().copied().filter(|at| {
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
        let found =
            self.walk.by_table.get(&table.name).into_iter().flatten().copied().filter(|at| {
                self.walk.indexes[*at].as_ref().is_some_and(|entry| {
                    entry.declared.table.name == table.name
                        && may_be_same(&entry.declared.table.schema, &table.schema)
                })
            });
        found.collect()
    }

    fn views_named(&self, name: &RelationName) -> Vec<usize> {
        let found = self.walk.by_view.get(&name.name).into_iter().flatten().copied().filter(|at| {
            self.walk.views[*at].as_ref().is_some_and(|entry| {
                entry.declared.name.name == name.name
                    && may_be_same(&entry.declared.name.schema, &name.schema)
            })
        });
        found.collect()
    }

    fn take_back_index(&mut self, at: usize) {
        let Some(entry) = self.walk.indexes[at].take() else {
            return;
        };
        let DeclaredIndex { name, table, source, .. } = entry.declared;
        let what = name.unwrap_or_else(|| format!("an index on {table}"));
        self.say("taken_back", &format!("takes back {what}, which {source} declares"));
    }

    fn take_back_view(&mut self, at: usize) {
        let Some(entry) = self.walk.views[at].take() else {
            return;
        };
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
        let is_any = self.walk.indexes.iter().any(Option::is_some)
            || self.walk.views.iter().any(Option::is_some);
        if is_any {
            self.say("not_followed", &format!("{what} what pgtend cannot tell from the files"));
        }
    }

    pub fn alter(&mut self, words: &mut Words<'_>) {
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
            let Some(tablespace) = words.part() else {
                return;
            };
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
    pub fn grows(&mut self, name: Option<&RelationName>) {
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
            let Some(entry) = &mut self.walk.indexes[at] else {
                continue;
            };
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
            let index = name.unwrap_or_else(|| format!("an index on {table}"));
            self.lost(what, &index, &source);
        }
    }

    fn lost(&mut self, what: &str, name: &str, source: &Source) {
        let what = format!("{what} {name}; what {source} declares is not looked after");
        self.say("not_followed", &what);
    }
}

pub(super) fn move_index(index: &mut DeclaredIndex, tablespace: &str) {
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

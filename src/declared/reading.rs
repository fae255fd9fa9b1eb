//! From the paths that the user names to one declaration.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::check::{self, Problem};
use super::files::{self, SqlFile};
use super::migrations::{self, Asked, Layout, Loaded, Script};
use super::parse::Others;
use super::passed::Passed;
use super::prisma;
use super::psql::{PsqlReader, PsqlText};
use super::settings::{DeclaredSetting, SettingValue};
use super::walk::{self, DeclarationSession, Entry, Walk};
use super::{Declaration, DeclaredPath, Source};
use crate::failure::Result;
use crate::pg::name::quote_ident;

/// Reads the files and folders (`*.sql`, sorted, sub-folders too; `-` is standard input) as psql
/// would, and understands what concerns declarations. Of a migration folder it takes what its tool
/// would apply, in the tool's order. All `*.prisma` are one Prisma schema.
///
/// # Errors
/// `Usage` where a path is missing or holds no SQL; `Declaration` naming file and line of every
/// syntax error, of every statement that declares nothing (unless [`Others::Ignore`]), of what
/// psql would read otherwise, of a name that PostgreSQL would cut, and of two definitions for one
/// name.
pub fn load<P: AsRef<Path>>(paths: &[P], others: Others) -> Result<Declaration> {
    let mut reading = Reading::new(others);
    let (schema, sql) = without_prisma(paths)?;
    for piece in pieces(&sql)? {
        reading.piece(&piece)?;
    }
    reading.schema = schema;
    reading.finish()
}

/// The files of the Prisma schema, and the paths that name or hold SQL.
fn without_prisma<P: AsRef<Path>>(paths: &[P]) -> Result<(Vec<SqlFile>, Vec<&Path>)> {
    let (mut schema, mut sql) = (Vec::new(), Vec::new());
    for path in paths.iter().map(AsRef::as_ref) {
        let found = files::find_prisma(path)?;
        let mut beside = Vec::new();
        if path.is_dir() && !found.is_empty() {
            files::find_below(path, &mut beside)?;
        }
        if found.is_empty() || !beside.is_empty() {
            sql.push(path);
        }
        schema.extend(found);
    }
    let schema = if schema.is_empty() {
        schema
    } else {
        files::find_all(&schema)?
    };
    let models = schema.iter().map(|path| files::read_one(path));
    Ok((models.collect::<Result<_>>()?, sql))
}

/// Understands files that are read already.
///
/// # Errors
/// As [`load`], but for reading.
pub fn understand(files: &[SqlFile], others: Others) -> Result<Declaration> {
    let mut reading = Reading::new(others);
    for file in files {
        let SqlFile { name, text } = file;
        if name.ends_with(".prisma") {
            reading.schema.push(file.clone());
            continue;
        }
        reading.text(PsqlText { name, path: None, first_line: 1, text, rows_are_apart: false });
    }
    reading.finish()
}

/// The reading of one text after the other.
struct Reading {
    reader: PsqlReader,
    walk: Walk,
    /// The Prisma schema.
    schema: Vec<SqlFile>,
}

impl Reading {
    fn new(others: Others) -> Self {
        let (reader, walk) = (PsqlReader::new(Passed::new(others)), Walk::new());
        Reading { reader, walk, schema: Vec::new() }
    }

    fn piece(&mut self, piece: &ReadingPiece) -> Result<()> {
        match piece {
            ReadingPiece::File(path) => {
                let file = files::read_one(path)?;
                let path = (path != Path::new("-")).then_some(path.as_path());
                let (name, text) = (&file.name, file.text.as_str());
                self.text(PsqlText { name, path, first_line: 1, text, rows_are_apart: false });
            }
            ReadingPiece::Script(Script { file, first_line, text, rows, .. }) => {
                let name = Arc::from(file.display().to_string());
                let rows_are_apart = !rows.is_empty();
                self.text(PsqlText {
                    name: &name,
                    path: Some(file),
                    first_line: *first_line,
                    text,
                    rows_are_apart,
                });
            }
        }
        Ok(())
    }

    fn text(&mut self, text: PsqlText<'_>) {
        let mut session = DeclarationSession::default();
        self.reader.read(text, &mut |statement, passed| session.hear(statement, passed));
        self.walk.session(session, &mut self.reader.passed);
    }

    fn finish(self) -> Result<Declaration> {
        let PsqlReader { mut passed, mut problems, included, .. } = self.reader;
        let mut walk = self.walk;
        passed.finish();
        let schema = prisma::understand(&self.schema);
        problems.extend(schema.problems);
        passed.warnings.extend(schema.warnings);
        // Behind those of SQL, whose names win.
        walk.indexes.extend(schema.indexes.into_iter().map(|declared| {
            let is_free = declared.table.schema.is_some() && declared.plain;
            let path = if is_free { walk::Path::Free } else { walk::Path::Users };
            Some(Entry { declared, path })
        }));
        let search_path = search_path(&walk, &mut problems);
        problems.extend(walk.problems);
        let mut declaration = Declaration {
            indexes: declared(walk.indexes),
            views: declared(walk.views),
            comments: declared(walk.comments),
            maintenance: declared(walk.maintenance),
            search_path,
            warnings: passed.warnings,
        };
        check::cut_names(&mut declaration);
        check::twice(&mut declaration, &mut problems);
        check::report(problems, &included)?;
        Ok(declaration)
    }
}

/// What is read in one go.
enum ReadingPiece {
    /// A file as psql would read it.
    File(PathBuf),
    /// What a tool would apply of a file.
    Script(Script),
}

fn pieces<P: AsRef<Path>>(paths: &[P]) -> Result<Vec<ReadingPiece>> {
    let mut pieces = Vec::new();
    let mut rest = paths.iter().map(AsRef::as_ref).collect::<Vec<_>>().into_iter().peekable();
    while let Some(path) = rest.next() {
        let mut group = vec![path];
        if path != Path::new("-") && !path.is_dir() {
            let is_beside = |next: &&Path| next.parent() == path.parent() && !next.is_dir();
            while let Some(next) = rest.next_if(is_beside) {
                group.push(next);
            }
        }
        add_group(&group, &mut pieces)?;
    }
    let mut seen = std::collections::HashSet::new();
    pieces.retain(|piece| match piece {
        ReadingPiece::File(path) => {
            seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone()))
        }
        ReadingPiece::Script(_) => true,
    });
    Ok(pieces)
}

/// A folder, or files of one.
fn add_group(group: &[&Path], pieces: &mut Vec<ReadingPiece>) -> Result<()> {
    if group == [Path::new("-")] {
        pieces.push(ReadingPiece::File(PathBuf::from("-")));
        return Ok(());
    }
    // What is missing or no file at all is said in the words of files.
    let found = files::find_all(group)?;
    if !group.iter().any(|path| path.is_dir()) && !files::look_like_migrations(&found)? {
        pieces.extend(found.into_iter().map(ReadingPiece::File));
        return Ok(());
    }
    let Loaded { layout, migrations, .. } = migrations::load(group, &Asked::default())?;
    pieces.extend(migrations.into_iter().map(|migration| match layout {
        Layout::Plain => ReadingPiece::File(migration.up.file),
        _ => ReadingPiece::Script(migration.up),
    }));
    Ok(())
}

fn declared<T>(entries: Vec<Option<Entry<T>>>) -> Vec<T> {
    entries.into_iter().flatten().map(|entry| entry.declared).collect()
}

/// The one search path in which the names of all that is declared stand; `None` for that of the
/// session. There is one for all.
fn search_path(walk: &Walk, problems: &mut Vec<Problem>) -> Option<DeclaredPath> {
    let indexes = walk.indexes.iter().flatten().map(|entry| (&entry.path, &entry.declared.source));
    let views = walk.views.iter().flatten().map(|entry| (&entry.path, &entry.declared.source));
    let comments = walk
        .comments
        .iter()
        .flatten()
        .map(|entry| (&entry.path, &entry.declared.source));
    let maintenance = walk
        .maintenance
        .iter()
        .flatten()
        .map(|entry| (&entry.path, &entry.declared.source));
    let mut users = None::<&Source>;
    let mut set = None::<(&DeclaredSetting, String)>;
    for (path, source) in indexes.chain(views).chain(comments).chain(maintenance) {
        let (setting, other) = match (path, &set, users) {
            (walk::Path::Free, ..) => continue,
            (walk::Path::Users, Some((setting, _)), _) => (*setting, source),
            (walk::Path::Users, None, _) => {
                users = users.or(Some(source));
                continue;
            }
            (walk::Path::Set(setting), _, Some(users)) => (setting, users),
            (walk::Path::Set(setting), None, None) => {
                set = Some((setting, written(setting)));
                continue;
            }
            (walk::Path::Set(setting), Some((first, text)), None) => {
                if *text == written(setting) {
                    continue;
                }
                (setting, &first.source)
            }
        };
        let message = format!(
            "the search_path that is set here is another one than at {other}; pgtend takes one for \
             all names without schema"
        );
        problems.push(Problem::new(&setting.source, message).hint("qualify the names"));
        return None;
    }
    set.map(|(setting, text)| DeclaredPath { text, source: setting.source.clone() })
}

/// The path as a setting holds it.
fn written(setting: &DeclaredSetting) -> String {
    match &setting.value {
        SettingValue::Items(items) => {
            items.iter().map(|item| quote_ident(item)).collect::<Vec<_>>().join(", ")
        }
        SettingValue::Unknown => String::new(),
    }
}

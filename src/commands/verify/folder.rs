//! What the user's files say.

use std::path::Path;

use super::Args;
use crate::declared::changed::Changed;
use crate::declared::migrations::{self, Layout, Migration, Script, Wrapping};
use crate::failure::{Failure, Result};
use crate::plan::verify::{Existing, Extensions};

/// The migrations and what is there before them.
#[derive(Clone)]
pub struct Folder {
    /// How they are laid out.
    pub layout: Layout,
    /// What is there before them.
    pub base: Option<Script>,
    /// In their order.
    pub migrations: Vec<Migration>,
    /// Which files have changed, if only these are asked for.
    pub changed: Option<Changed>,
}

impl Folder {
    /// Reads them.
    ///
    /// # Errors
    /// As [`migrations::load`] and [`Changed::since`].
    pub fn read(args: &Args) -> Result<Folder> {
        let base = args.base.as_deref().map(read_base).transpose()?;
        let (layout, migrations) = migrations::load(&args.paths, args.layout)?;
        let changed = args.since.as_ref().map(|commit| Changed::since(commit, &args.paths));
        Ok(Folder { layout, base, migrations, changed: changed.transpose()? })
    }

    /// Which tables were there before: what is new is deployed at once.
    pub fn existing(&self) -> Existing {
        match &self.changed {
            Some(changed) => {
                let first = changed.of(&self.migrations).into_iter().min();
                Existing::Before(first.unwrap_or(self.migrations.len()))
            }
            None if self.base.is_some() => Existing::Before(0),
            None => Existing::BeforeEach,
        }
    }

    /// What is sent before and for the migrations.
    pub fn scripts(&self) -> impl Iterator<Item = &Script> + Clone {
        self.base.iter().chain(self.migrations.iter().map(|migration| &migration.up))
    }

    /// The same without what is said of extensions that are missing.
    pub fn without_missing(&self, extensions: &Extensions) -> Folder {
        let skip = |script: &Script| extensions.skipped_in(script);
        let migrations = self.migrations.iter().map(|migration| Migration {
            name: migration.name.clone(),
            up: skip(&migration.up),
            down: migration.down.as_ref().map(skip),
        });
        let base = self.base.as_ref().map(skip);
        Folder { base, migrations: migrations.collect(), ..self.clone() }
    }
}

/// As one message: what `pg_dump` writes needs no more. The commands for psql with which it frames
/// its dumps since 2025 are left out.
fn read_base(path: &Path) -> Result<Script> {
    let (_, base) = migrations::load(&[path], Some(Layout::Plain))?;
    let [Migration { up, .. }] = base.as_slice() else {
        return Err(Failure::usage(format!("--base {}: one file is needed", path.display())));
    };
    let lines = up.text.split_inclusive('\n');
    let framed = |line: &str| line.starts_with("\\restrict") || line.starts_with("\\unrestrict");
    let text = lines.map(|line| if framed(line) { "\n" } else { line }).collect();
    Ok(Script { text, wrapping: Wrapping::OneMessage, ..up.clone() })
}

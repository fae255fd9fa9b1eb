//! What the user's files say.

use std::path::{Path, PathBuf};

use super::plan::{ExistingTables, Extensions, LaidOut};
use super::{Args, Context};
use crate::declared::changed::Changed;
use crate::declared::migrations::{self, Asked, Layout, Migration, Script, Wrapping};
use crate::failure::{Failure, Result};

/// The migrations and what is there before them.
#[derive(Clone)]
pub struct Folder {
    /// How they are laid out.
    pub laid_out: LaidOut,
    /// What the preset brings, before the base.
    pub preset: Option<Script>,
    /// What is there before them.
    pub base: Option<Script>,
    /// In their order.
    pub migrations: Vec<Migration>,
    /// Which files have changed, if only these are asked for.
    pub changed: Option<Changed>,
    /// Where they were found below the folder that the user has named.
    pub found_in: Option<PathBuf>,
    /// What the tool would do that is not done here.
    pub warnings: Vec<String>,
}

impl Folder {
    /// Reads them.
    ///
    /// # Errors
    /// As [`migrations::load`] and [`Changed::since`].
    pub fn read(context: &Context, args: &Args) -> Result<Folder> {
        let base = args.base.as_deref().map(read_base).transpose()?;
        let asked = Asked {
            layout: args.layout,
            placeholders: args.placeholder.clone(),
            variables: context.environment.beginning_with("FLYWAY_"),
        };
        let loaded = migrations::load(&args.paths, &asked)?;
        let changed = args.since.as_ref().map(|commit| Changed::since(commit, &args.paths));
        Ok(Folder {
            laid_out: LaidOut { layout: loaded.layout, is_guessed: loaded.is_guessed },
            preset: args.preset.map(|preset| preset.script()),
            base,
            migrations: loaded.migrations,
            changed: changed.transpose()?,
            found_in: loaded.found_in,
            warnings: loaded.warnings,
        })
    }

    /// The tool's layout.
    pub fn layout(&self) -> Layout {
        self.laid_out.layout
    }

    /// Which tables were there before: what is new is deployed at once.
    pub fn existing(&self) -> ExistingTables {
        match &self.changed {
            Some(changed) => {
                let first = changed.of(&self.migrations).into_iter().min();
                ExistingTables::Before(first.unwrap_or(self.migrations.len()))
            }
            None if self.base.is_some() => ExistingTables::Before(0),
            None => ExistingTables::BeforeEach,
        }
    }

    /// What is sent before and for the migrations.
    pub fn scripts(&self) -> impl Iterator<Item = &Script> + Clone {
        let before = self.preset.iter().chain(&self.base);
        before.chain(self.migrations.iter().map(|migration| &migration.up))
    }

    /// The same without what is said of extensions that are missing.
    pub fn without_missing(&self, extensions: &Extensions) -> Folder {
        let skip = |script: &Script| extensions.skipped_in(script);
        let migrations = self.migrations.iter().map(|migration| Migration {
            name: migration.name.clone(),
            up: skip(&migration.up),
            down: migration.down.as_ref().map(skip),
        });
        let preset = self.preset.as_ref().map(skip);
        let base = self.base.as_ref().map(skip);
        Folder {
            preset,
            base,
            migrations: migrations.collect(),
            ..self.clone()
        }
    }
}

/// As one message, which is the fastest, unless rows stand in it.
fn read_base(path: &Path) -> Result<Script> {
    let asked = Asked { layout: Some(Layout::Plain), ..Asked::default() };
    let base = migrations::load(&[path], &asked)?.migrations;
    let [Migration { up, .. }] = base.as_slice() else {
        return Err(Failure::usage(format!("--base {}: one file is needed", path.display())));
    };
    let wrapping = if up.rows.is_empty() {
        Wrapping::OneMessage
    } else {
        Wrapping::None
    };
    Ok(Script { wrapping, ..up.clone() })
}

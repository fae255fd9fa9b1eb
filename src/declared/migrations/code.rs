//! Migrations that are programs: pgtend cannot run them, and the SQL that follows may need what
//! they create, so they have to be called by their names.

use std::fs;
use std::path::{Path, PathBuf};

use super::listing::{FileListing, file_name};
use super::tools::Layout;
use super::version::{flyway, leading_number};
use crate::failure::Failure;

/// Languages that migration tools run.
const EXTENSIONS: [&str; 15] = [
    "go", "ts", "mts", "cts", "js", "mjs", "cjs", "py", "rb", "rs", "java", "kt", "php", "exs",
    "cs",
];

/// A tool whose migrations are programs.
struct Programs {
    name: &'static str,
    extensions: &'static [&'static str],
    /// One of these stands in such a file.
    signs: &'static [&'static str],
    /// How its SQL is had.
    way: &'static str,
}

const TOOLS: [Programs; 9] = [
    Programs {
        name: "Rails",
        extensions: &["rb"],
        signs: &["ActiveRecord::Migration", "create_table", "Sequel.migration"],
        way: "let it write db/structure.sql (config.active_record.schema_format = :sql), and give that",
    },
    Programs {
        name: "Alembic",
        extensions: &["py"],
        signs: &["from alembic", "import alembic", "op.execute", "down_revision"],
        way: "`alembic upgrade head --sql > migrations.sql` writes it",
    },
    Programs {
        name: "Django",
        extensions: &["py"],
        signs: &["from django", "migrations.Migration"],
        way: "`python manage.py sqlmigrate APP NAME` writes that of one migration",
    },
    Programs {
        name: "TypeORM",
        extensions: &["ts", "js"],
        signs: &["MigrationInterface", "QueryRunner", "queryRunner"],
        way: "`typeorm schema:log` shows what it would run; what queryRunner.query is given can go into SQL \
              files",
    },
    Programs {
        name: "Sequelize",
        extensions: &["ts", "js", "cjs"],
        signs: &["queryInterface", "QueryInterface"],
        way: "let it migrate an empty database, and give what `pg_dump --schema-only` writes",
    },
    Programs {
        name: "Knex",
        extensions: &["ts", "js", "mjs", "cjs"],
        signs: &["knex.", "Knex", "exports.up"],
        way: "let it migrate an empty database, and give what `pg_dump --schema-only` writes",
    },
    Programs {
        name: "Laravel",
        extensions: &["php"],
        signs: &["Illuminate\\", "Schema::"],
        way: "`php artisan migrate --pretend` shows it; `php artisan schema:dump` writes the schema",
    },
    Programs {
        name: "Entity Framework",
        extensions: &["cs"],
        signs: &["MigrationBuilder", "EntityFrameworkCore"],
        way: "`dotnet ef migrations script -o migrations.sql` writes it",
    },
    Programs {
        name: "Ecto",
        extensions: &["exs"],
        signs: &["Ecto.Migration"],
        way: "`mix ecto.dump` writes the schema",
    },
];

/// That there is no SQL but a program, if so: of which tool, and how to get at its SQL.
pub fn instead_of_sql(folder: &Path) -> Option<Failure> {
    let found = ["", "versions", "migrations", "migrate"].into_iter().find_map(|below| {
        let files = code_in(&folder.join(below));
        let tool = files.iter().find_map(|file| tool_of(file));
        tool.map(|tool| (tool, files.len()))
    });
    let (tool, number) = found?;
    let count = crate::format::count(number, "file", "files");
    let place = folder.display();
    let message = format!("{place} holds no SQL: its {count} are programs of {}", tool.name);
    Some(Failure::usage(message).hint(format!("give the SQL: {}", tool.way)))
}

/// Whether such programs stand directly in it.
pub fn is_tools_folder(folder: &Path) -> bool {
    code_in(folder).iter().any(|file| tool_of(file).is_some())
}

fn tool_of(file: &Path) -> Option<&'static Programs> {
    let extension = file.extension()?.to_str()?.to_owned();
    let text = fs::read_to_string(file).ok()?;
    let says = |tool: &&Programs| tool.signs.iter().any(|sign| text.contains(sign));
    TOOLS
        .iter()
        .filter(|tool| tool.extensions.contains(&extension.as_str()))
        .find(says)
}

fn code_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_code = |path: &PathBuf| {
        let extension = path.extension().and_then(|extension| extension.to_str());
        path.is_file() && extension.is_some_and(|extension| EXTENSIONS.contains(&extension))
    };
    let mut files = entries.filter(is_code).collect::<Vec<_>>();
    files.sort();
    files
}

/// What there is to say of the programs beside the SQL files, sorted by path.
pub fn beside(listing: &FileListing, layout: Layout) -> Vec<String> {
    let mut found = Vec::new();
    for folder in folders(listing) {
        found.extend(code_in(&folder).into_iter().filter(|path| is_migration(path)));
    }
    found.sort();
    found.dedup();
    let tool = match layout {
        Layout::Plain => "",
        layout => layout.tool(),
    };
    let runs = if tool.is_empty() {
        String::new()
    } else {
        format!(", which {tool} would run")
    };
    let say = |path: &PathBuf| {
        format!(
            "{}: a program{runs}, and is not run; later migrations may need it",
            path.display()
        )
    };
    found.iter().map(say).collect()
}

/// The folders that the user has named.
fn folders(listing: &FileListing) -> impl Iterator<Item = PathBuf> {
    let below = listing.files.iter().filter_map(|found| found.below.clone());
    let mut folders = below.collect::<Vec<_>>();
    folders.dedup();
    folders.into_iter()
}

fn is_migration(path: &Path) -> bool {
    let name = file_name(path);
    let Some((stem, _)) = name.rsplit_once('.') else {
        return false;
    };
    // Tests and type declarations stand beside what they are about.
    let beside = stem.ends_with("_test") || stem.ends_with(".d") || stem.ends_with(".test");
    let numbered = leading_number(stem).is_some() || flyway(&format!("{stem}.sql")).is_some();
    numbered && !beside
}

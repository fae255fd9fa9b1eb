//! From the database and the declaration to the plan of `apply`.

use super::plan::{self, ApplyOptions};
use crate::config::cache_folder;
use crate::declared::Declaration;
use crate::facts::{self, Questions};
use crate::failure::Result;
use crate::pg::database::Database;
use crate::work::plan::Plan;

/// Reads the facts and makes the plan.
///
/// # Errors
/// Those of the connection and of the catalog queries; `Usage` for a filter that nothing fits.
pub async fn load_plan(
    database: &Database,
    declaration: &Declaration,
    options: &ApplyOptions,
) -> Result<Plan> {
    let session = database.reader().await?;
    let questions = Questions {
        finds_invalid: options.filter.is_everything(),
        ..plan::questions(declaration)
    };
    let folder = cache_folder();
    let facts = facts::load_with(&session, &database.server, &questions, folder.as_deref()).await?;
    plan::plan(declaration, &facts, options)
}

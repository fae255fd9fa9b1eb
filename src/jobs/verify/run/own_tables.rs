//! The tools' own tables, as the migrations expect them.

use crate::declared::migrations::Layout;
use crate::failure::Result;
use crate::pg::session::Session;

/// `invalid_schema_name`: nothing of the search path is there yet (PostgreSQL documentation,
/// appendix A).
const NOWHERE: &str = "3F000";

/// Makes the tool's own tables, empty, unless they are there. Where the search path leads nowhere as
/// long as no migration has run, they are left out.
pub async fn make_own_tables(session: &Session, layout: Layout) -> Result<()> {
    for table in layout.own_tables() {
        match session.execute_script(table.create).await {
            Err(error) if error.sqlstate.as_deref() != Some(NOWHERE) => {
                return Err(error.into_failure().context(format!("making {}", table.name)));
            }
            _ => {}
        }
    }
    Ok(())
}

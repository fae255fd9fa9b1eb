//! What a server's refusal tells of what the migrations expect to be there.

use crate::pg::server_error::ServerError;

/// What to do about something that no migration makes; `None` where the refusal tells of nothing
/// like that. By the SQLSTATE, because messages are in the server's language; where it speaks
/// English the help is about the very thing.
pub fn help(error: &ServerError) -> Option<&'static str> {
    match error.sqlstate.as_deref()? {
        // undefined_object
        "42704" if error.message.starts_with("unrecognized configuration parameter") => Some(
            "if whoever connects brings this setting, give it with --set NAME=VALUE; or read it with \
             current_setting(name, true), which does not mind",
        ),
        "42704" if error.message.starts_with("role ") => Some(
            "a role belongs to the whole server and no migration tool makes it: if it has to be there \
             before the first migration, put CREATE ROLE into a file and give that with --base",
        ),
        "42704" => Some(
            "if it has to be there before the first migration, put what creates it into a file and \
             give that with --base; a setting goes with --set NAME=VALUE",
        ),
        // invalid_schema_name
        "3F000" => Some(
            "if the schema has to be there before the first migration, put CREATE SCHEMA into a file \
             and give that with --base; --set search_path=… says where unqualified names are looked for",
        ),
        _ => None,
    }
}

/// Whether it says that something is not there: undefined_object, _table, _function, invalid_schema_name.
pub fn is_missing(error: &ServerError) -> bool {
    matches!(error.sqlstate.as_deref(), Some("42704" | "42P01" | "42883" | "3F000"))
}

//! Indexes to try, as the command line names them.

use std::path::PathBuf;

use super::Wish;
use crate::declared::{self, Others, SqlFile};
use crate::failure::{Failure, Result};

/// An index to try, and its name where it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredWish {
    pub name: Option<String>,
    pub wish: Wish,
}

/// `CREATE INDEX …`, or a file of declarations.
///
/// # Errors
/// `Usage` where it declares no index; `Declaration` where it is no SQL.
pub fn of_argument(text: &str) -> Result<Vec<DeclaredWish>> {
    let path = PathBuf::from(text);
    let declaration = match path.exists() {
        true => declared::load(&[path], Others::Ignore)?,
        false => {
            let file = SqlFile { name: "--add".into(), text: text.to_owned() };
            declared::understand(&[file], Others::Refuse)?
        }
    };
    if declaration.indexes.is_empty() {
        return Err(Failure::usage(format!("--add {text}: this declares no index"))
            .hint("--add 'CREATE INDEX ON sales (customer_id)'"));
    }
    let wishes = declaration.indexes.into_iter().map(|index| DeclaredWish {
        name: index.name,
        wish: Wish {
            table: index.table.to_string(),
            is_unique: index.unique,
            definition: index.definition,
        },
    });
    Ok(wishes.collect())
}

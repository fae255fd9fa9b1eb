//! What a statement does to the transaction that it stands in.

use super::Statement;

/// What a statement is to the session that sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Begins,
    Commits,
    /// ROLLBACK.
    RollsBack,
    /// ROLLBACK TO a savepoint: the transaction goes on.
    RollsBackTo,
    /// It may lock, scan or make relations.
    Works,
    /// LOCK, which means something in a transaction that is open only.
    Locks,
    /// It sets something, or only means something in a transaction that is open: SET, SAVEPOINT.
    Sets,
}

/// What locks, scans or makes relations.
const WORKING: [&str; 20] = [
    "ALTER", "ANALYZE", "CALL", "CLUSTER", "COMMENT", "COPY", "CREATE", "DELETE", "DO", "DROP",
    "EXECUTE", "IMPORT", "INSERT", "MERGE", "REFRESH", "REINDEX", "SELECT", "TRUNCATE", "UPDATE",
    "VACUUM",
];

impl Role {
    /// The statement's, by its first words.
    pub fn of(statement: &Statement) -> Role {
        let mut words = statement.text.split(|char: char| !char.is_ascii_alphanumeric());
        let mut word =
            || words.find(|word| !word.is_empty()).unwrap_or_default().to_ascii_uppercase();
        match word().as_str() {
            "BEGIN" | "START" => Role::Begins,
            "ROLLBACK" if rolls_back_to(&statement.text) => Role::RollsBackTo,
            "ROLLBACK" | "ABORT" => Role::RollsBack,
            "COMMIT" | "END" => Role::Commits,
            "PREPARE" if word() == "TRANSACTION" => Role::Commits,
            "LOCK" => Role::Locks,
            "WITH" | "VALUES" => Role::Works,
            first if WORKING.contains(&first) => Role::Works,
            _ => Role::Sets,
        }
    }
}

fn rolls_back_to(text: &str) -> bool {
    text.split_whitespace().any(|word| word.eq_ignore_ascii_case("TO"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(text: &str) -> Role {
        Role::of(&Statement { text: text.to_owned(), offset: 0, line: 1, column: 1 })
    }

    #[test]
    fn a_role_is_that_of_the_first_words() {
        assert_eq!(role("begin;"), Role::Begins);
        assert_eq!(role("START TRANSACTION"), Role::Begins);
        assert_eq!(role("end"), Role::Commits);
        assert_eq!(role("ROLLBACK"), Role::RollsBack);
        assert_eq!(role("rollback work\nto savepoint a"), Role::RollsBackTo);
        assert_eq!(role("PREPARE TRANSACTION 'a'"), Role::Commits);
        assert_eq!(role("PREPARE a AS SELECT 1"), Role::Sets);
        assert_eq!(role("SET LOCAL a = b"), Role::Sets);
        assert_eq!(role("LOCK TABLE a"), Role::Locks);
        assert_eq!(role("with a as (select 1) delete from b"), Role::Works);
        assert_eq!(role("(SELECT 1)"), Role::Works);
        assert_eq!(role("ALTER TABLE a"), Role::Works);
    }
}

//! What a statement does to the session and the transaction that it stands in. It has to be known before
//! the statement is sent, so it is read from its tree; what it has done the server is asked.

use squawk_syntax::SyntaxKind;
use squawk_syntax::ast::{AstNode, Commit, Rollback, Stmt};

use crate::syntax;

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
    Works(Reach),
    /// LOCK, which means something in a transaction that is open only.
    Locks,
    /// It sets something, or only means something in a transaction that is open: SET, SAVEPOINT.
    Sets,
}

/// Which relations a statement concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Those that it names, and what hangs on them.
    Named,
    /// Any: it calls functions, or has a name for what is not told here.
    Any,
    /// Any, and from then on relations may be called otherwise or be part of others.
    Renames,
}

impl Role {
    pub fn of(statement: &Stmt) -> Role {
        match statement {
            Stmt::Begin(_) => Role::Begins,
            Stmt::Commit(Commit::CommitTransaction(_)) | Stmt::PrepareTransaction(_) => {
                Role::Commits
            }
            Stmt::Rollback(Rollback::RollbackToSavepoint(_)) => Role::RollsBackTo,
            Stmt::Rollback(Rollback::RollbackTransaction(_)) => Role::RollsBack,
            Stmt::Lock(_) => Role::Locks,
            Stmt::Checkpoint(_)
            | Stmt::Close(_)
            | Stmt::Deallocate(_)
            | Stmt::Declare(_)
            | Stmt::Discard(_)
            | Stmt::Fetch(_)
            | Stmt::Listen(_)
            | Stmt::Load(_)
            | Stmt::Move(_)
            | Stmt::Notify(_)
            | Stmt::Prepare(_)
            | Stmt::ReleaseSavepoint(_)
            | Stmt::Reset(_)
            | Stmt::ResetRole(_)
            | Stmt::ResetSessionAuth(_)
            | Stmt::SavepointCreate(_)
            | Stmt::Set(_)
            | Stmt::SetConstraints(_)
            | Stmt::SetRole(_)
            | Stmt::SetSessionAuth(_)
            | Stmt::SetTransaction(_)
            | Stmt::Show(_)
            | Stmt::Unlisten(_) => Role::Sets,
            _ => Role::Works(Reach::of(statement)),
        }
    }

    /// The same of a text that is one statement. One that our parser does not know works.
    pub fn read(text: &str) -> Role {
        let first = |parsed: &syntax::Parsed| parsed.statements().next().as_ref().map(Role::of);
        let role = syntax::read(text, first).ok().flatten();
        role.unwrap_or(Role::Works(Reach::Any))
    }

    pub fn works(self) -> bool {
        matches!(self, Role::Works(_))
    }
}

impl Reach {
    fn of(statement: &Stmt) -> Reach {
        match statement {
            Stmt::AlterTable(_) | Stmt::AlterIndex(_) | Stmt::AlterMaterializedView(_) => {
                match renames(statement) {
                    true => Reach::Renames,
                    false => Reach::Named,
                }
            }
            Stmt::Call(_) | Stmt::Do(_) => Reach::Renames,
            Stmt::AlterFunction(_)
            | Stmt::AlterSequence(_)
            | Stmt::CommentOn(_)
            | Stmt::CreateDomain(_)
            | Stmt::CreateFunction(_)
            | Stmt::CreateIndex(_)
            | Stmt::CreatePolicy(_)
            | Stmt::CreateSchema(_)
            | Stmt::CreateSequence(_)
            | Stmt::CreateTable(_)
            | Stmt::CreateTrigger(_)
            | Stmt::CreateType(_)
            | Stmt::CreateView(_)
            | Stmt::Delete(_)
            | Stmt::Grant(_)
            | Stmt::Insert(_)
            | Stmt::Revoke(_)
            | Stmt::Update(_) => Reach::Named,
            _ => Reach::Any,
        }
    }
}

fn renames(statement: &Stmt) -> bool {
    let mut tokens = statement
        .syntax()
        .descendants_with_tokens()
        .filter_map(|element| element.into_token());
    tokens.any(|token| {
        use SyntaxKind::{ATTACH_KW, INHERIT_KW, RENAME_KW, SCHEMA_KW};
        matches!(token.kind(), ATTACH_KW | INHERIT_KW | RENAME_KW | SCHEMA_KW)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_that_of_the_statement() {
        assert_eq!(Role::read("begin;"), Role::Begins);
        assert_eq!(Role::read("-- now\nSTART TRANSACTION READ ONLY"), Role::Begins);
        assert_eq!(Role::read("end"), Role::Commits);
        assert_eq!(Role::read("PREPARE TRANSACTION 'a'"), Role::Commits);
        assert_eq!(Role::read("ROLLBACK"), Role::RollsBack);
        assert_eq!(Role::read("abort"), Role::RollsBack);
        assert_eq!(Role::read("rollback work\nto savepoint a"), Role::RollsBackTo);
        assert_eq!(Role::read("LOCK TABLE a"), Role::Locks);
        for sets in [
            "PREPARE a AS SELECT 1",
            "SET LOCAL a = b",
            "SET ROLE a",
            "SET SESSION AUTHORIZATION a",
            "SET CONSTRAINTS ALL DEFERRED",
            "SET TRANSACTION READ ONLY",
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
            "SAVEPOINT a",
            "RELEASE a",
            "RESET ALL",
            "DECLARE c CURSOR FOR SELECT 1",
            "FETCH c",
        ] {
            assert_eq!(Role::read(sets), Role::Sets, "{sets}");
        }
    }

    #[test]
    fn all_else_works_on_what_it_names_or_on_anything() {
        for (text, reach) in [
            ("GRANT SELECT ON a TO b", Reach::Named),
            ("CREATE TABLE a (b int)", Reach::Named),
            ("ALTER TABLE a ADD COLUMN b int", Reach::Named),
            ("CREATE TABLE a AS SELECT f()", Reach::Any),
            ("ROLLBACK PREPARED 'a'", Reach::Any),
            ("with a as (select 1) delete from b", Reach::Named),
            ("(SELECT 1)", Reach::Any),
            ("EXPLAIN ANALYZE SELECT 1", Reach::Any),
            ("WORDS that nobody knows", Reach::Any),
            ("ALTER TABLE a RENAME TO b", Reach::Renames),
            ("ALTER TABLE a ATTACH PARTITION b DEFAULT", Reach::Renames),
            ("ALTER TABLE a INHERIT b", Reach::Renames),
            ("DO 'BEGIN END'", Reach::Renames),
        ] {
            assert_eq!(Role::read(text), Role::Works(reach), "{text}");
        }
    }
}

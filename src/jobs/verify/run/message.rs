//! Several statements in one message, with a look at what the session holds after each.
//!
//! The look stands in the same message, because the transaction ends with it.

use crate::declared::migrations::{MigrationStatement, Role};
use crate::facts::observed::Observation;

/// The message, and what it consists of.
pub struct Message<'a> {
    pub text: String,
    pieces: Vec<MessagePiece<'a>>,
}

struct MessagePiece<'a> {
    statement: &'a MigrationStatement,
    is_look: bool,
    /// The character of the message at which it begins, from 0.
    begin: usize,
}

impl<'a> Message<'a> {
    /// The statements, each that works followed by a look.
    pub fn new(
        statements: &'a [MigrationStatement],
        mut look: impl FnMut(&MigrationStatement) -> String,
    ) -> Self {
        let mut message = Message { text: String::new(), pieces: Vec::new() };
        let mut length = 0;
        for statement in statements {
            let works = statement.role.works() || statement.role == Role::Locks;
            let look = works.then(|| (look(statement), true));
            for (text, is_look) in [(statement.text.clone(), false)].into_iter().chain(look) {
                message.pieces.push(MessagePiece { statement, is_look, begin: length });
                // On a line of its own: a statement may end in a comment.
                let text = format!("{text}\n;\n");
                length += text.chars().count();
                message.text.push_str(&text);
            }
        }
        message
    }

    /// The statement that an error is about, and the character in it, from 1: where so many of the
    /// message's parts have ended, or at a character of the message.
    pub fn blamed(
        &self,
        ended: usize,
        position: Option<u32>,
    ) -> Option<(&'a MigrationStatement, Option<u32>)> {
        let at = position.and_then(|position| usize::try_from(position).ok());
        let piece = match at {
            Some(at) => self.pieces.iter().rev().find(|piece| piece.begin < at),
            None => self.pieces.get(ended).or(self.pieces.last()),
        }?;
        let within = at.and_then(|at| u32::try_from(at - piece.begin).ok());
        Some((piece.statement, within.filter(|_| !piece.is_look)))
    }

    /// The statements in their order with what was seen after them, out of the answers' first rows.
    pub fn seen(
        &self,
        answers: &[Option<String>],
    ) -> Vec<(&'a MigrationStatement, Option<Observation>)> {
        let mut seen: Vec<(&MigrationStatement, Option<Observation>)> = Vec::new();
        for (piece, row) in self.pieces.iter().zip(answers) {
            match seen.last_mut() {
                Some((_, observation)) if piece.is_look => {
                    *observation = row.as_ref().and_then(|json| Observation::read(json));
                }
                _ => seen.push((piece.statement, None)),
            }
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(text: &str) -> MigrationStatement {
        let role = Role::read(text);
        MigrationStatement { text: text.to_owned(), offset: 0, line: 1, column: 1, role }
    }

    #[test]
    fn an_error_is_the_statements_in_which_it_stands() {
        let statements = ["SET a = 'ä'", "SELECT nix", "SELECT 2"].map(statement);
        let message = Message::new(&statements, |_| "LOOK".to_owned());
        assert_eq!(message.text.matches("LOOK").count(), 2);
        let at = message.text.find("nix").unwrap();
        let position = u32::try_from(message.text[..at].chars().count() + 1).ok();
        let blamed = message.blamed(0, position).unwrap();
        assert_eq!(blamed, (&statements[1], Some(8)));
        // The second one's look, and what comes behind the end.
        assert_eq!(message.blamed(2, None).unwrap().0, &statements[1]);
        assert_eq!(message.blamed(3, None).unwrap().0, &statements[2]);
        assert_eq!(message.blamed(9, None).unwrap().0, &statements[2]);
    }
}

//! Which statements of a session are rolled back.

use std::ops::Range;

use super::statement::Words;

/// What a statement does to the transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
enum TransactionStep {
    Begins,
    Commits { chain: bool },
    RollsBack { chain: bool },
    Saves(String),
    Releases(String),
    RollsBackTo(String),
    Prepares,
    Nothing,
}

impl TransactionStep {
    fn of(text: &str) -> TransactionStep {
        let mut words = Words::of(text);
        if words.eat_any(&["begin", "start transaction"]) {
            return TransactionStep::Begins;
        }
        if words.eat("prepare transaction") {
            return TransactionStep::Prepares;
        }
        if words.eat("savepoint") {
            return TransactionStep::Saves(words.part().unwrap_or_default());
        }
        if words.eat("release") {
            words.eat("savepoint");
            return TransactionStep::Releases(words.part().unwrap_or_default());
        }
        let rolls_back = words.eat_any(&["rollback", "abort"]);
        if !rolls_back && !words.eat_any(&["commit", "end"]) {
            return TransactionStep::Nothing;
        }
        words.eat_any(&["work", "transaction"]);
        if rolls_back && words.eat("to") {
            words.eat("savepoint");
            return TransactionStep::RollsBackTo(words.part().unwrap_or_default());
        }
        // Of a transaction that was prepared in another one.
        if words.eat("prepared") {
            return TransactionStep::Nothing;
        }
        let chain = words.eat("and chain");
        if rolls_back {
            TransactionStep::RollsBack { chain }
        } else {
            TransactionStep::Commits { chain }
        }
    }
}

/// What becomes of the statements of a session.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Fate {
    /// They are rolled back, these ranges in their order, which may overlap.
    pub rolled_back: Vec<Range<usize>>,
    /// The statement that begins a transaction which does not end.
    pub open: Option<usize>,
}

/// What becomes of them, as far as those that transact tell; `None` stands for the others.
pub fn fate<'t>(statements: impl Iterator<Item = Option<&'t str>>) -> Fate {
    let mut fate = Fate::default();
    let mut begun = None;
    let mut saved = Vec::<(String, usize)>::new();
    for (at, text) in statements.enumerate() {
        let Some(text) = text else { continue };
        match TransactionStep::of(text) {
            TransactionStep::Begins => begun = begun.or(Some(at)),
            TransactionStep::Commits { chain } => {
                begun = chain.then_some(at);
                saved.clear();
            }
            TransactionStep::RollsBack { chain } => {
                fate.rolled_back.extend(begun.map(|begun| begun..at + 1));
                begun = chain.then_some(at);
                saved.clear();
            }
            // Whether it is committed later is not to be seen.
            TransactionStep::Prepares => {
                fate.open = fate.open.or(begun);
                begun = None;
                saved.clear();
            }
            TransactionStep::Saves(name) => saved.push((name, at)),
            TransactionStep::Releases(name) => {
                if let Some(place) = saved.iter().rposition(|(saved, _)| *saved == name) {
                    saved.truncate(place);
                }
            }
            TransactionStep::RollsBackTo(name) => {
                if let Some(place) = saved.iter().rposition(|(saved, _)| *saved == name) {
                    saved.truncate(place + 1);
                    fate.rolled_back.push(saved[place].1..at);
                    saved[place].1 = at;
                }
            }
            TransactionStep::Nothing => {}
        }
    }
    fate.open = fate.open.or(begun);
    fate
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers of what stays; a number stands for any other statement.
    fn stays(session: &str) -> String {
        let statements = session.split("; ").collect::<Vec<_>>();
        let is_plain = |text: &str| text.parse::<u32>().is_ok();
        let fate = fate(statements.iter().map(|text| (!is_plain(text)).then_some(*text)));
        let gone = |at: &usize| fate.rolled_back.iter().any(|range| range.contains(at));
        let stays = (0..statements.len())
            .filter(|at| !gone(at))
            .map(|at| statements[at])
            .filter(|text| is_plain(text))
            .collect::<Vec<_>>()
            .join(" ");
        match fate.open {
            Some(at) => format!("{stays}, open from {at}"),
            None => stays,
        }
    }

    #[test]
    fn what_is_rolled_back_does_not_stay() {
        for (session, wanted) in [
            ("1; BEGIN; 2; COMMIT; 3", "1 2 3"),
            ("1; begin work; 2; rollback; 3", "1 3"),
            ("START TRANSACTION; 1; ABORT TRANSACTION; 2", "2"),
            ("BEGIN; 1; SAVEPOINT a; 2; ROLLBACK TO a; 3; END", "1 3"),
            (
                "BEGIN; SAVEPOINT a; 1; ROLLBACK WORK TO SAVEPOINT a; 2; ROLLBACK TO a; 3; COMMIT",
                "3",
            ),
            ("BEGIN; SAVEPOINT a; 1; RELEASE a; ROLLBACK TO a; 2; COMMIT", "1 2"),
            ("BEGIN; 1; ROLLBACK AND CHAIN; 2; COMMIT AND NO CHAIN; 3", "2 3"),
            ("ROLLBACK; 1; COMMIT", "1"),
            ("BEGIN; 1; BEGIN; 2; ROLLBACK; 3", "3"),
            ("BEGIN; 1", "1, open from 0"),
            ("BEGIN; 1; PREPARE TRANSACTION 'a'; COMMIT PREPARED 'a'", "1, open from 0"),
        ] {
            assert_eq!(stays(session), wanted, "{session}");
        }
    }
}

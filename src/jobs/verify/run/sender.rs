//! Sending a script as its tool would, and looking at what each statement did.

use super::between::Beginning;
use super::message::Message;
use crate::declared::migrations::{
    Migration, MigrationStatement, Role, Script, Wrapping, scanned, statements,
};
use crate::facts::observed::{
    Observation, TIMEOUTS_SQL, Timeout, load_relation_files, load_sequences, observation_sql,
    restore_sequences,
};
use crate::findings::Place;
use crate::jobs::verify::plan::observed::{Done, Observed, Observer};
use crate::jobs::verify::plan::{Refused, lint};
use crate::pg::server_error::ServerError;
use crate::pg::session::{Answer, Notice, Session};

/// Sends scripts on one connection.
pub struct Sender<'a> {
    session: &'a Session,
    observer: Option<Observer>,
    /// A transaction is open: the tool's, or the script's own.
    is_in_transaction: bool,
}

/// As the server itself would say (PostgreSQL documentation, appendix A).
const FEATURE_NOT_SUPPORTED: &str = "0A000";

type Sent = std::result::Result<(), Refused>;

impl<'a> Sender<'a> {
    /// Looks at nothing.
    pub fn plain(session: &'a Session) -> Self {
        Sender { session, observer: None, is_in_transaction: false }
    }

    /// Looks at what the session holds after each statement.
    pub fn observing(session: &'a Session) -> Self {
        Sender {
            observer: Some(Observer::default()),
            ..Sender::plain(session)
        }
    }

    /// The next migration begins. Where the one before has left a transaction that is aborted,
    /// nothing can be read, and the server will say so of the next statement.
    pub async fn begin_migration(&mut self) {
        self.list().await;
        if let Some(observer) = &mut self.observer {
            observer.begin_migration(load_relation_files(self.session).await.ok().as_ref());
        }
    }

    /// Asks for all relations where it is not known any more which are there.
    async fn list(&mut self) {
        let Some(observer) = self.observer.as_mut().filter(|observer| observer.wants_list()) else {
            return;
        };
        if let Ok(Some(all)) = observe(self.session, &observation_sql(0, 0)).await {
            observer.saw_all(&all);
        }
        drop(self.session.notices());
    }

    /// What was seen.
    pub fn finish(self) -> Observed {
        self.observer.map(Observer::finish).unwrap_or_default()
    }

    /// Makes the session what the tool makes of it between two migrations.
    pub async fn restore(&mut self, beginning: &Beginning) {
        beginning.restore(self.session).await;
        if beginning.ends_transaction() {
            self.forget();
            self.end_transaction();
        }
    }

    /// Sends the script. Where it is refused, nothing of its open transaction remains.
    ///
    /// # Errors
    /// The statement that the server refused, or at which it went away.
    pub async fn run(&mut self, script: &Script) -> Sent {
        match script.wrapping {
            Wrapping::Transaction => {
                self.begin(script).await?;
                self.messages(script).await?;
                self.commit(script).await
            }
            Wrapping::None => self.messages(script).await,
            Wrapping::Pipeline => self.pipeline(script).await,
            Wrapping::OneMessage => self.one_message(script).await,
        }
    }

    /// The same in a transaction that holds all scripts.
    pub async fn run_in_common(&mut self, script: &Script, is_last: bool) -> Sent {
        if script.wrapping != Wrapping::Transaction {
            if self.is_in_transaction {
                self.commit(script).await?;
            }
            return self.run(script).await;
        }
        if !self.is_in_transaction {
            self.begin(script).await?;
        }
        self.messages(script).await?;
        if is_last && self.is_in_transaction {
            self.commit(script).await
        } else {
            Ok(())
        }
    }

    /// Whether the server takes them in one transaction, which is rolled back. Nothing of it is
    /// observed, and nothing remains of it.
    pub async fn passes_in_common(&self, migrations: &[Migration]) -> bool {
        let is_common = |one: &Migration| one.up.wrapping == Wrapping::Transaction;
        if migrations.len() < 2 || !migrations.iter().all(is_common) {
            return true;
        }
        let sequences = load_sequences(self.session).await;
        let mut trial = Sender::plain(self.session);
        let mut passes = true;
        for migration in migrations {
            passes = passes && trial.run_in_common(&migration.up, false).await.is_ok();
        }
        // What a commit would check.
        passes = passes && self.session.execute("SET CONSTRAINTS ALL IMMEDIATE").await.is_ok();
        trial.roll_back().await;
        restore_sequences(self.session, sequences).await;
        passes
    }

    /// As many messages as the tool makes of the script.
    async fn messages(&mut self, script: &Script) -> Sent {
        let Some(pieces) = &script.pieces else {
            let statements = known_statements(script);
            refuse_rows(script, &statements)?;
            return self.one_by_one(script, &statements).await;
        };
        for piece in script.cut() {
            if let Err(mut refused) = self.one_message(&piece).await {
                let is_sentence = statements(&piece).is_ok_and(|all| all.len() == 1);
                if !is_sentence && refused.error.hint.is_none() {
                    refused.error.hint = Some(pieces.hint.to_owned());
                }
                return Err(refused);
            }
        }
        Ok(())
    }

    async fn one_message(&mut self, script: &Script) -> Sent {
        // What our parser does not know cannot be taken apart; the server may know it.
        let Ok(statements) = statements(script) else {
            return self.as_is(script, &[]).await;
        };
        refuse_rows(script, &statements)?;
        match statements.len() {
            1 => self.one_by_one(script, &statements).await,
            _ => self.message(script, &statements).await,
        }
    }

    /// All before the first Sync: what commits at once may come first and stands by itself, and all else
    /// is one transaction.
    async fn pipeline(&mut self, script: &Script) -> Sent {
        let statements = known_statements(script);
        refuse_rows(script, &statements)?;
        for statement in &statements {
            if self.is_in_transaction {
                self.one_by_one(script, std::slice::from_ref(statement)).await?;
                continue;
            }
            self.begin(script).await?;
            match self.send(script, statement).await {
                Ok(()) => {}
                Err(error) if refuses_transaction(&error) => {
                    self.roll_back().await;
                    self.one_by_one(script, std::slice::from_ref(statement)).await?;
                }
                Err(error) => {
                    self.roll_back().await;
                    let place = Place::within(script, statement, error.position);
                    return Err(self.refused(place, Some(statement), error));
                }
            }
        }
        if self.is_in_transaction {
            self.commit(script).await
        } else {
            Ok(())
        }
    }

    async fn begin(&mut self, script: &Script) -> Sent {
        let begun = self.session.execute("BEGIN").await;
        begun.map_err(|error| self.refused(Place::of_offset(script, 0), None, error))?;
        self.is_in_transaction = true;
        Ok(())
    }

    /// Deferred constraints are checked here.
    async fn commit(&mut self, script: &Script) -> Sent {
        let committed = self.session.execute("COMMIT").await;
        self.end_transaction();
        committed.map_err(|error| {
            let last = known_statements(script).pop();
            let place = last.map_or_else(
                || Place::of_offset(script, 0),
                |statement| Place::of_statement(script, &statement),
            );
            self.refused(place, None, error)
        })
    }

    async fn one_by_one(&mut self, script: &Script, statements: &[MigrationStatement]) -> Sent {
        for statement in statements {
            if let Err(error) = self.send(script, statement).await {
                self.roll_back().await;
                let place = Place::within(script, statement, error.position);
                return Err(self.refused(place, Some(statement), error));
            }
        }
        Ok(())
    }

    async fn send(&mut self, script: &Script, statement: &MigrationStatement) -> Answer<()> {
        match statement.role {
            Role::Works(_) if self.observer.is_none() => self.execute(script, statement).await,
            Role::Works(_) | Role::Locks if self.is_in_transaction => {
                self.execute(script, statement).await?;
                self.look(script, statement).await
            }
            Role::Works(_) => self.alone(script, statement).await,
            _ => {
                self.execute(script, statement).await?;
                self.follow(script, statement);
                self.list().await;
                Ok(())
            }
        }
    }

    /// With the rows that it reads.
    async fn execute(&self, script: &Script, statement: &MigrationStatement) -> Answer<()> {
        match rows_of(script, statement) {
            Some(rows) => self.session.copy_in(&statement.text, rows).await,
            None => self.session.execute_as_is(&statement.text).await,
        }
    }

    fn follow(&mut self, script: &Script, statement: &MigrationStatement) {
        match (statement.role, &mut self.observer) {
            (Role::RollsBack | Role::RollsBackTo, _) => self.forget(),
            (Role::Begins, Some(observer)) => observer.begin_transaction(),
            (Role::Sets, Some(observer)) => observer.passed_over(done(script, statement)),
            _ => {}
        }
        match statement.role {
            Role::Begins => self.is_in_transaction = true,
            Role::Commits | Role::RollsBack => self.end_transaction(),
            Role::RollsBackTo | Role::Works(_) | Role::Locks | Role::Sets => {}
        }
    }

    /// Outside a transaction the locks would be gone before anybody could look, so it is given one,
    /// unless the server refuses that.
    async fn alone(&mut self, script: &Script, statement: &MigrationStatement) -> Answer<()> {
        self.session.execute("BEGIN").await?;
        match self.execute(script, statement).await {
            Ok(()) => {
                self.look(script, statement).await?;
                let committed = self.session.execute("COMMIT").await;
                self.end_transaction();
                committed
            }
            Err(error) if refuses_transaction(&error) => {
                self.roll_back().await;
                self.look_at_timeouts(script, statement).await?;
                self.session.execute_as_is(&statement.text).await?;
                self.look_afterwards(script, statement).await
            }
            Err(error) => Err(error),
        }
    }

    async fn look(&mut self, script: &Script, statement: &MigrationStatement) -> Answer<()> {
        let Some(observer) = &mut self.observer else {
            return Ok(());
        };
        if let Some(observation) = observe(self.session, &observer.look(statement)).await? {
            let notices = telling(self.session.notices());
            observer.saw(done(script, statement), &observation, notices);
        }
        Ok(())
    }

    /// Each of them would end it half-way.
    async fn look_at_timeouts(
        &mut self,
        script: &Script,
        statement: &MigrationStatement,
    ) -> Answer<()> {
        let Some(observer) = &mut self.observer else {
            return Ok(());
        };
        let (answers, answer) = self.session.execute_message(TIMEOUTS_SQL).await;
        answer?;
        let json = answers.first().and_then(Option::as_deref);
        let timeouts = json.and_then(|json| serde_json::from_str::<Vec<Timeout>>(json).ok());
        if let Some(timeouts) = timeouts {
            observer.saw_timeouts(Place::of_statement(script, statement), &timeouts);
        }
        Ok(())
    }

    async fn look_afterwards(
        &mut self,
        script: &Script,
        statement: &MigrationStatement,
    ) -> Answer<()> {
        let Some(observer) = &mut self.observer else {
            return Ok(());
        };
        let all = observe(self.session, &observation_sql(0, 0)).await?;
        let notices = telling(self.session.notices());
        // Where it cannot be read, nothing is known of this statement.
        if let (Some(all), Ok(files)) = (all, load_relation_files(self.session).await) {
            observer.saw_afterwards(done(script, statement), &all, notices, &files);
        }
        Ok(())
    }

    /// What the driver itself refuses, such as a text with a NUL character, comes without an SQLSTATE, as
    /// a lost connection does; but the connection is still there.
    fn refused(
        &self,
        place: Place,
        statement: Option<&MigrationStatement>,
        mut error: ServerError,
    ) -> Refused {
        if error.sqlstate.is_none() && !self.session.is_closed() {
            error.sqlstate = Some(FEATURE_NOT_SUPPORTED.to_owned());
        }
        let text = statement.map(|statement| statement.text.clone()).unwrap_or_default();
        Refused { place, statement: text, error }
    }

    /// Whether a transaction is open or not.
    async fn roll_back(&mut self) {
        let _ = self.session.execute("ROLLBACK").await;
        self.forget();
        self.end_transaction();
    }

    /// What is rolled back is not known.
    fn forget(&mut self) {
        if let Some(observer) = self.observer.as_mut().filter(|_| self.is_in_transaction) {
            observer.forget();
        }
    }

    fn end_transaction(&mut self) {
        self.is_in_transaction = false;
        if let Some(observer) = &mut self.observer {
            observer.end_transaction();
        }
    }

    async fn message(&mut self, script: &Script, statements: &[MigrationStatement]) -> Sent {
        let message = match &mut self.observer {
            Some(observer) => Message::new(statements, |statement| observer.look(statement)),
            None => return self.as_is(script, statements).await,
        };
        let is_within = self.is_in_transaction;
        let (answers, answer) = self.session.execute_message(&message.text).await;
        if let Err(error) = answer {
            self.roll_back().await;
            let blamed = message.blamed(answers.len(), error.position);
            let place = blamed.map_or_else(
                || Place::of_offset(script, 0),
                |(statement, position)| Place::within(script, statement, position),
            );
            return Err(self.refused(place, blamed.map(|(statement, _)| statement), error));
        }
        let notices = telling(self.session.notices());
        for (statement, observation) in message.seen(&answers) {
            if let (Some(observer), Some(observation)) = (&mut self.observer, observation) {
                let own = notices.iter().filter(|notice| may_tell_of(statement, notice));
                observer.saw(done(script, statement), &observation, own.cloned().collect());
            }
            self.follow(script, statement);
        }
        if !is_within {
            self.end_transaction();
        }
        self.list().await;
        Ok(())
    }

    /// The text as it stands in the file, in one message.
    async fn as_is(&mut self, script: &Script, statements: &[MigrationStatement]) -> Sent {
        let (answers, answer) = self.session.execute_message(&script.text).await;
        let Err(error) = answer else { return Ok(()) };
        self.roll_back().await;
        let place = match (error.position, statements.get(answers.len()).or(statements.last())) {
            (Some(position), _) => Place::of_position(script, position),
            (None, Some(statement)) => Place::of_statement(script, statement),
            (None, None) => Place::of_offset(script, 0),
        };
        Err(self.refused(place, statements.get(answers.len()), error))
    }
}

/// Whether a statement of the script ends the transaction in which the tool runs it.
pub fn ends_transaction(script: &Script) -> bool {
    let ends = |one: &MigrationStatement| matches!(one.role, Role::Commits | Role::RollsBack);
    known_statements(script).iter().any(ends)
}

/// Whether the script may make something that lasts until the transaction ends, on which a later
/// migration may rely where the tool runs both in one: SET LOCAL, ON COMMIT, a cursor, constraints
/// that are deferred.
///
/// This is told by words, wherever they stand. The server cannot be asked: what SET LOCAL has covered it
/// does not tell, nor whether constraints are deferred. And a tree ends at the bodies of functions
/// and DO blocks. A word that means something else costs no verdict: the scripts are applied in
/// common then, as the tool does it, and locks of one are told of a later one, too.
pub fn lasts_for_transaction(script: &Script) -> bool {
    const WORDS: [&str; 5] = ["local", "set_config", "commit", "declare", "constraints"];
    let is_word = |char: char| char.is_ascii_alphanumeric() || char == '_';
    let mut words = script.text.split(|char| !is_word(char));
    words.any(|word| WORDS.iter().any(|one| word.eq_ignore_ascii_case(one)))
}

/// What our parser does not know is taken apart as psql would do it; the server may know it.
fn known_statements(script: &Script) -> Vec<MigrationStatement> {
    statements(script).unwrap_or_else(|_| scanned(script))
}

fn rows_of<'a>(script: &'a Script, statement: &MigrationStatement) -> Option<&'a str> {
    let at = script
        .rows
        .binary_search_by_key(&statement.offset, |rows| rows.statement)
        .ok()?;
    Some(&script.rows[at].text)
}

/// Refuses what only a client that knows it can do.
#[expect(clippy::result_large_err, reason = "it ends the file")]
fn refuse_rows(script: &Script, statements: &[MigrationStatement]) -> Sent {
    let is_refused = |statement: &&MigrationStatement| {
        speaks_with_client(statement) && rows_of(script, statement).is_none()
    };
    let Some(copy) = statements.iter().find(is_refused) else {
        return Ok(());
    };
    let place = Place::of_statement(script, copy);
    Err(Refused { place, statement: copy.text.clone(), error: copy_refused() })
}

async fn observe(session: &Session, look: &str) -> Answer<Option<Observation>> {
    let (answers, answer) = session.execute_message(look).await;
    answer?;
    Ok(answers
        .first()
        .and_then(|row| row.as_ref())
        .and_then(|json| Observation::read(json)))
}

fn done(script: &Script, statement: &MigrationStatement) -> Done {
    Done {
        place: Place::of_statement(script, statement),
        text: statement.text.clone(),
    }
}

/// What tells something of names: one that was cut (name_too_long), one that was taken
/// (duplicate_table), in PostgreSQL's appendix A.
fn telling(mut notices: Vec<Notice>) -> Vec<Notice> {
    notices.retain(|notice| matches!(notice.sqlstate.as_str(), "42622" | "42P07"));
    notices
}

/// The notices of a message come together; that names were cut even before the first statement.
fn may_tell_of(statement: &MigrationStatement, notice: &Notice) -> bool {
    let sent = lint::sent_by_function(notice);
    notice.sqlstate == "42622" || sent.is_some_and(|sent| statement.text.contains(sent))
}

/// It cannot stand in a transaction (active_sql_transaction), or ends one itself
/// (invalid_transaction_termination): PostgreSQL documentation, appendix A.
fn refuses_transaction(error: &ServerError) -> bool {
    matches!(error.sqlstate.as_deref(), Some("25001" | "2D000"))
}

/// `COPY … FROM stdin`: rows follow that only psql can send. `COPY … TO stdout`: it sends some.
fn speaks_with_client(statement: &MigrationStatement) -> bool {
    let text = statement.text.to_ascii_uppercase();
    let words = text
        .split(|char: char| !char.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>();
    let between = |pair: &[&str]| matches!(pair, ["FROM" | "TO", "STDIN" | "STDOUT"]);
    words.first() == Some(&"COPY") && words.windows(2).any(between)
}

fn copy_refused() -> ServerError {
    ServerError {
        sqlstate: Some(FEATURE_NOT_SUPPORTED.to_owned()),
        message: "COPY … FROM stdin and TO stdout need rows that only psql sends and takes"
            .to_owned(),
        detail: None,
        hint: Some("use INSERT, or pg_dump --inserts".to_owned()),
        position: None,
    }
}

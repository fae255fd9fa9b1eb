//! Sending a script as its tool would, and looking at what each statement did.

use super::message::Message;
use crate::catalog::observed::{Observation, load_relation_files};
use crate::declared::migrations::{Role, Script, Statement, Wrapping, statements};
use crate::pg::server_error::ServerError;
use crate::pg::session::{Answer, Session};
use crate::plan::verify::observed::{Done, Observed, Observer};
use crate::plan::verify::{Place, Refused};

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
        Sender { observer: Some(Observer::default()), ..Sender::plain(session) }
    }

    /// The next migration begins. Where the one before has left a transaction that is aborted,
    /// nothing can be read, and the server will say so of the next statement.
    pub async fn begin_migration(&mut self) {
        if let Some(observer) = &mut self.observer {
            observer.begin_migration(load_relation_files(self.session).await.ok().as_ref());
        }
    }

    /// What was seen.
    pub fn finish(self) -> Observed {
        self.observer.map(Observer::finish).unwrap_or_default()
    }

    /// Sends the script. Where it is refused, nothing of its open transaction remains.
    ///
    /// # Errors
    /// The statement that the server refused, or at which it went away.
    pub async fn run(&mut self, script: &Script) -> Sent {
        // What our parser does not know cannot be taken apart; the server may know it.
        let Ok(statements) = statements(script) else { return self.whole(script).await };
        if let Some(copy) = statements.iter().find(|statement| speaks_with_client(statement)) {
            let place = Place::of_statement(script, copy);
            let statement = copy.text.clone();
            return Err(Refused { place, statement, error: copy_refused() });
        }
        match script.wrapping {
            Wrapping::Transaction => self.wrapped(script, &statements).await,
            Wrapping::None => self.one_by_one(script, &statements).await,
            Wrapping::OneMessage if statements.len() == 1 => {
                self.one_by_one(script, &statements).await
            }
            Wrapping::OneMessage => self.message(script, &statements).await,
        }
    }

    async fn wrapped(&mut self, script: &Script, statements: &[Statement]) -> Sent {
        self.begin(script).await?;
        self.one_by_one(script, statements).await?;
        self.commit(script, statements.last()).await
    }

    async fn begin(&mut self, script: &Script) -> Sent {
        let begun = self.session.execute("BEGIN").await;
        begun.map_err(|error| self.refused(Place::of_offset(script, 0), None, error))?;
        self.is_in_transaction = true;
        Ok(())
    }

    /// Deferred constraints are checked here.
    async fn commit(&mut self, script: &Script, last: Option<&Statement>) -> Sent {
        let place = last.map_or_else(
            || Place::of_offset(script, 0),
            |statement| Place::of_statement(script, statement),
        );
        let committed = self.session.execute("COMMIT").await;
        self.end_transaction();
        committed.map_err(|error| self.refused(place, None, error))
    }

    async fn one_by_one(&mut self, script: &Script, statements: &[Statement]) -> Sent {
        for statement in statements {
            if let Err(error) = self.send(script, statement).await {
                self.roll_back().await;
                let place = Place::within(script, statement, error.position);
                return Err(self.refused(place, Some(statement), error));
            }
        }
        Ok(())
    }

    async fn send(&mut self, script: &Script, statement: &Statement) -> Answer<()> {
        match Role::of(statement) {
            Role::Works if self.observer.is_none() => self.session.execute(&statement.text).await,
            Role::Works | Role::Locks if self.is_in_transaction => {
                self.session.execute(&statement.text).await?;
                self.look(script, statement).await
            }
            Role::Works => self.alone(script, statement).await,
            role => {
                self.session.execute(&statement.text).await?;
                self.follow(role);
                Ok(())
            }
        }
    }

    fn follow(&mut self, role: Role) {
        if let (Role::RollsBack | Role::RollsBackTo, Some(observer)) = (role, &mut self.observer) {
            observer.forget();
        }
        match role {
            Role::Begins => self.is_in_transaction = true,
            Role::Commits | Role::RollsBack => self.end_transaction(),
            Role::RollsBackTo | Role::Works | Role::Locks | Role::Sets => {}
        }
    }

    /// Outside a transaction the locks would be gone before anybody could look, so it is given one,
    /// unless the server refuses that.
    async fn alone(&mut self, script: &Script, statement: &Statement) -> Answer<()> {
        self.session.execute("BEGIN").await?;
        match self.session.execute(&statement.text).await {
            Ok(()) => {
                self.look(script, statement).await?;
                let committed = self.session.execute("COMMIT").await;
                self.end_transaction();
                committed
            }
            Err(error) if refuses_transaction(&error) => {
                self.roll_back().await;
                self.session.execute(&statement.text).await?;
                self.look_afterwards(script, statement).await
            }
            Err(error) => Err(error),
        }
    }

    async fn look(&mut self, script: &Script, statement: &Statement) -> Answer<()> {
        let Some(observer) = &mut self.observer else { return Ok(()) };
        if let Some(observation) = observe(self.session, &observer.look(&statement.text)).await? {
            observer.saw(done(script, statement), &observation);
        }
        Ok(())
    }

    async fn look_afterwards(&mut self, script: &Script, statement: &Statement) -> Answer<()> {
        let Some(observer) = &mut self.observer else { return Ok(()) };
        let observation = observe(self.session, &observer.look(&statement.text)).await?;
        let made = observation.map(|observation| observation.made).unwrap_or_default();
        // Where it cannot be read, nothing is known of this statement.
        if let Ok(files) = load_relation_files(self.session).await {
            observer.saw_afterwards(done(script, statement), &made, &files);
        }
        Ok(())
    }

    /// What the driver itself refuses, such as a text with a NUL character, comes without an SQLSTATE, as
    /// a lost connection does; but the connection is still there.
    fn refused(
        &self,
        place: Place,
        statement: Option<&Statement>,
        mut error: ServerError,
    ) -> Refused {
        if error.sqlstate.is_none() && !self.session.is_closed() {
            error.sqlstate = Some(FEATURE_NOT_SUPPORTED.to_owned());
        }
        let statement = statement.map(|statement| statement.text.clone()).unwrap_or_default();
        Refused { place, statement, error }
    }

    /// Whether a transaction is open or not.
    async fn roll_back(&mut self) {
        let _ = self.session.execute("ROLLBACK").await;
        self.end_transaction();
    }

    fn end_transaction(&mut self) {
        self.is_in_transaction = false;
        if let Some(observer) = &mut self.observer {
            observer.end_transaction();
        }
    }

    async fn message(&mut self, script: &Script, statements: &[Statement]) -> Sent {
        let message = match &mut self.observer {
            Some(observer) => Message::new(statements, |statement| observer.look(statement)),
            None => return self.as_is(script, statements).await,
        };
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
        for (statement, observation) in message.seen(&answers) {
            if let (Some(observer), Some(observation)) = (&mut self.observer, observation) {
                observer.saw(done(script, statement), &observation);
            }
            self.follow(Role::of(statement));
        }
        self.end_transaction();
        Ok(())
    }

    /// The text as it stands in the file, in one message.
    async fn as_is(&mut self, script: &Script, statements: &[Statement]) -> Sent {
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

    async fn whole(&mut self, script: &Script) -> Sent {
        if script.wrapping != Wrapping::Transaction {
            return self.as_is(script, &[]).await;
        }
        self.begin(script).await?;
        self.as_is(script, &[]).await?;
        self.commit(script, None).await
    }
}

async fn observe(session: &Session, look: &str) -> Answer<Option<Observation>> {
    let (answers, answer) = session.execute_message(look).await;
    answer?;
    Ok(answers.first().and_then(|rows| rows.first()).and_then(|json| Observation::read(json)))
}

fn done(script: &Script, statement: &Statement) -> Done {
    Done { place: Place::of_statement(script, statement), text: statement.text.clone() }
}

/// It cannot stand in a transaction (active_sql_transaction), or ends one itself
/// (invalid_transaction_termination): PostgreSQL documentation, appendix A.
fn refuses_transaction(error: &ServerError) -> bool {
    matches!(error.sqlstate.as_deref(), Some("25001" | "2D000"))
}

/// `COPY … FROM stdin`: rows follow that only psql can send. `COPY … TO stdout`: it sends some.
fn speaks_with_client(statement: &Statement) -> bool {
    let words = statement.text.to_ascii_uppercase();
    let words = words.split(|char: char| !char.is_ascii_alphanumeric());
    let words = words.filter(|word| !word.is_empty()).collect::<Vec<_>>();
    let between = |pair: &[&str]| matches!(pair, ["FROM", "STDIN"] | ["TO", "STDOUT"]);
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

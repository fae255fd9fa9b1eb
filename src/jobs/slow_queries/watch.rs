//! Looking at the statements of a database again and again, for who shows them beside other things.

use serde_json::Value;
use tokio::sync::OnceCell;

use super::plan::{Ranking, Sort};
use super::{Args, Basis, SPARE, complete, document};
use crate::app::Context;
use crate::facts::Known;
use crate::facts::reach::{Deed, Trust};
use crate::facts::statements::{Length, SnapshotLoad, StatementHistory, TextCache, load_extension};
use crate::failure::Result;
use crate::pg::database::Server;
use crate::pg::session::Session;

/// What does not change from look to look, and the texts that are known.
pub struct Watch {
    args: Args,
    basis: Basis,
    cache: TextCache,
}

impl Watch {
    /// Keeps the texts that an earlier one knows.
    ///
    /// # Errors
    /// `Unsupported` where statements are not counted, with the way out.
    pub async fn open(session: &Session, server: &Server, earlier: Option<Watch>) -> Result<Self> {
        let extension = load_extension(session).await?;
        extension.require_counting()?;
        let trust = Trust::load(session, &server.search_path, &[], Deed::Planning).await?;
        let basis = Basis { missing: Vec::new(), extension, trust };
        let cache = earlier.map(|earlier| earlier.cache).unwrap_or_default();
        Ok(Watch { args: Args::plain(), basis, cache })
    }

    /// The statements that take the most time, so many of them.
    ///
    /// # Errors
    /// Those of asking the server.
    pub async fn look(
        &mut self,
        context: &Context,
        session: &Session,
        limit: usize,
    ) -> Result<Ranking> {
        let Watch { args, basis, cache } = self;
        let history = basis.history(context, session);
        let filter = args.filter(context, &history).await?;
        let mut ranking = args.ranking(&history, &filter, limit.saturating_add(SPARE)).await?;
        complete(&mut ranking, &history, cache, Length::Cut).await?;
        args.cut(&mut ranking, &history, limit);
        Ok(ranking)
    }

    /// With the plans of the first statements, and what they did from snapshot to snapshot.
    ///
    /// # Errors
    /// Those of asking the server.
    pub async fn look_deeper(
        &mut self,
        context: &Context,
        session: &Session,
        (limit, explained): (usize, usize),
    ) -> Result<Ranking> {
        let mut ranking = self.look(context, session, limit).await?;
        let basis = &self.basis;
        let history = basis.history(context, session);
        let args = Args { explain: Some(explained), ..Args::plain() };
        ranking.details = args.details(&ranking, &history, basis).await?;
        for (at, details) in ranking.details.iter_mut().enumerate() {
            let key = ranking.statements[at].key;
            if let Known::Known(past) = history.history(key).await? {
                details.history = past;
            }
        }
        Ok(ranking)
    }

    /// How much ran from one snapshot to the next after snapshot `after`, or in all where no snapshot is as new.
    pub async fn past_loads(
        &self,
        context: &Context,
        session: &Session,
        (after, most): (i64, i64),
    ) -> Known<Vec<SnapshotLoad>> {
        self.basis.history(context, session).loads(after, most).await
    }
}

impl Basis {
    /// What this database has counted.
    fn history<'h>(&'h self, context: &'h Context, session: &'h Session) -> StatementHistory<'h> {
        StatementHistory {
            session,
            extension: &self.extension,
            database: Some(self.extension.dbid),
            history_owner: context.config.history.owner.as_deref(),
            schema: OnceCell::new(),
        }
    }
}

/// A statement with the keys of the document.
pub fn row(ranking: &Ranking, at: usize) -> Value {
    document::object(ranking, at)
}

impl Args {
    /// Nothing in particular is asked for.
    fn plain() -> Self {
        Args {
            queryid: None,
            sort: Sort::default(),
            limit: None,
            min_mean: None,
            min_calls: 0,
            user: None,
            like: Vec::new(),
            exclude: Vec::new(),
            all_databases: false,
            since: None,
            until: None,
            against: None,
            interval: None,
            watch: false,
            fail_if: Vec::new(),
            explain: None,
            explain_others: Vec::new(),
            declared: Vec::new(),
            utility: false,
            own: false,
            full: false,
        }
    }
}

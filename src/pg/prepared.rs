//! Statements that are parsed once and executed again and again, with values as texts.

use std::error::Error;
use std::future::Future;
use std::pin::pin;

use deadpool_postgres::Object;
use futures_util::StreamExt;
use tokio_postgres::Statement;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{Format, IsNull, Kind, ToSql, Type, to_sql_checked};

use super::session::{Answer, Session};

/// A statement that one session has parsed.
pub struct Prepared {
    statement: Statement,
    text: String,
}

impl Prepared {
    /// Of each parameter, whether it is an array.
    pub fn arrays(&self) -> Vec<bool> {
        let is_array = |of: &Type| matches!(of.kind(), Kind::Array(_));
        self.statement.params().iter().map(is_array).collect()
    }
}

/// A value that the server reads as it reads a constant.
#[derive(Debug)]
struct TextValue<'v>(&'v str);

impl ToSql for TextValue<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

impl Session {
    /// Has the server parse a statement, alone: in the extended protocol it refuses a text that holds a second.
    pub async fn prepare(&self, text: &str) -> Answer<Prepared> {
        self.trusted()?;
        self.echo.hear(text);
        let statement = self.wire.answer(self.client.prepare(text)).await?;
        Ok(Prepared { statement, text: text.to_owned() })
    }

    /// Executes it and passes over its rows. Returns how many there were. When `stop` completes it is cancelled on the
    /// server, and its end awaited: `None`.
    pub async fn run_unless(
        &self,
        prepared: &Prepared,
        values: &[String],
        stop: impl Future<Output = ()>,
    ) -> Option<Answer<u64>> {
        if let Err(error) = self.trusted() {
            return Some(Err(error));
        }
        self.echo.hear(&prepared.text);
        let work = async {
            let values = values.iter().map(|value| TextValue(value));
            let mut rows = pin!(self.client.query_raw(&prepared.statement, values).await?);
            let mut count = 0;
            while let Some(row) = rows.next().await {
                row?;
                count += 1;
            }
            Ok(count)
        };
        self.unless(self.wire.answer(work), stop).await
    }

    /// Ends the connection, instead of giving it back to its pool.
    pub fn end(self) {
        drop(Object::take(self.client));
    }
}

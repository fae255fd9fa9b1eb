//! Rows of a server that may send anything. Names and texts come from whoever may choose them, and
//! in a database without encoding they are any bytes: they are read as far as they are UTF-8. A column
//! of another type, or NULL where none may be, is no answer of a PostgreSQL: reading it does not end
//! the process, but nothing is sent to that server any more, and the command fails.

use std::error::Error;
use std::fmt::Display;
use std::sync::{Arc, OnceLock};

use tokio_postgres::row::RowIndex;
use tokio_postgres::types::{FromSql, Type};

use super::server_error::{ServerError, chain};

#[derive(Debug)]
pub struct Row {
    row: tokio_postgres::Row,
    fault: Fault,
}

/// What a row costs besides its values.
const OVERHEAD_BYTES: usize = 256;

impl Row {
    pub(super) fn new(row: tokio_postgres::Row, fault: Fault) -> Self {
        Row { row, fault }
    }

    /// About so much memory it takes.
    pub(super) fn size_bytes(&self) -> usize {
        self.row.raw_size_bytes() + OVERHEAD_BYTES
    }

    /// A column's value. Where the server sent something else it is the type's default, which is
    /// never acted on, because of the [`Fault`].
    pub fn get<'a, I: RowIndex + Display, T: RowColumn<'a>>(&'a self, column: I) -> T {
        let name = column.to_string();
        T::read(&self.row, column).unwrap_or_else(|error| {
            let error = chain(&error);
            self.fault
                .note(&format!("the server sent what it should not (column {name}: {error})"));
            T::default()
        })
    }
}

/// What a server of the database has sent that no PostgreSQL sends.
#[derive(Debug, Clone, Default)]
pub struct Fault(Arc<OnceLock<String>>);

impl Fault {
    /// The first one stays.
    pub(super) fn note(&self, message: &str) {
        let _ = self.0.set(message.to_owned());
    }

    /// The failure of all that is asked after it.
    pub fn error(&self) -> Option<ServerError> {
        let message = self.0.get()?.clone();
        let (detail, hint, position) = (None, None, None);
        Some(ServerError {
            sqlstate: Some(PROTOCOL_VIOLATION.to_owned()),
            message,
            detail,
            hint,
            position,
        })
    }
}

const PROTOCOL_VIOLATION: &str = "08P01";

/// What can be read from a column.
pub trait RowColumn<'a>: Default {
    /// Reads it.
    ///
    /// # Errors
    /// Where there is no such column, and where it is of another type or NULL.
    fn read<I: RowIndex + Display>(
        row: &'a tokio_postgres::Row,
        column: I,
    ) -> Result<Self, tokio_postgres::Error>;
}

/// Text with a sign in place of each sequence of bytes that is not UTF-8.
#[derive(Default)]
struct Lossy(String);

impl<'a> FromSql<'a> for Lossy {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Lossy(String::from_utf8_lossy(raw).into_owned()))
    }

    fn accepts(of: &Type) -> bool {
        <&str as FromSql>::accepts(of) || *of == Type::JSON
    }
}

/// How the driver's type becomes ours.
macro_rules! columns {
    ($($ours:ty, $drivers:ty, $into:expr;)*) => {$(
        impl<'a> RowColumn<'a> for $ours {
            fn read<I: RowIndex + Display>(
                row: &'a tokio_postgres::Row,
                column: I,
            ) -> Result<Self, tokio_postgres::Error> {
                row.try_get::<_, $drivers>(column).map($into)
            }
        }

        impl<'a> RowColumn<'a> for Option<$ours> {
            fn read<I: RowIndex + Display>(
                row: &'a tokio_postgres::Row,
                column: I,
            ) -> Result<Self, tokio_postgres::Error> {
                row.try_get::<_, Option<$drivers>>(column).map(|value| value.map($into))
            }
        }
    )*};
}

columns! {
    bool, bool, |value| value;
    i8, i8, |value| value;
    i16, i16, |value| value;
    i32, i32, |value| value;
    i64, i64, |value| value;
    u32, u32, |value| value;
    f32, f32, |value| value;
    f64, f64, |value| value;
    &'a str, &str, |text| text;
    String, Lossy, |text| text.0;
    Vec<bool>, Vec<bool>, |values| values;
    Vec<i16>, Vec<i16>, |values| values;
    Vec<i32>, Vec<i32>, |values| values;
    Vec<i64>, Vec<i64>, |values| values;
    Vec<u32>, Vec<u32>, |values| values;
    Vec<f64>, Vec<f64>, |values| values;
    Vec<String>, Vec<Lossy>, |texts| texts.into_iter().map(|text| text.0).collect();
    Vec<Option<String>>, Vec<Option<Lossy>>, |texts| {
        texts.into_iter().map(|text| text.map(|text| text.0)).collect()
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_as_far_as_it_is_utf_8() {
        let text = Lossy::from_sql(&Type::TEXT, b"caf\xe9 \xf0\x9f\x90\x98").unwrap();
        assert_eq!(text.0, "caf\u{fffd} \u{1f418}");
    }

    #[test]
    fn the_first_fault_stays() {
        let fault = Fault::default();
        assert_eq!(fault.error(), None);
        fault.note("first");
        fault.note("second");
        assert_eq!(fault.error().map(|error| error.message).as_deref(), Some("first"));
    }
}

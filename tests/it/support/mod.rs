//! The words that tests are written in.

pub mod cable;
pub mod command;
pub mod database;
pub mod document;
pub mod folder;
pub mod installation;
pub mod log;
pub mod old_server;
pub mod place;
pub mod pooler;
pub mod proxy;
pub mod schema;
pub mod server;
pub mod small_disk;
pub mod standby;
pub mod tls;

use std::future::Future;
use std::time::{Duration, Instant};

/// A file that declares nothing.
pub const NOTHING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/nothing.sql");

pub use cable::Cable;
pub use command::{Output, Pgtend, Running};
pub use database::{Blocker, Database, connect_to, sqlstate, value};
pub use proxy::Proxy;

/// How long a condition may take to come true on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Between two looks at a condition.
pub const PAUSE: Duration = Duration::from_millis(10);

/// Waits until the condition holds; fails, saying what was waited for, if it never does.
pub async fn until<F, C>(what: &str, condition: C)
where
    F: Future<Output = bool>,
    C: Fn() -> F,
{
    let give_up = Instant::now() + PATIENCE;
    while !condition().await {
        assert!(Instant::now() < give_up, "waited in vain until {what}");
        tokio::time::sleep(PAUSE).await;
    }
}

/// A table to work on: amounts differ, users and statuses repeat.
pub const SALES: &str =
    "CREATE TABLE sales (id int PRIMARY KEY, user_id int, status text, amount int);
    INSERT INTO sales SELECT n, n % 10, 'open', n FROM generate_series(1, 1000) n;";

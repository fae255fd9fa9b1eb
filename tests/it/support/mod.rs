//! The words that tests are written in.

pub mod command;
pub mod database;
pub mod old_server;
pub mod pooler;
pub mod server;
pub mod tls;

use std::future::Future;
use std::time::{Duration, Instant};

pub use command::{Output, Running};
pub use database::Database;

/// How long a condition may take to come true on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until the condition holds; fails, saying what was waited for, if it never does.
pub async fn until<F, C>(what: &str, condition: C)
where
    F: Future<Output = bool>,
    C: Fn() -> F,
{
    let give_up = Instant::now() + PATIENCE;
    while !condition().await {
        assert!(Instant::now() < give_up, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

//! `--also`: what other servers of the same data have counted. An index that only standbys use is used.

use futures_util::future::join_all;

use super::Context;
use crate::facts::health::{Counted, Node, load_counted};
use crate::facts::{Known, Unavailable};
use crate::failure::Result;
use crate::pg::conninfo::Conninfo;
use crate::pg::database::{ConnectOptions, Database};

/// Looks at each of them. One that cannot be reached is a fact.
///
/// # Errors
/// `Usage` where a URL says nothing.
pub async fn load_nodes(
    context: &Context,
    urls: &[String],
    options: &ConnectOptions,
) -> Result<Vec<Node>> {
    let conninfos = urls
        .iter()
        .enumerate()
        .map(|(at, url)| context.other(at, url))
        .collect::<Result<Vec<_>>>()?;
    Ok(join_all(conninfos.iter().map(|conninfo| node(context, conninfo, options))).await)
}

async fn node(context: &Context, conninfo: &Conninfo, options: &ConnectOptions) -> Node {
    let counted = counted(context, conninfo, options)
        .await
        .unwrap_or_else(|failure| Unavailable::from(failure).into());
    Node { name: conninfo.hosts(), counted }
}

async fn counted(
    context: &Context,
    conninfo: &Conninfo,
    options: &ConnectOptions,
) -> Result<Known<Counted>> {
    let database = Database::open(conninfo, &context.environment, options).await?;
    load_counted(&database.reader().await?).await
}

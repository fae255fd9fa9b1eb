//! `--also`: an index that only standbys use is used.

use futures_util::future::join_all;

use super::rules::{Found, Judged, NotJudged};
use crate::app::Context;
use crate::facts::health::{Counted, Node, load_counted};
use crate::facts::{Known, Unavailable};
use crate::failure::Result;
use crate::findings::{Finding, Rule};
use crate::format::count;
use crate::pg::conninfo::Conninfo;
use crate::pg::database::{ConnectOptions, Database};

/// What is needed once a month has had its turn there, too.
const LONG_DAYS: f64 = 30.0;

/// Looks at each of them. One that cannot be reached is a fact.
///
/// # Errors
/// `Usage` where a URL says nothing.
pub async fn load(
    context: &Context,
    urls: &[String],
    options: &ConnectOptions,
) -> Result<Vec<Node>> {
    let conninfos = urls.iter().enumerate().map(|(at, url)| context.other(at, url));
    let conninfos = conninfos.collect::<Result<Vec<_>>>()?;
    Ok(join_all(conninfos.iter().map(|conninfo| node(context, conninfo, options))).await)
}

async fn node(context: &Context, conninfo: &Conninfo, options: &ConnectOptions) -> Node {
    let counted = counted(context, conninfo, options).await;
    let counted = counted.unwrap_or_else(|failure| Unavailable::from(failure).into());
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

/// What is said of unused indexes rests on all servers.
pub fn on_all(rule: &Rule, judged: Judged, nodes: &[Node]) -> Judged {
    if *rule != Rule::UNUSED_INDEX || nodes.is_empty() {
        return judged;
    }
    let found = judged?;
    for node in nodes {
        let counted = node.counted.seen().map_err(|why| unknown(&node.name, &why.to_string()))?;
        let days = counted.seconds / 86_400.0;
        if days < LONG_DAYS && !found.findings.is_empty() {
            let unused = count(found.findings.len(), "index is", "indexes are");
            let why =
                format!("{unused} without a scan, but it has counted for {days:.0} days only");
            return Err(unknown(&node.name, &why));
        }
    }
    let others = count(nodes.len(), "other server", "other servers");
    let findings = found.findings.into_iter().map(|finding| Finding {
        message: format!("{}, neither here nor on {others}", finding.message),
        ..finding
    });
    Ok(Found { findings: findings.collect(), unknown: found.unknown })
}

fn unknown(name: &str, why: &str) -> NotJudged {
    Unavailable::because(format!("{name} (--also): {why}")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(days: Option<f64>) -> Node {
        let counted = |days| Counted { seconds: days * 86_400.0, ..Counted::default() };
        let lost = || Unavailable::because("it is down").into();
        Node {
            name: "standby".to_owned(),
            counted: days.map_or_else(lost, |days| Known::Known(counted(days))),
        }
    }

    #[test]
    fn unused_is_what_no_server_uses() {
        let found = || Ok(vec![Finding::new(&Rule::UNUSED_INDEX, None, "unused")].into());
        let judge = |judged, nodes: &[Node]| on_all(&Rule::UNUSED_INDEX, judged, nodes);
        let told = judge(found(), &[node(Some(40.0))]).unwrap().findings.remove(0).message;
        assert_eq!(told, "unused, neither here nor on 1 other server");
        assert!(judge(found(), &[node(Some(40.0)), node(None)]).is_err());
        assert!(judge(found(), &[node(Some(2.0))]).is_err());
        assert!(judge(Ok(Found::default()), &[node(Some(2.0))]).is_ok());
        assert!(judge(Ok(Found::default()), &[node(None)]).is_err());
        let other = on_all(&Rule::INVALID_INDEX, found(), &[node(None)]).unwrap();
        assert_eq!(other.findings[0].message, "unused");
    }
}

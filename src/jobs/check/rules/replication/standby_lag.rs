use crate::facts::health::{Glance, Health, Standby};
use crate::findings::{Finding, Rule, Severity};
use crate::format::bytes;
use crate::jobs::check::rules::{Found, Judged, span};

pub const RULE: Rule = Rule::STANDBY_LAG;

/// Less is there whenever much is written.
const MUCH: i64 = 256 << 20;
const VERY_MUCH: i64 = 16 << 30;
const LONG_SECONDS: f64 = 300.0;

/// Without traffic the time since the last transaction says nothing, so bytes come first.
pub fn judge(health: &Health) -> Judged {
    let own = health.glance.seen()?.first().and_then(of_this_server);
    let standbys = health.replication.standbys.seen()?.iter();
    Ok(own.into_iter().chain(standbys.filter_map(of_standby)).collect::<Found>())
}

fn of_this_server(glance: &Glance) -> Option<Finding> {
    finding("this standby", glance.replay_lag_bytes?, glance.replay_seconds)
}

fn of_standby(standby: &Standby) -> Option<Finding> {
    let name = format!("standby {}", standby.name);
    finding(&name, standby.behind_bytes?, standby.behind_seconds)
}

fn finding(name: &str, behind: i64, seconds: Option<f64>) -> Option<Finding> {
    if behind < MUCH {
        return None;
    }
    let time = seconds.map_or_else(String::new, |it| format!(", {}", span(it)));
    let is_bad = behind >= VERY_MUCH || seconds.is_some_and(|seconds| seconds >= LONG_SECONDS);
    let finding = Finding::new(&RULE, None, format!("it has {}{time} yet to replay", bytes(behind)))
        .about(&name)
        .severity(if is_bad { Severity::Warning } else { Severity::Info })
        .help(
            "what is read there is old, and a switch to it takes as long; a query there that replay waits for, its disk \
             or the network hold it up",
        )
        .command("pgtend activity")
        .evidence("behind_bytes", behind)
        .evidence("behind_seconds", seconds);
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::health::Replication;

    #[test]
    fn bytes_come_before_time() {
        let of = |behind_bytes, behind_seconds| {
            let standby = Standby { behind_bytes, behind_seconds, ..Standby::default() };
            let standbys = Known::Known(vec![standby]);
            let replication = Replication { standbys, ..Replication::default() };
            let health = Health { replication, ..Health::default() };
            judge(&health).unwrap().findings.first().map(|finding| finding.severity)
        };
        assert_eq!(of(None, None), None);
        assert_eq!(of(Some(0), Some(86_400.0)), None);
        assert_eq!(of(Some(1 << 30), Some(9.0)), Some(Severity::Info));
        assert_eq!(of(Some(1 << 30), Some(900.0)), Some(Severity::Warning));
        assert_eq!(of(Some(100 << 30), None), Some(Severity::Warning));
    }

    #[test]
    fn a_standby_knows_how_far_it_is_behind() {
        let glance = Glance {
            replay_lag_bytes: Some(20 << 30),
            replay_seconds: Some(60.0),
            ..Glance::default()
        };
        let health = Health { glance: Known::Known(vec![glance]), ..Health::default() };
        let found = judge(&health).unwrap().findings;
        assert_eq!(found[0].object.as_deref(), Some("this standby"));
    }
}

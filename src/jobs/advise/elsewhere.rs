//! What other servers have counted of the indexes that the workload does not need.

use super::unneeded::Unneeded;
use crate::facts::health::Node;
use crate::pg::name::RelationName;
use crate::twin::data::TwinData;
use crate::warning::Warning;

/// The servers of `--also`.
pub struct Elsewhere {
    nodes: Vec<Node>,
}

impl Elsewhere {
    pub fn of_same_data(nodes: Vec<Node>, data: &TwinData) -> Self {
        let own = data
            .indexes
            .iter()
            .map(|index| object(&index.schema, &index.name))
            .collect::<Vec<_>>();
        Elsewhere {
            nodes: nodes.into_iter().map(|node| node.of_same_data(&own)).collect(),
        }
    }

    /// Of which servers nothing is known.
    pub fn warnings(&self) -> Vec<Warning> {
        let unseen = self.nodes.iter().filter_map(|node| {
            let why = node.counted.seen().err()?;
            Some(Warning {
                rule: "server-not-seen",
                object: node.name.clone(),
                message: format!("--also: {why}; no index is called safe to drop"),
            })
        });
        unseen.collect()
    }

    /// With their scans. Where those of one server are not known, those of all are not.
    pub fn count(&self, unneeded: Vec<Unneeded>) -> Vec<Unneeded> {
        unneeded.into_iter().map(|index| self.counted(index)).collect()
    }

    fn counted(&self, index: Unneeded) -> Unneeded {
        let name = object(&index.schema, &index.name);
        let others = self.nodes.iter().map(|node| {
            let counted = node.counted.known()?;
            Some((*counted.indexes.get(&name)?, counted.seconds))
        });
        let Some(others) = others.collect::<Option<Vec<_>>>() else {
            return Unneeded { scans: None, ..index };
        };
        let scans = others.iter().map(|(scans, _)| scans).sum::<i64>();
        let seconds = others.iter().map(|(_, seconds)| *seconds);
        Unneeded {
            scans: index.scans.map(|own| own + scans),
            counted_seconds: seconds.fold(index.counted_seconds, f64::min),
            other_servers: others.len(),
            ..index
        }
    }
}

/// As servers quote it.
fn object(schema: &str, name: &str) -> String {
    RelationName::qualified(schema, name).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::health::Counted;
    use crate::facts::{Known, Unavailable};

    fn node(scans: i64) -> Node {
        let indexes = [("public.spare".to_owned(), scans)].into();
        let counted = Counted { indexes, seconds: 5.0, ..Counted::default() };
        Node { name: "paris".to_owned(), counted: Known::Known(counted) }
    }

    fn counted(nodes: Vec<Node>) -> Unneeded {
        let spare = Unneeded {
            schema: "public".to_owned(),
            name: "spare".to_owned(),
            table: "t".to_owned(),
            bytes: 0,
            scans: Some(0),
            counted_seconds: 9.0,
            other_servers: 0,
            covered_by: None,
            statements: 1,
        };
        Elsewhere { nodes }.count(vec![spare]).remove(0)
    }

    #[test]
    fn scans_of_all_servers_count_and_the_youngest_counters() {
        let index = counted(vec![node(0), node(3)]);
        assert_eq!((index.scans, index.counted_seconds, index.other_servers), (Some(3), 5.0, 2));
        let lost = Node {
            counted: Unavailable::because("it is down").into(),
            ..node(0)
        };
        assert_eq!(counted(vec![node(0), lost]).scans, None);
        assert_eq!(counted(Vec::new()).scans, Some(0));
    }
}

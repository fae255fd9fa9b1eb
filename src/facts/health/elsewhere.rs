//! What other servers of the same data have counted: standbys count the scans that they do themselves.

use std::collections::HashMap;

use super::{Health, briefly, rows};
use crate::facts::{Known, Unavailable};
use crate::failure::Result;
use crate::pg::session::Session;

/// Another server.
#[derive(Debug, Clone)]
pub struct Node {
    /// As it is told.
    pub name: String,
    pub counted: Known<Counted>,
}

/// What a server has counted, by objects as servers quote them.
#[derive(Debug, Clone, Default)]
pub struct Counted {
    /// Scans of indexes.
    pub indexes: HashMap<String, i64>,
    /// Sequential scans of tables, and the rows that these have read.
    pub tables: HashMap<String, (i64, i64)>,
    /// For how long it has counted.
    pub seconds: f64,
}

/// Looks at what it has counted.
///
/// # Errors
/// Whatever keeps it from being known.
pub async fn load_counted(session: &Session) -> Result<Known<Counted>> {
    let counted = briefly(session, async {
        let indexes = rows(session, include_str!("../../../sql/check/indexes.sql")).await;
        let tables = rows(session, include_str!("../../../sql/check/tables.sql")).await;
        let databases = rows(session, include_str!("../../../sql/check/databases.sql")).await;
        let glance = rows(session, include_str!("../../../sql/check/glance.sql")).await;
        Health { indexes, tables, databases, glance, ..Health::default() }.counted()
    });
    Ok(counted.await?.map_or_else(Known::from, Known::Known))
}

impl Health {
    /// What this server has counted.
    fn counted(&self) -> std::result::Result<Counted, Unavailable> {
        let scans = self.indexes.seen()?.iter().map(|it| (it.object.clone(), it.scans));
        let reads = self
            .tables
            .seen()?
            .iter()
            .map(|it| (it.object.clone(), (it.sequential_scans, it.sequential_rows)));
        Ok(Counted {
            indexes: scans.collect(),
            tables: reads.collect(),
            seconds: self.counted_seconds()?,
        })
    }

    /// For how long scans have been counted: since the last reset, or at least since the server was started.
    pub fn counted_seconds(&self) -> std::result::Result<f64, &Unavailable> {
        let current = self.databases.seen()?.iter().find(|it| it.is_current);
        let uptime = self.glance.seen()?.first().map_or(0.0, |it| it.uptime_seconds);
        Ok(current.and_then(|it| it.reset_seconds).unwrap_or(uptime))
    }

    /// With what these have counted besides: by name, because they may be no standbys. One that has none of
    /// the indexes is another database, of which nothing is known.
    #[must_use]
    pub fn with_nodes(mut self, nodes: Vec<Node>) -> Self {
        let own = self
            .indexes
            .known()
            .map_or(&[][..], Vec::as_slice)
            .iter()
            .map(|index| index.object.clone())
            .collect::<Vec<_>>();
        self.nodes = nodes.into_iter().map(|node| node.of_same_data(&own)).collect();
        for counted in self.nodes.iter().filter_map(|node| node.counted.known()) {
            if let Known::Known(indexes) = &mut self.indexes {
                for index in indexes {
                    index.scans += counted.indexes.get(&index.object).unwrap_or(&0);
                }
            }
            if let Known::Known(tables) = &mut self.tables {
                for table in tables {
                    let (scans, rows) = counted.tables.get(&table.object).unwrap_or(&(0, 0));
                    table.sequential_scans += scans;
                    table.sequential_rows += rows;
                }
            }
        }
        self
    }
}

impl Node {
    /// One that has none of these indexes is another database, of which nothing is known.
    #[must_use]
    pub fn of_same_data(self, own: &[String]) -> Self {
        let is_other = |counted: &Counted| {
            !own.is_empty() && !own.iter().any(|object| counted.indexes.contains_key(object))
        };
        match self.counted.known() {
            Some(counted) if is_other(counted) => {
                let why = "it has none of the indexes of this database";
                Node { counted: Unavailable::because(why).into(), ..self }
            }
            _ => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::health::{Index, Table};

    #[test]
    fn scans_are_added_by_name() {
        let index =
            |object: &str| Index { object: object.to_owned(), scans: 1, ..Index::default() };
        let table = Table {
            object: "public.t".to_owned(),
            sequential_scans: 2,
            ..Table::default()
        };
        let health = Health {
            indexes: Known::Known(vec![index("public.a"), index("public.b")]),
            tables: Known::Known(vec![table]),
            ..Health::default()
        };
        let counted = |object: &str| Counted {
            indexes: HashMap::from([(object.to_owned(), 40)]),
            tables: HashMap::from([("public.t".to_owned(), (5, 50))]),
            seconds: 0.0,
        };
        let node = |counted| Node { name: "standby".to_owned(), counted };
        let lost = Unavailable::because("it is down");
        let nodes = vec![
            node(Known::Known(counted("public.a"))),
            node(lost.into()),
            node(Known::Known(counted("other.x"))),
        ];
        let merged = health.with_nodes(nodes);
        let known = merged.nodes.iter().map(|node| node.counted.known().is_some());
        assert_eq!(known.collect::<Vec<_>>(), [true, false, false]);
        let indexes = merged.indexes.known().unwrap().iter().map(|it| it.scans);
        assert_eq!(indexes.collect::<Vec<_>>(), [41, 1]);
        let table = &merged.tables.known().unwrap()[0];
        assert_eq!((table.sequential_scans, table.sequential_rows), (7, 50));
    }
}

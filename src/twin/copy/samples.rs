//! Which rows are copied of tables that do not fit: pages of one, and of those that are joined with it the
//! rows that belong to these. Of pages of each by itself hardly a row would find its partner.

use std::collections::{BTreeMap, VecDeque};

use super::rows::Share;
use crate::pg::name::{RelationName, quote_ident};
use crate::twin::data::{TwinColumn, TwinRelation};
use crate::twin::ddl::qualified;

/// Two tables that a statement joins by the equality of columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Join {
    pub tables: [RelationName; 2],
    /// Of the one and of the other.
    pub columns: Vec<[String; 2]>,
}

/// A table whose copied rows decide which rows of another are copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partner {
    pub table: RelationName,
    /// The other's column and the partner's.
    pub columns: Vec<[String; 2]>,
}

/// The same pages whenever they are asked for.
const SEED: u32 = 0;

/// Gives the shares that do not fit a partner each, as far as joins lead from one to another. The one with
/// the fewest rows is sampled by its pages: most often it is the one that the others refer to. Partitions
/// have partners, and are nobody's.
pub(super) fn with_partners(
    mut shares: Vec<Share>,
    joins: &[Join],
    relations: &[&TwinRelation],
) -> Vec<Share> {
    let links = Links::of(&shares, joins, relations);
    for root in links.roots() {
        let found = links.reached_from(&root);
        let is_taken = |share: &Share| share.partner.is_some() || share.is_leading;
        let reached = |share: &Share| share.is(&root) || found.contains_key(&share.relation());
        if found.is_empty() || shares.iter().any(|share| reached(share) && is_taken(share)) {
            continue;
        }
        let least = shares.iter().filter(|share| reached(share)).filter_map(|share| share.percent);
        let least = least.fold(100.0, f64::min);
        for share in shares.iter_mut().filter(|share| reached(share)) {
            share.partner = found.get(&share.relation()).cloned();
            if share.partner.is_none() {
                (share.is_leading, share.percent) = (true, Some(least));
            } else {
                share.most_rows = links.rows_within(share);
            }
        }
    }
    // Whoever has a partner is read after him.
    let depths = shares.iter().map(|share| (share.oid, chain(share, &shares).len()));
    let depths = depths.collect::<BTreeMap<_, _>>();
    shares.sort_by_key(|share| depths.get(&share.oid).copied());
    shares
}

/// Which tables that do not fit are joined, and by which columns.
struct Links<'d> {
    by_name: BTreeMap<RelationName, &'d TwinRelation>,
    partners: BTreeMap<RelationName, Vec<Partner>>,
}

impl<'d> Links<'d> {
    fn of(shares: &[Share], joins: &[Join], relations: &[&'d TwinRelation]) -> Self {
        let sampled = relations.iter().filter(|relation| {
            let mut sampled = shares.iter().filter(|share| share.percent.is_some());
            relation.rows() > 0.0 && sampled.any(|share| share.oid == relation.oid)
        });
        let by_name = sampled.map(|relation| (name(relation), *relation)).collect();
        let mut links = Links { by_name, partners: BTreeMap::new() };
        for Join { tables: [one, other], columns } in joins {
            let turned = columns.iter().map(|[own, its]| [its.clone(), own.clone()]);
            links.add(one, other, columns);
            links.add(other, one, &turned.collect::<Vec<_>>());
        }
        links
    }

    /// Where `one` is a partition, so are those beside it, which the plan may not name.
    fn add(&mut self, one: &RelationName, other: &RelationName, columns: &[[String; 2]]) {
        let Some((of, its)) = self.by_name.get(one).zip(self.by_name.get(other)) else {
            return;
        };
        if one == other || !its.parents.is_empty() || !may_compare(of, its, columns) {
            return;
        }
        let partner = Partner { table: other.clone(), columns: columns.to_vec() };
        let beside = self
            .by_name
            .values()
            .filter(|relation| !of.parents.is_empty() && relation.parents == of.parents);
        for relation in beside.map(|relation| name(relation)).chain([one.clone()]) {
            let known = self.partners.entry(relation).or_default();
            if known.iter().all(|known| known.table != partner.table) {
                known.push(partner.clone());
            }
        }
    }

    fn roots(&self) -> Vec<RelationName> {
        let whole = self.by_name.iter().filter(|(_, relation)| relation.parents.is_empty());
        let mut roots = whole.collect::<Vec<_>>();
        roots.sort_by(|(_, one), (_, other)| one.rows().total_cmp(&other.rows()));
        roots.into_iter().map(|(name, _)| name.clone()).collect()
    }

    /// As many rows as may be copied.
    fn rows_within(&self, share: &Share) -> Option<u64> {
        let rows = self.by_name.get(&share.relation())?.rows();
        Some((rows * share.percent? / 100.0).ceil() as u64)
    }

    /// The tables that joins lead to, each with the one before it.
    fn reached_from(&self, root: &RelationName) -> BTreeMap<RelationName, Partner> {
        let mut found: BTreeMap<RelationName, Partner> = BTreeMap::new();
        let mut left = VecDeque::from([root.clone()]);
        while let Some(at) = left.pop_front() {
            for (next, partners) in &self.partners {
                let partner = partners.iter().find(|partner| partner.table == at);
                let Some(partner) = partner.filter(|_| next != root && !found.contains_key(next))
                else {
                    continue;
                };
                found.insert(next.clone(), partner.clone());
                left.push_back(next.clone());
            }
        }
        found
    }
}

/// Only PostgreSQL's own types are compared, for which it needs nobody's functions.
fn may_compare(one: &TwinRelation, other: &TwinRelation, columns: &[[String; 2]]) -> bool {
    let column = |of: &TwinRelation, name: &str| {
        of.columns.iter().find(|column| column.name == name).cloned()
    };
    let of_pair = |[own, its]: &[String; 2]| column(one, own).zip(column(other, its));
    columns.iter().all(|pair| {
        of_pair(pair).is_some_and(|(own, its)| {
            let kinds = (kind(&own), kind(&its));
            kinds.0.is_some() && kinds.0 == kinds.1 && own.collation == its.collation
        })
    })
}

/// Types whose values can be compared with each other have one kind.
fn kind(column: &TwinColumn) -> Option<&str> {
    let name = column.of.split('(').next().unwrap_or_default().trim();
    // The name of any other schema's type is qualified.
    match name {
        "smallint" | "integer" | "bigint" => Some("integer"),
        "text" | "character varying" => Some("text"),
        name => (!name.contains('.')).then_some(name),
    }
}

fn name(relation: &TwinRelation) -> RelationName {
    RelationName::qualified(relation.schema.clone(), relation.name.clone())
}

/// FROM and what follows it, of a query that reads a share.
pub(super) fn source(share: &Share, shares: &[Share]) -> String {
    let (from, condition) = selected(share, shares, 0);
    let most = share.most_rows.filter(|_| share.partner.is_some());
    [
        Some(from),
        condition.map(|it| format!("WHERE {it}")),
        most.map(|it| format!("LIMIT {it}")),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join(" ")
}

fn selected(share: &Share, shares: &[Share], depth: usize) -> (String, Option<String>) {
    let from = format!("FROM ONLY {} AS t{depth}", qualified(&share.schema, &share.name));
    let partner = share.partner.as_ref();
    let other = partner.and_then(|of| Some((of, shares.iter().find(|other| other.is(&of.table))?)));
    match (other, share.percent) {
        (Some((partner, other)), _) => {
            let (inner, condition) = selected(other, shares, depth + 1);
            let equal = partner.columns.iter().map(|[own, its]| {
                let (own, its) = (quote_ident(own), quote_ident(its));
                format!("t{}.{its} OPERATOR(pg_catalog.=) t{depth}.{own}", depth + 1)
            });
            let all = equal.chain(condition).collect::<Vec<_>>().join(" AND ");
            (from, Some(format!("EXISTS (SELECT {inner} WHERE {all})")))
        }
        (None, Some(percent)) => {
            let sample = format!("TABLESAMPLE pg_catalog.system ({percent:.4})");
            (format!("{from} {sample} REPEATABLE ({SEED})"), None)
        }
        (None, None) => (from, None),
    }
}

/// The partner of a share, his partner, and so on: what is read beside it.
pub(super) fn chain<'s>(share: &'s Share, shares: &'s [Share]) -> Vec<&'s Share> {
    let mut chain = Vec::new();
    let mut at = share;
    while let Some(partner) = &at.partner {
        let Some(next) = shares.iter().find(|other| other.is(&partner.table)) else {
            break;
        };
        chain.push(next);
        at = next;
    }
    chain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::twin::data::Parent;

    fn relation(oid: u32, rows: u32, columns: &[(&str, &str)]) -> TwinRelation {
        let columns = columns.iter().map(|(name, of)| TwinColumn {
            name: (*name).to_owned(),
            of: (*of).to_owned(),
            ..TwinColumn::default()
        });
        TwinRelation {
            oid,
            schema: "s".to_owned(),
            name: format!("t{oid}"),
            reltuples: rows.to_string(),
            columns: columns.collect(),
            ..TwinRelation::default()
        }
    }

    fn share(relation: &TwinRelation, percent: f64) -> Share {
        Share { percent: Some(percent), ..Share::of(relation, 1000) }
    }

    fn join(one: &TwinRelation, own: &str, other: &TwinRelation, its: &str) -> Join {
        Join {
            tables: [name(one), name(other)],
            columns: vec![[own.to_owned(), its.to_owned()]],
        }
    }

    #[test]
    fn rows_are_those_that_belong_to_the_pages_of_one_table() {
        let customers = relation(1, 100, &[("id", "integer")]);
        let orders = relation(2, 1000, &[("id", "bigint"), ("customer", "bigint")]);
        let lines = relation(3, 9000, &[("order", "bigint"), ("part", "public.code")]);
        let parts = relation(4, 5000, &[("id", "public.code")]);
        let relations = [&customers, &orders, &lines, &parts];
        let given = [(&lines, 5.0), (&parts, 20.0), (&orders, 10.0), (&customers, 50.0)];
        let given = given.map(|(relation, percent)| share(relation, percent)).to_vec();
        let joins = [
            join(&lines, "order", &orders, "id"),
            join(&orders, "customer", &customers, "id"),
            join(&lines, "part", &parts, "id"),
        ];
        let shares = with_partners(given, &joins, &relations);
        let sources = shares.iter().map(|share| source(share, &shares)).collect::<Vec<_>>();
        let pages = "TABLESAMPLE pg_catalog.system (5.0000) REPEATABLE (0)";
        assert_eq!(
            sources,
            [
                // Comparing its keys would take functions of others.
                "FROM ONLY s.t4 AS t0 TABLESAMPLE pg_catalog.system (20.0000) REPEATABLE (0)"
                    .to_owned(),
                format!("FROM ONLY s.t1 AS t0 {pages}"),
                format!(
                    "FROM ONLY s.t2 AS t0 WHERE EXISTS (SELECT FROM ONLY s.t1 AS t1 {pages} WHERE \
                     t1.id OPERATOR(pg_catalog.=) t0.customer) LIMIT 100"
                ),
                format!(
                    "FROM ONLY s.t3 AS t0 WHERE EXISTS (SELECT FROM ONLY s.t2 AS t1 WHERE \
                     t1.id OPERATOR(pg_catalog.=) t0.\"order\" AND EXISTS (SELECT FROM ONLY s.t1 AS t2 \
                     {pages} WHERE t2.id OPERATOR(pg_catalog.=) t1.customer)) LIMIT 450"
                ),
            ]
        );
        assert_eq!(chain(&shares[3], &shares).len(), 2);
    }

    #[test]
    fn partitions_belong_to_the_rows_of_a_table_that_is_none() {
        let of = |oid, rows| TwinRelation {
            parents: vec![Parent { schema: "s".to_owned(), name: "all".to_owned() }],
            ..relation(oid, rows, &[("customer", "integer")])
        };
        let customers = relation(9, 5000, &[("id", "integer")]);
        let (first, second) = (of(1, 100), of(2, 100));
        let given = [&first, &second, &customers].map(|relation| share(relation, 10.0)).to_vec();
        let joins = [join(&first, "customer", &customers, "id")];
        let shares = with_partners(given, &joins, &[&first, &second, &customers]);
        let partners = shares.iter().map(|share| share.partner.is_some()).collect::<Vec<_>>();
        assert_eq!(partners, [false, true, true]);
        assert!(shares[0].is(&name(&customers)));
    }
}

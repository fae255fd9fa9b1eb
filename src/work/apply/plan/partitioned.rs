//! What is to be done about a declared index of a partitioned table.
//!
//! PostgreSQL builds nothing concurrently on the parent. So the parent's index is made alone
//! (`ON ONLY`, invalid until all its parts are there; from then on new partitions get theirs by
//! themselves), each leaf's index is built concurrently, and the parts are attached from the bottom
//! up (PostgreSQL documentation, CREATE INDEX, "Building Indexes Concurrently").

use crate::work::apply::why::Why;
use std::collections::HashMap;

use crate::declared::DeclaredIndex;
use crate::facts::{Build, Facts, Index, IndexShape, Oid, PartitionMember, Relation, RelationKind};
use crate::pg::name::{RelationName, distinct_with_suffix, quote_ident};
use crate::work::plan::{Lock, LockMode, Statement, Step, Verdict};
use crate::work::statement::{create, drop};

/// A partitioned table and the index that is declared on it.
pub struct Tree<'a> {
    /// The facts, which hold the table's partitions and their indexes.
    pub facts: &'a Facts,
    pub declared: &'a DeclaredIndex,
    /// How the server writes it, where that is known.
    pub shape: Option<&'a IndexShape>,
    /// The table.
    pub root: &'a Relation,
    pub name: RelationName,
    /// Its declared parts by their tables.
    parts: HashMap<&'a RelationName, &'a DeclaredIndex>,
}

/// Statements in the order in which they have to be sent.
#[derive(Default)]
struct StatementQueue {
    parents: Vec<Statement>,
    drops: Vec<Statement>,
    builds: Vec<Statement>,
    attachments: Vec<Statement>,
    leaves: usize,
}

impl<'a> Tree<'a> {
    /// The tree of a table, on which `declared` is called `name`.
    pub fn new(
        facts: &'a Facts,
        declared: &'a DeclaredIndex,
        shape: Option<&'a IndexShape>,
        root: &'a Relation,
        name: RelationName,
    ) -> Self {
        let parts = declared.parts.iter().map(|part| (&part.table, part)).collect();
        Tree { facts, declared, shape, root, name, parts }
    }

    /// Fills in verdict, reason, statements and lock. `index` is the parent's index, if it is there
    /// and not valid yet.
    pub fn fill(&self, step: &mut Step, index: Option<&Index>) {
        let refusal = self.cannot_build().or_else(|| self.cannot_become_valid(index));
        step.busy = self.busy().cloned();
        step.verdict = if refusal.is_some() {
            Verdict::Refused
        } else {
            Verdict::ToDo
        };
        if let Some(reason) = refusal {
            step.reason = reason.into();
            return;
        }
        let mut work = StatementQueue::default();
        let root = (self.root.oid, &self.root.name);
        if self.has_foreign_partition() {
            self.as_a_whole(root, self.declared, &self.name, index, &mut work);
        } else {
            self.parent(root, self.declared, &self.name, index, &mut work);
            self.validate(index, &mut work);
        }
        let why = match index {
            None => Why::MissingOnPartitions { leaves: work.leaves },
            Some(_) => Why::Incomplete,
        };
        step.reason = why.into();
        step.table_bytes = self.members().iter().map(|member| member.size_bytes).sum();
        step.lock = Some(Lock {
            mode: LockMode::AccessExclusive,
            on: "its own new parts, Share on the parent, for moments".to_owned(),
        });
        step.statements = [work.parents, work.drops, work.builds, work.attachments].concat();
    }

    fn members(&self) -> &'a [PartitionMember] {
        self.facts.partitions.get(&self.root.oid).map_or(&[], Vec::as_slice)
    }

    fn children(&self, parent: Oid) -> impl Iterator<Item = &'a PartitionMember> {
        self.members().iter().filter(move |member| member.parent == Some(parent))
    }

    fn indexes(&self, table: Oid) -> &'a [Index] {
        self.facts.indexes.get(&table).map_or(&[], Vec::as_slice)
    }

    fn has_foreign_partition(&self) -> bool {
        self.members().iter().any(|member| member.kind == RelationKind::ForeignTable)
    }

    /// A unique index has to hold the partition key of every level, because each partition can
    /// only look at itself.
    fn cannot_build(&self) -> Option<Why> {
        if !self.declared.unique {
            return None;
        }
        if self.has_foreign_partition() {
            return Some(Why::UniqueForeign);
        }
        for member in self.members() {
            if member.has_key_expressions {
                return Some(Why::UniqueExpression { member: member.name.clone() });
            }
            let holds = |key: &String| self.declared.columns.contains(&Some(key.clone()));
            if let Some(lacking) = member.key_columns.iter().find(|key| !holds(key)) {
                return Some(Why::UniqueLacksKey {
                    member: member.name.clone(),
                    column: quote_ident(lacking),
                });
            }
        }
        None
    }

    /// With a foreign partition, which has no part, no attachment ever makes a parent's index valid, and
    /// its parts, which serve queries, would go with it.
    fn cannot_become_valid(&self, index: Option<&Index>) -> Option<Why> {
        let whole = index.filter(|_| self.has_foreign_partition())?;
        let all = self.facts.indexes.values().flatten();
        let parts = all.filter(|part| part.parent == Some(whole.oid)).count();
        (parts > 0).then(|| Why::StaysInvalid { index: whole.name.clone(), parts })
    }

    fn busy(&self) -> Option<&'a Build> {
        self.facts
            .builds
            .iter()
            .find(|build| self.members().iter().any(|member| build.table == Some(member.oid)))
    }

    /// The index of a partitioned member, its parts, and their attachment.
    fn parent(
        &self,
        (table, table_name): (Oid, &RelationName),
        declared: &DeclaredIndex,
        name: &RelationName,
        index: Option<&Index>,
        work: &mut StatementQueue,
    ) {
        if index.is_none() {
            work.parents
                .push(Statement::Short(vec![create_alone(declared, table_name, name)]));
        }
        for child in self.children(table) {
            let attached = index.and_then(|index| self.attached_to(child.oid, index.oid));
            let part = match child.kind {
                RelationKind::PartitionedTable => self.inner(child, attached, work),
                _ => self.leaf(child, attached, work),
            };
            if attached.is_none_or(|index| !index.is_whole()) {
                work.attachments.push(attach(name, &part));
            }
        }
    }

    /// Makes the part of a partitioned member, and says its name.
    fn inner(
        &self,
        child: &PartitionMember,
        attached: Option<&Index>,
        work: &mut StatementQueue,
    ) -> RelationName {
        let (declared, own_name) = self.part(child);
        let existing = attached.or_else(|| self.unattached(child, &own_name));
        let name = existing.map_or(own_name, |index| index.name.clone());
        self.parent((child.oid, &child.name), declared, &name, existing, work);
        name
    }

    /// Makes the part of a table, and says its name.
    fn leaf(
        &self,
        child: &PartitionMember,
        attached: Option<&Index>,
        work: &mut StatementQueue,
    ) -> RelationName {
        work.leaves += 1;
        if let Some(index) = attached {
            if !index.is_whole() {
                let sql = format!("REINDEX INDEX CONCURRENTLY {}", index.name);
                work.drops.push(Statement::Alone(sql));
            }
            return index.name.clone();
        }
        let (declared, own_name) = self.part(child);
        match self.unattached(child, &own_name) {
            Some(index) if index.is_whole() => index.name.clone(),
            leftover => {
                work.drops.extend(leftover.map(|index| drop(&index.name)));
                work.builds.push(create(declared, &child.name, Some(child.oid), &own_name));
                own_name
            }
        }
    }

    fn attached_to(&self, table: Oid, parent: Oid) -> Option<&'a Index> {
        self.indexes(table).iter().find(|index| index.parent == Some(parent))
    }

    /// An index of a member that can become a part: whole and equal under whatever name, or ours
    /// by its name, in whatever state. What is declared as the part is the only one that can.
    fn unattached(&self, member: &PartitionMember, own_name: &RelationName) -> Option<&'a Index> {
        let free = || self.indexes(member.oid).iter().filter(|index| index.parent.is_none());
        let usable = |index: &&Index| self.is_equal(index) && index.is_whole();
        let is_part_of_ours = |index: &&Index| index.name == *own_name;
        let is_declared = self.declared_part(member).is_some();
        free()
            .find(|index| usable(index) && !is_declared)
            .or_else(|| free().find(is_part_of_ours))
    }

    fn is_equal(&self, index: &Index) -> bool {
        self.shape.is_some_and(|shape| index.shape.equals(shape))
    }

    /// What is declared as the member's part, unless another index has its name meanwhile.
    fn declared_part(&self, member: &PartitionMember) -> Option<&'a DeclaredIndex> {
        let part = self.parts.get(&member.name).copied()?;
        let mut indexes = self.indexes(member.oid).iter();
        let drifted =
            |index: &Index| Some(&index.name.name) == part.name.as_ref() && !self.is_equal(index);
        (!indexes.any(drifted)).then_some(part)
    }

    /// The member's part, and its name: the declared one or `partition_index`, the same in every run.
    fn part(&self, member: &PartitionMember) -> (&'a DeclaredIndex, RelationName) {
        let part = self.declared_part(member);
        if let Some((part, name)) = part.and_then(|part| Some((part, part.name.as_deref()?))) {
            return (part, member.name.sibling(name));
        }
        let whole = format!("{}_{}", member.name.name, self.name.name);
        (self.declared, member.name.sibling(distinct_with_suffix(&whole, "")))
    }

    /// All parts are there and valid, but the parent is not: it is looked at again when a part
    /// is attached, also one that was attached before.
    fn validate(&self, index: Option<&Index>, work: &mut StatementQueue) {
        let Some(index) = index else { return };
        let any_left = !(work.parents.is_empty()
            && work.drops.is_empty()
            && work.builds.is_empty()
            && work.attachments.is_empty());
        let part = self
            .children(self.root.oid)
            .filter_map(|child| self.attached_to(child.oid, index.oid))
            .next();
        if let Some(part) = part.filter(|_| !any_left) {
            work.attachments.push(attach(&index.name, &part.name));
        }
    }

    /// With a foreign partition, which has no part, the parent would never become valid by
    /// attachment. Made last and as a whole, it takes the parts that are there for its own.
    fn as_a_whole(
        &self,
        (table, table_name): (Oid, &RelationName),
        declared: &DeclaredIndex,
        name: &RelationName,
        index: Option<&Index>,
        work: &mut StatementQueue,
    ) {
        if let Some(index) = index {
            work.parents.push(Statement::Short(vec![format!("DROP INDEX {}", index.name)]));
        }
        for child in self.children(table) {
            match child.kind {
                RelationKind::ForeignTable => {}
                RelationKind::PartitionedTable if self.leads_to_foreign(child) => {
                    let (declared, own_name) = self.part(child);
                    let existing = self.unattached(child, &own_name);
                    if !existing.is_some_and(Index::is_whole) {
                        let child = (child.oid, &child.name);
                        self.as_a_whole(child, declared, &own_name, existing, work);
                    }
                }
                RelationKind::PartitionedTable => _ = self.inner(child, None, work),
                _ => _ = self.leaf(child, None, work),
            }
        }
        work.attachments
            .push(Statement::Short(vec![create_whole(declared, table_name, name)]));
    }

    fn leads_to_foreign(&self, member: &PartitionMember) -> bool {
        self.children(member.oid)
            .any(|child| child.kind == RelationKind::ForeignTable || self.leads_to_foreign(child))
    }
}

fn create_whole(declared: &DeclaredIndex, table: &RelationName, name: &RelationName) -> String {
    let unique = if declared.unique { "UNIQUE " } else { "" };
    let name = quote_ident(&name.name);
    format!("CREATE {unique}INDEX {name} ON {table} {}", declared.definition)
}

fn create_alone(declared: &DeclaredIndex, table: &RelationName, name: &RelationName) -> String {
    let unique = if declared.unique { "UNIQUE " } else { "" };
    let name = quote_ident(&name.name);
    format!("CREATE {unique}INDEX {name} ON ONLY {table} {}", declared.definition)
}

fn attach(parent: &RelationName, part: &RelationName) -> Statement {
    Statement::Short(vec![format!("ALTER INDEX {parent} ATTACH PARTITION {part}")])
}

//! What belongs to an index and stands in no CREATE INDEX: its comment, tablespace, statistics targets,
//! storage parameters that the declaration does not say, the mark of CLUSTER and of replica identity. A new
//! index in its place gets them, or the plan says that they are lost.

use crate::declared::DeclaredIndex;
use crate::facts::definition::{Parts, split};
use crate::facts::{Index, IndexShape, RelationKind};
use crate::pg::name::{RelationName, quote_ident, quote_literal};

/// In words what the index has and its CREATE INDEX does not bring back.
pub(super) fn beyond(
    index: &Index,
    declared: &DeclaredIndex,
    shape: Option<&IndexShape>,
) -> Vec<String> {
    let own = &index.belongings;
    let mut words = Vec::new();
    let mut add = |has: bool, what: String| {
        if has {
            words.push(what);
        }
    };
    add(index.comment.is_some(), "comment".to_owned());
    if let Some(tablespace) = &own.tablespace {
        let is_declared = declared.tablespace.as_ref() == Some(tablespace);
        add(!is_declared, format!("tablespace {}", quote_ident(tablespace)));
    }
    add(!own.statistics.is_empty(), "statistics targets".to_owned());
    add(own.is_clustered, "mark of CLUSTER".to_owned());
    let is_tuned = shape.is_some_and(|shape| shape.options != index.shape.options);
    add(is_tuned && !index.shape.options.is_empty(), "storage parameters".to_owned());
    words
}

/// What a new index of another definition gets of an old one.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Carried {
    /// What follows the table's name in its CREATE INDEX, where that is not as declared.
    pub definition: Option<String>,
    /// What is sent once it bears the old one's name.
    pub statements: Vec<String>,
    /// In words what it cannot have.
    pub lost: Vec<String>,
}

/// What the new index gets, where `shape` is that of the new one.
pub(super) fn carry(
    index: &Index,
    declared: &DeclaredIndex,
    shape: &IndexShape,
    table: (&RelationName, RelationKind),
) -> Carried {
    let own = &index.belongings;
    let Some(parts) = Parts::of(&shape.definition) else {
        return Carried::default();
    };
    let is_same_method =
        Parts::of(&index.shape.definition).map(|it| it.method) == Some(parts.method);
    let mut carried = Carried::default();
    let options = match is_same_method {
        true => merged(&shape.options, &index.shape.options),
        false => shape.options.clone(),
    };
    let mut tablespace = own.tablespace.as_ref().filter(|_| declared.tablespace.is_none());
    if let Some(name) = tablespace.filter(|_| !own.may_use_tablespace) {
        carried.lost.push(format!("tablespace {}", quote_ident(name)));
        tablespace = None;
    }
    if options != shape.options || tablespace.is_some() {
        let named = declared
            .tablespace
            .as_ref()
            .or(tablespace)
            .map_or_else(String::new, |it| format!(" TABLESPACE {}", quote_ident(it)));
        carried.definition = Some(format!("{}{options}{named}{}", parts.head, parts.predicate));
    }
    for target in &own.statistics {
        match parts.keys.iter().position(|key| is_key(key, &target.key)) {
            Some(at) => carried.statements.push(format!(
                "ALTER INDEX {} ALTER COLUMN {} SET STATISTICS {}",
                index.name,
                at + 1,
                target.target
            )),
            None => carried.lost.push(format!("statistics target of {}", target.key)),
        }
    }
    if let Some(comment) = &index.comment {
        let comment = quote_literal(comment);
        carried.statements.push(format!("COMMENT ON INDEX {} IS {comment}", index.name));
    }
    carried.keep_marks(index, table, is_same_method && parts.predicate.is_empty());
    carried
}

impl Carried {
    /// What says on the table which of its indexes is meant.
    fn keep_marks(
        &mut self,
        index: &Index,
        (table, kind): (&RelationName, RelationKind),
        can_be_clustered: bool,
    ) {
        let own = &index.belongings;
        let kind = if kind == RelationKind::MaterializedView {
            "MATERIALIZED VIEW"
        } else {
            "TABLE"
        };
        let name = quote_ident(&index.name.name);
        if own.is_clustered && can_be_clustered {
            self.statements.push(format!("ALTER {kind} {table} CLUSTER ON {name}"));
        } else if own.is_clustered {
            self.lost.push("mark of CLUSTER".to_owned());
        }
        if own.is_replica_identity {
            self.statements
                .push(format!("ALTER {kind} {table} REPLICA IDENTITY USING INDEX {name}"));
        }
    }
}

/// Whether an index of that shape can be a replica identity, as far as its definition tells; whether its
/// columns are NOT NULL the server knows.
pub(super) fn can_be_replica_identity(shape: &IndexShape) -> bool {
    Parts::of(&shape.definition).is_some_and(|parts| {
        shape.unique
            && parts.predicate.is_empty()
            && parts.keys.iter().all(|key| !key.starts_with('(') && !key.contains('('))
    })
}

/// Whether the key, with its operator class and order, is of that column or expression.
fn is_key(key: &str, column: &str) -> bool {
    key.strip_prefix(column)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

/// The storage parameters that are declared, and those of the old index that the declaration does not say.
fn merged(declared: &str, old: &str) -> String {
    let list = |clause: &str| -> Vec<String> {
        let inner = clause.strip_prefix(" WITH (").and_then(|rest| rest.strip_suffix(')'));
        inner.map_or_else(Vec::new, |inner| split(inner).into_iter().map(str::to_owned).collect())
    };
    let name = |parameter: &str| parameter.split('=').next().unwrap_or_default().to_owned();
    let mut all = list(declared);
    for parameter in list(old) {
        if !all.iter().any(|other| name(other) == name(&parameter)) {
            all.push(parameter);
        }
    }
    if all.is_empty() {
        String::new()
    } else {
        format!(" WITH ({})", all.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_whatever_its_operator_class_is() {
        assert!(is_key("(a + 1) int4_ops DESC", "(a + 1)") && is_key("lower(b)", "lower(b)"));
        assert!(!is_key("(a + 10)", "(a + 1"));
    }

    #[test]
    fn parameters_that_are_declared_win() {
        let old = " WITH (fillfactor='70', deduplicate_items=off)";
        assert_eq!(merged("", old), old);
        let wanted = " WITH (fillfactor='90', deduplicate_items=off)";
        assert_eq!(merged(" WITH (fillfactor='90')", old), wanted);
        assert_eq!(merged("", ""), "");
    }
}

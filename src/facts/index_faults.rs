//! Errors of PostgreSQL that leave damaged indexes behind.

use crate::pg::version::ServerVersion;

/// An error of releases by which indexes of a kind come to lack rows, or to have wrong ones.
pub struct IndexFault {
    /// Which indexes, as findings name them.
    pub indexes: &'static str,
    is_of: fn(KeyClass<'_>) -> bool,
    /// It takes rare values, or bad luck.
    pub is_rare: bool,
    /// What is wrong with them.
    pub what: &'static str,
    /// The minor that ends it, of each major that has it.
    ended_by: &'static [(u32, u32)],
}

/// How a key of an index is ordered or hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyClass<'k> {
    pub method: &'k str,
    pub class: &'k str,
    /// The key's type has a length, as `char(3)`.
    pub has_length: bool,
}

impl IndexFault {
    pub fn is_of(&self, key: KeyClass<'_>) -> bool {
        (self.is_of)(key)
    }

    /// The release that ends it, of this major; `None`: the major never had it.
    pub fn fixed_in(&self, running: ServerVersion) -> Option<ServerVersion> {
        let end = self.ended_by.iter().find(|(major, _)| *major == running.major());
        end.map(|(major, minor)| ServerVersion(major * 10_000 + minor))
    }
}

/// From the release notes. What only makes an index large or slow is left out, and what takes values that hardly
/// anybody has.
pub const INDEX_FAULTS: [IndexFault; 8] = [
    IndexFault {
        indexes: "GiST indexes of pg_trgm",
        is_of: |key| key.method == "gist" && key.class == "gist_trgm_ops",
        is_rare: false,
        what: "searches may miss rows",
        ended_by: &NOVEMBER_2026,
    },
    IndexFault {
        indexes: "B-tree indexes on bpchar without a length",
        is_of: |key| key.method == "btree" && is_bpchar(key.class) && !key.has_length,
        is_rare: true,
        what: "index-only scans may return values with other spaces at their end",
        ended_by: &NOVEMBER_2026,
    },
    IndexFault {
        indexes: "GIN indexes",
        is_of: |key| key.method == "gin",
        is_rare: true,
        what: "a VACUUM with more dead rows than fit into its memory may leave entries behind that point to other rows",
        ended_by: &NOVEMBER_2026,
    },
    IndexFault {
        indexes: "GiST indexes of btree_gist on float4 and float8",
        is_of: |key| {
            key.method == "gist" && ["gist_float4_ops", "gist_float8_ops"].contains(&key.class)
        },
        is_rare: true,
        what: "with NaN among the values searches may miss rows",
        ended_by: &[(14, 24), (15, 19), (16, 15), (17, 11), (18, 6)],
    },
    IndexFault {
        indexes: "BRIN indexes with bloom filters",
        is_of: |key| key.method == "brin" && key.class.ends_with("_bloom_ops"),
        is_rare: false,
        what: "searches may miss rows",
        ended_by: &[(14, 18), (15, 13), (16, 9), (17, 5)],
    },
    IndexFault {
        indexes: "GiST indexes",
        is_of: |key| key.method == "gist",
        is_rare: false,
        what: "those that were built with many rows may miss some of them",
        ended_by: &[(14, 10), (15, 5), (16, 1)],
    },
    IndexFault {
        indexes: "B-tree indexes on interval",
        is_of: |key| key.method == "btree" && key.class == "interval_ops",
        is_rare: false,
        what: "index-only scans may return an equal interval that is written otherwise",
        ended_by: &[(14, 10), (15, 5), (16, 1)],
    },
    IndexFault {
        indexes: "BRIN indexes",
        is_of: |key| key.method == "brin",
        is_rare: false,
        what: "searches for NULL may miss rows",
        ended_by: &[(14, 9), (15, 4)],
    },
];

const NOVEMBER_2026: [(u32, u32); 5] = [(14, 25), (15, 20), (16, 16), (17, 12), (18, 7)];

fn is_bpchar(class: &str) -> bool {
    ["bpchar_ops", "bpchar_pattern_ops"].contains(&class)
}

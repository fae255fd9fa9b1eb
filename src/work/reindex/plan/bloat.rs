//! Whether an index is bloated: by what it was when pgtend built it, else by what the statistics say of a
//! fresh one; and by how full its leaves are, where that was read.

use std::time::Duration;

use super::size;
use crate::facts::reindex::{Density, Facts, Reindexable};
use crate::facts::{Known, Unavailable};
use crate::format;

/// When bloat is worth a rebuild.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gates {
    /// So many times larger than a fresh one.
    pub min_bloat: f64,
    /// So many bytes are given back.
    pub min_saved: u64,
}

/// How an index compares with a fresh one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bloat {
    bytes: f64,
    fresh: f64,
    /// How long ago it was built, where that is what it is compared with.
    built_ago: Option<Duration>,
}

impl Bloat {
    pub fn times(&self) -> f64 {
        self.bytes / self.fresh.max(1.0)
    }

    #[expect(clippy::cast_possible_truncation, reason = "bytes of an index")]
    pub fn fresh_bytes(&self) -> i64 {
        self.fresh as i64
    }

    fn is_over(&self, gates: &Gates) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "a size in bytes")]
        let least = gates.min_saved as f64;
        self.times() >= gates.min_bloat && self.bytes - self.fresh >= least
    }

    /// In how long it will have grown so large, if it grows as it has since it was built.
    fn due_in(&self, gates: &Gates) -> Option<Duration> {
        let grown = self.times() - 1.0;
        let left = gates.min_bloat - self.times();
        let days = self.built_ago?.as_secs_f64() / 86_400.0;
        let is_growing = grown > 0.01 && left > 0.0 && days > 0.01;
        is_growing.then(|| format::seconds(left / grown * days * 86_400.0)).flatten()
    }

    /// `was built 12 days ago, will be at 1.6 times in about 20 days`.
    fn history(&self, gates: &Gates) -> Option<String> {
        let days = |duration: Duration| {
            let days = (duration.as_secs_f64() / 86_400.0).round().max(0.0);
            format!("{days:.0} {}", if (days - 1.0).abs() < 0.5 { "day" } else { "days" })
        };
        let built = format!("built {} ago", days(self.built_ago?));
        Some(match self.due_in(gates) {
            Some(due) => {
                format!("{built}, will be at {} times in about {}", gates.min_bloat, days(due))
            }
            None => built,
        })
    }
}

/// What is to be said of an index's size.
#[derive(Debug, Clone, PartialEq)]
pub enum Judged {
    Bloated(Bloat),
    NotBloated(Bloat),
    /// Its leaves are full, whatever the statistics say.
    Dense(Bloat, Density),
    /// A rebuild could not give back enough, however bloated it is.
    Small,
    NotKnown(Unavailable),
}

impl Judged {
    pub fn bloat(&self) -> Option<&Bloat> {
        match self {
            Judged::Bloated(bloat) | Judged::NotBloated(bloat) | Judged::Dense(bloat, _) => {
                Some(bloat)
            }
            Judged::Small | Judged::NotKnown(_) => None,
        }
    }

    /// `312 MiB, 2.1 times a fresh one of about 148 MiB; built 12 days ago`.
    pub fn words(&self, bytes: i64, gates: &Gates) -> String {
        let mut words = size(bytes);
        if let Some(bloat) = self.bloat() {
            let (times, fresh) = (bloat.times(), size(bloat.fresh_bytes()));
            words.push_str(&format!(", {times:.1} times a fresh one of about {fresh}"));
            if let Some(history) = bloat.history(gates) {
                words.push_str(&format!("; {history}"));
            }
        }
        words
    }
}

/// Judges an index of so many bytes.
pub fn judge(facts: &Facts, index: &Reindexable, bytes: i64, gates: &Gates) -> Judged {
    let Some(known) = facts.bloat.get(&index.oid) else {
        return Judged::Small;
    };
    #[expect(clippy::cast_precision_loss, reason = "a size in bytes")]
    let bytes = bytes as f64;
    let birth = facts.births.get(&index.name.to_string()).filter(|_| known.rows > 0.0);
    let by_birth = birth.map(|birth| Bloat {
        bytes,
        fresh: birth.bytes / birth.rows * known.rows,
        built_ago: Some(birth.ago),
    });
    let by_statistics = || match &known.fresh_bytes {
        #[expect(clippy::cast_precision_loss, reason = "a size in bytes")]
        Known::Known(fresh) => Ok(Bloat { bytes, fresh: *fresh as f64, built_ago: None }),
        Known::Unavailable(why) => Err(why.clone()),
    };
    match by_birth.map_or_else(by_statistics, Ok) {
        Err(why) => Judged::NotKnown(why),
        Ok(bloat) if !bloat.is_over(gates) => Judged::NotBloated(bloat),
        Ok(bloat) => match facts.densities.get(&index.oid) {
            Some(density) if !(Bloat { fresh: density.fresh_bytes(), ..bloat }).is_over(gates) => {
                Judged::Dense(bloat, *density)
            }
            _ => Judged::Bloated(bloat),
        },
    }
}

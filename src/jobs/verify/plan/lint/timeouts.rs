//! Timeouts that are in force when a concurrent statement is sent.

use std::collections::HashMap;

use super::concurrent::Concurrent;
use crate::findings::{Finding, Place, Rule};
use crate::jobs::verify::plan::parsed::ParsedScript;
use crate::jobs::verify::plan::set::{Since, TimeoutInForce};

/// Each of them ends a concurrent statement half-way: lock_timeout counts for every transaction
/// that it waits for, not only for the lock on the table. `seen`: those that were in force when
/// statements were sent.
pub fn check(
    parsed: &ParsedScript<'_>,
    seen: &HashMap<Place, Vec<TimeoutInForce>>,
) -> Vec<Finding> {
    let concurrent = parsed.statements.iter().filter_map(|statement| {
        let concurrent = Concurrent::of(statement)?;
        let place = parsed.place_of(statement);
        let in_force = seen.get(&place).filter(|in_force| !in_force.is_empty())?;
        Some(finding(place, in_force, concurrent))
    });
    concurrent.collect()
}

fn finding(place: Place, in_force: &[TimeoutInForce], concurrent: Concurrent) -> Finding {
    let told = in_force.iter().map(|TimeoutInForce { name, value, since }| match since {
        Since::Statement(place) => format!("{name} is {value} (set at {})", place.at),
        Since::Unknown => format!("{name} is {value} when this is sent"),
        Since::NextSession => {
            format!("{name} is {value} in a new session (by ALTER DATABASE or ALTER ROLE)")
        }
    });
    let unset = in_force.iter().map(|TimeoutInForce { name, .. }| format!("SET {name} = 0"));
    let message = format!(
        "{}; when that ends {} half-way, it leaves {}",
        told.collect::<Vec<_>>().join(" and "),
        concurrent.words(),
        concurrent.leaves(),
    );
    let help = format!(
        "write before it: {}; where the tool sends a file whole, in a migration before this one. \
         While the statement waits it blocks nobody who reads or writes",
        unset.collect::<Vec<_>>().join("; "),
    );
    Finding::new(&Rule::TIMEOUT_BEFORE_CONCURRENT, Some(place), message).help(help)
}

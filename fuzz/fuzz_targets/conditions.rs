//! Conditions as a plan prints them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pgtend::inside::{TableFacts, explained};

fuzz_target!(|text: &str| {
    let plan = serde_json::json!([{"Plan": {
        "Node Type": "Seq Scan", "Relation Name": "t", "Schema": "public", "Alias": "t",
        "Filter": text, "Plan Rows": 1, "Total Cost": 1.0
    }}]);
    explained::relations(&plan);
    explained::compared(&plan);
    explained::bare(text);
    explained::read(&plan, &TableFacts::default());
});

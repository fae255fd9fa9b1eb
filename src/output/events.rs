//! Events as JSON, one a line on standard error, for programs that follow a run.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::work::event::{Event, StepIndex};
use crate::work::plan::Step;

/// The event as a document, with the time; keys are added, never renamed.
pub fn json(event: &Event, steps: &[Step]) -> Value {
    let mut line = told(event, steps);
    if let Value::Object(line) = &mut line {
        line.insert("ts".to_owned(), Timestamp::now().to_string().into());
    }
    line
}

fn told(event: &Event, steps: &[Step]) -> Value {
    let about = |at: &StepIndex, name: &str, details: Value| {
        let step = &steps[*at];
        let mut line = json!({
            "event": name,
            "action": step.action.name(),
            "object": step.object.to_string(),
        });
        if let (Value::Object(line), Value::Object(details)) = (&mut line, details) {
            line.extend(details);
        }
        line
    };
    match event {
        Event::Started(at) => about(at, "started", json!({})),
        Event::Sending(at, statement) => {
            about(at, "sending", json!({ "sql": statement.texts().join(";\n") }))
        }
        Event::Waiting(at, pid, who) => about(at, "waiting", json!({ "pid": pid, "for": who })),
        Event::Warned(at, text) => about(at, "warned", json!({ "message": text })),
        Event::Progressed(at, progress) => about(
            at,
            "progressed",
            json!({
                "phase": progress.phase,
                "percent": progress.percent,
                "per_second": progress.per_second,
                "phase_left_ms": progress.phase_left.map(|left| left.as_millis() as u64),
                "size_bytes": progress.size_bytes,
                "workers": progress.workers,
            }),
        ),
        Event::Retrying(at, why) => about(at, "retrying", json!({ "reason": why })),
        Event::Noticed(at, text) => about(at, "noticed", json!({ "message": text })),
        Event::Advanced(total) => json!({
            "event": "advanced",
            "steps_done": total.steps_done,
            "steps": total.steps,
            "bytes_done": total.bytes_done,
            "bytes": total.bytes,
            "left_ms": total.left.map(|left| left.as_millis() as u64),
        }),
        Event::Finished(at, outcome) => about(
            at,
            "finished",
            json!({
                "status": outcome.status.name(),
                "reason": outcome.reason.words,
                "reason_code": outcome.reason.code.name(),
                "duration_ms": outcome.duration.as_millis() as u64,
            }),
        ),
        Event::Cancelling(signal) => json!({ "event": "cancelling", "signal": signal.name() }),
    }
}

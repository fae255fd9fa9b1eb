//! Execution as it goes: bars on a terminal, lines elsewhere.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::inflight::Inflight;
use super::{Console, Volume, format};
use crate::event::{Event, Events, Outcome, Status, StepIndex};
use crate::plan::Plan;

/// Where the executor's events go.
pub fn follow(console: &Console, plan: &Plan, inflight: &Inflight) -> Events {
    let console = console.clone();
    let inflight = inflight.clone();
    let names = plan.steps.iter().map(|step| format!("{} {}", step.action.words(), step.object));
    let view = Mutex::new(View {
        bars: console.draws_bars(),
        names: names.collect(),
        running: HashMap::new(),
        console,
    });
    Events::new(move |event| {
        inflight.hear(&event);
        view.lock().unwrap_or_else(PoisonError::into_inner).hear(&event);
    })
}

struct View {
    console: Console,
    bars: bool,
    names: Vec<String>,
    running: HashMap<StepIndex, Running>,
}

struct Running {
    bar: Option<ProgressBar>,
    said: String,
}

impl View {
    fn hear(&mut self, event: &Event) {
        match event {
            Event::Started(at) => self.start(*at),
            Event::Sending(..) => {}
            Event::Waiting(at, whom) => self.say(*at, &format!("waits for {whom}"), None),
            Event::Progressed(at, progress) => {
                self.say(*at, &progress.phase, progress.percent);
            }
            Event::Retrying(at, why) => self.say(*at, &format!("tries again: {why}"), None),
            Event::Noticed(at, text) => {
                if self.console.manner().volume == Volume::Verbose {
                    self.console.narrate(&format!("{}: {text}", self.names[*at]));
                }
            }
            Event::Finished(at, outcome) => self.finish(*at, outcome),
            Event::Cancelling(signal) => self.console.narrate(&format!(
                "{}: cancelling and cleaning up; once more leaves at once",
                signal.name()
            )),
        }
    }

    fn start(&mut self, at: StepIndex) {
        let bar = self.bars.then(|| add_bar(&self.console, &self.names[at]));
        if bar.is_none() {
            self.console.narrate(&format!("{} …", self.names[at]));
        }
        self.running.insert(at, Running { bar, said: String::new() });
    }

    fn say(&mut self, at: StepIndex, text: &str, percent: Option<u8>) {
        let Some(running) = self.running.get_mut(&at) else { return };
        if let Some(bar) = &running.bar {
            let percent = percent.map_or(String::new(), |percent| format!(" {percent} %"));
            bar.set_message(format!("{text}{percent}"));
        } else if essence(text) != running.said {
            running.said = essence(text);
            self.console.narrate(&format!("{}: {text}", self.names[at]));
        }
    }

    fn finish(&mut self, at: StepIndex, outcome: &Outcome) {
        if let Some(bar) = self.running.remove(&at).and_then(|running| running.bar) {
            bar.finish_and_clear();
            self.console.bars.remove(&bar);
        }
        let how = match outcome.status {
            Status::Done => format!("done in {}", format::duration(outcome.duration)),
            Status::Skipped => format!("skipped: {}", outcome.reason),
            Status::Failed => format!("failed: {}", outcome.reason),
            Status::Cancelled => outcome.reason.clone(),
        };
        self.console.narrate(&format!("{}: {how}", self.names[at]));
    }
}

/// The text without its figures: a line is not said again because a transaction grew older.
fn essence(text: &str) -> String {
    let end = text.find(", its transaction began").unwrap_or(text.len());
    text[..end].to_owned()
}

/// A bar draws itself where it stands until it is added to the others, so that comes first.
fn add_bar(console: &Console, name: &str) -> ProgressBar {
    let bar = console.bars.add(ProgressBar::new_spinner());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix} [{elapsed}] {wide_msg}") {
        bar.set_style(style);
    }
    bar.set_prefix(name.to_owned());
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

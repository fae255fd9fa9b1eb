//! Execution as it goes: bars on a terminal, lines elsewhere.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::events;
use super::inflight::Inflight;
use super::screen;
use super::table::shown_width;
use super::{Console, Verbosity};
use crate::escape_control::escape_control;
use crate::escape_control::json_line;
use crate::format;
use crate::work::event::{BuildProgress, Event, Events, Status, StepIndex, StepOutcome, Total};
use crate::work::plan::{Plan, Step};

/// Where the executor's events go.
pub fn follow(console: &Console, plan: &Plan, inflight: &Inflight) -> Events {
    let console = console.clone();
    let inflight = inflight.clone();
    if console.options().events {
        let steps = plan.steps.clone();
        let pace = Mutex::new(Pace::default());
        return Events::new(move |event| {
            inflight.hear(&event);
            if pace.lock().unwrap_or_else(PoisonError::into_inner).lets_through(&event) {
                console.line(json_line(&events::json(&event, &steps)).trim_end());
            }
        });
    }
    let names = plan.steps.iter().map(Name::of);
    let view = Mutex::new(ProgressView {
        bars: console.draws_bars(),
        names: names.collect(),
        running: HashMap::new(),
        total: None,
        total_said_at: Instant::now(),
        console,
    });
    Events::new(move |event| {
        inflight.hear(&event);
        view.lock().unwrap_or_else(PoisonError::into_inner).hear(&event);
    })
}

/// Of the progress of an object programs are told once a second at most.
#[derive(Default)]
struct Pace(HashMap<StepIndex, Instant>);

impl Pace {
    fn lets_through(&mut self, event: &Event) -> bool {
        let Event::Progressed(at, _) = event else {
            return true;
        };
        let is_due = self.0.get(at).is_none_or(|last| last.elapsed() >= BETWEEN_EVENTS);
        if is_due {
            self.0.insert(*at, Instant::now());
        }
        is_due
    }
}

const BETWEEN_EVENTS: Duration = Duration::from_secs(1);

struct ProgressView {
    console: Console,
    bars: bool,
    names: Vec<Name>,
    running: HashMap<StepIndex, Running>,
    total: Option<TotalBar>,
    total_said_at: Instant,
}

/// What a step is called.
struct Name {
    action: &'static str,
    object: String,
}

impl Name {
    fn of(step: &Step) -> Name {
        let object = escape_control(&step.object.to_string()).into_owned();
        Name { action: step.action.words(), object }
    }

    /// Where all of it leaves no room for the figures, what it is about says more than what is done.
    fn within(&self, room: usize) -> String {
        let whole = self.to_string();
        match shown_width(&whole) <= room {
            true => whole,
            false => cut(&self.object, room),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.action, self.object)
    }
}

struct TotalBar {
    bar: ProgressBar,
    total: Total,
    told_at: Instant,
}

struct Running {
    bar: Option<ProgressBar>,
    said: String,
    said_at: Instant,
    phase_left: Option<Duration>,
}

impl ProgressView {
    fn hear(&mut self, event: &Event) {
        match event {
            Event::Started(at) => self.start(*at),
            Event::Sending(..) => {}
            Event::Waiting(at, pid, who) => {
                self.say(*at, &format!("waits for {who}"), &format!("waits {pid}"));
            }
            Event::Warned(at, text) => self.console.warn(&format!("{}: {text}", self.names[*at])),
            Event::Progressed(at, progress) => self.progress(*at, progress),
            Event::Retrying(at, why) => self.say(*at, &format!("tries again: {why}"), why),
            Event::Noticed(at, text) => {
                if self.console.options().verbosity == Verbosity::Verbose {
                    self.console.narrate(&format!("{}: {text}", self.names[*at]));
                }
            }
            Event::Advanced(total) => self.advance(total),
            Event::Finished(at, outcome) => self.finish(*at, outcome),
            Event::Cancelling(signal) => self.console.narrate(&format!(
                "{}: cancelling and cleaning up; press Ctrl-C again to exit at once",
                signal.name()
            )),
        }
    }

    fn start(&mut self, at: StepIndex) {
        let bar = self.bars.then(|| add_bar(&self.console, &self.names[at]));
        if bar.is_none() {
            self.console.narrate(&format!("{} …", self.names[at]));
        }
        let (said, said_at) = (String::new(), Instant::now());
        self.running.insert(at, Running { bar, said, said_at, phase_left: None });
    }

    fn progress(&mut self, at: StepIndex, progress: &BuildProgress) {
        let figures = figures(progress);
        if let Some(running) = self.running.get_mut(&at) {
            running.phase_left = progress.phase_left;
            if let Some(bar) = &running.bar {
                bar.set_message(as_many_as_fit(&figures, room_beside(bar)));
            } else {
                self.say(at, &figures.concat(), &progress.phase);
            }
        }
        self.tell_total();
    }

    /// Between two steps the time that is left goes on.
    fn tell_total(&self) {
        let Some(TotalBar { bar, total, told_at }) = &self.total else {
            return;
        };
        let known = total.left.map(|left| left.saturating_sub(told_at.elapsed()));
        let of_phases = self.running.values().filter_map(|running| running.phase_left);
        let left = known.max(of_phases.max().filter(|_| known.is_some()));
        let total = Total { left: left.filter(|left| !left.is_zero()), ..*total };
        bar.set_message(as_many_as_fit(&far(&total), usize::from(screen::columns())));
    }

    /// `essence` is what makes it worth a new line where there are no bars; so is silence.
    fn say(&mut self, at: StepIndex, text: &str, essence: &str) {
        let Some(running) = self.running.get_mut(&at) else {
            return;
        };
        if let Some(bar) = &running.bar {
            bar.set_message(cut(&escape_control(text), room_beside(bar)));
        } else if running.said != essence || running.said_at.elapsed() > SILENCE {
            running.said = essence.to_owned();
            running.said_at = Instant::now();
            self.console.narrate(&format!("{}: {text}", self.names[at]));
        }
    }

    /// A bar for the whole run; without bars a line now and then.
    fn advance(&mut self, total: &Total) {
        if total.steps < 2 {
            return;
        }
        if !self.bars {
            if self.total_said_at.elapsed() > SILENCE {
                self.total_said_at = Instant::now();
                self.console.narrate(&far(total).concat());
            }
            return;
        }
        let bar = match self.total.take() {
            Some(TotalBar { bar, .. }) => bar,
            None => add_total(&self.console, total),
        };
        bar.set_position(position(total));
        if total.steps_done == total.steps {
            bar.finish_and_clear();
            self.console.bars.remove(&bar);
            return;
        }
        self.total = Some(TotalBar { bar, total: *total, told_at: Instant::now() });
        self.tell_total();
    }

    fn finish(&mut self, at: StepIndex, outcome: &StepOutcome) {
        if let Some(bar) = self.running.remove(&at).and_then(|running| running.bar) {
            bar.finish_and_clear();
            self.console.bars.remove(&bar);
        }
        if self.bars && outcome.status != Status::Failed {
            // The table at the end tells it.
            return;
        }
        let how = match outcome.status {
            Status::Done => format!("done in {}", format::duration(outcome.duration)),
            Status::Skipped => format!("skipped: {}", outcome.reason),
            Status::Failed => format!("failed: {}", outcome.reason),
            Status::Cancelled => outcome.reason.to_string(),
        };
        self.console.narrate(&format!("{}: {how}", self.names[at]));
    }
}

/// Where there are no bars, a line is said again after so long.
const SILENCE: Duration = Duration::from_secs(30);

/// `64 %, ~3.0 s left in building index: scanning table, 12 MiB, 2 workers`, in parts: what changes stands
/// first, so that a narrow terminal cuts off the rest.
fn figures(progress: &BuildProgress) -> Vec<String> {
    let percent = progress.percent.map(|percent| format!("{percent} %"));
    let left = progress.phase_left.map(|left| format!("~{} left", format::duration(left)));
    let size = progress.size_bytes.filter(|bytes| *bytes > 0).map(format::bytes);
    let workers = usize::try_from(progress.workers).unwrap_or_default();
    let workers = (workers > 0).then(|| format::count(workers, "worker", "workers"));
    let phase = escape_control(&progress.phase).into_owned();
    let figures = separated([percent, left.clone()].iter().flatten());
    let phase = match (&left, figures.is_empty()) {
        (Some(_), _) => format!(" in {phase}"),
        (None, true) => phase,
        (None, false) => format!(", {phase}"),
    };
    let further = [size, workers].into_iter().flatten().map(|part| format!(", {part}"));
    figures.into_iter().chain([phase]).chain(further).collect()
}

/// Each but the first with a comma before it.
fn separated<'p>(parts: impl Iterator<Item = &'p String>) -> Vec<String> {
    parts
        .enumerate()
        .map(|(at, part)| if at == 0 { part.clone() } else { format!(", {part}") })
        .collect()
}

/// `[3/20] 38 %, ~3 min left, 1.2 GiB of 5.0 GiB`.
fn far(total: &Total) -> Vec<String> {
    let mut steps = format!("[{}/{}]", total.steps_done, total.steps);
    if total.bytes > 0 {
        let percent = 100.0 * total.bytes_done as f64 / total.bytes as f64;
        steps.push_str(&format!(" {percent:.0} %"));
    }
    let left = total
        .left
        .filter(|_| total.steps_done < total.steps)
        .map(|left| format!("~{} left", format::duration(left)));
    let bytes = (total.bytes > 0)
        .then(|| format!("{} of {}", format::bytes(total.bytes_done), format::bytes(total.bytes)));
    separated([Some(steps), left, bytes].iter().flatten())
}

/// As many of the parts, from the first on, as a line has room for.
fn as_many_as_fit(parts: &[String], room: usize) -> String {
    let mut text = String::new();
    for part in parts {
        if shown_width(&text) + shown_width(part) > room {
            break;
        }
        text.push_str(part);
    }
    text
}

/// So much of the text as a line has room for.
fn cut(text: &str, room: usize) -> String {
    if shown_width(text) <= room {
        return text.to_owned();
    }
    let mut cut = String::new();
    for char in text.chars() {
        if shown_width(&cut) + 2 >= room {
            break;
        }
        cut.push(char);
    }
    format!("{}…", cut.trim_end())
}

/// What is left of the line for the message.
fn room_beside(bar: &ProgressBar) -> usize {
    let around = "- ".len() + " [59m] ".len();
    usize::from(screen::columns()).saturating_sub(shown_width(&bar.prefix()) + around)
}

/// So much of the line belongs to the figures, however long a name is.
const FIGURES: usize = 34;

/// Empty tables count a little, so that a bar of nothing but them moves as well.
fn position(total: &Total) -> u64 {
    u64::try_from(total.bytes_done).unwrap_or(0) + total.steps_done as u64
}

fn add_total(console: &Console, total: &Total) -> ProgressBar {
    let length = u64::try_from(total.bytes).unwrap_or(0) + total.steps as u64;
    let bar = console.bars.insert(0, ProgressBar::new(length));
    if let Ok(style) = ProgressStyle::with_template("{msg}") {
        bar.set_style(style);
    }
    bar
}

/// A bar draws itself where it stands until it is added to the others, so that comes first.
fn add_bar(console: &Console, name: &Name) -> ProgressBar {
    let bar = console.bars.add(ProgressBar::new_spinner());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix} [{elapsed}] {msg}") {
        bar.set_style(style);
    }
    bar.set_prefix(name.within(usize::from(screen::columns()).saturating_sub(FIGURES)));
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_stands_first_and_how_far_the_run_is_before_all() {
        let progress = BuildProgress {
            phase: "building index: scanning table".to_owned(),
            percent: Some(64),
            per_second: None,
            phase_left: Some(Duration::from_secs(3)),
            size_bytes: Some(12 << 20),
            workers: 2,
        };
        let words = "64 %, ~3.0 s left in building index: scanning table, 12 MiB, 2 workers";
        assert_eq!(figures(&progress).concat(), words);
        let waiting = BuildProgress { percent: None, phase_left: None, ..progress };
        assert_eq!(figures(&waiting)[0], "building index: scanning table");
        let total = Total {
            steps_done: 3,
            steps: 20,
            bytes_done: 3 << 30,
            bytes: 8 << 30,
            left: Some(Duration::from_secs(180)),
        };
        assert_eq!(far(&total).concat(), "[3/20] 38 %, ~3 min 0 s left, 3.0 GiB of 8.0 GiB");
    }

    #[test]
    fn a_line_ends_behind_a_figure_and_not_within_it() {
        let parts = ["38 %", ", ~3 min 0 s left", " in building index"].map(str::to_owned);
        for (room, fits) in [
            (80, "38 %, ~3 min 0 s left in building index"),
            (30, "38 %, ~3 min 0 s left"),
            (20, "38 %"),
            (3, ""),
        ] {
            assert_eq!(as_many_as_fit(&parts, room), fits);
        }
        assert_eq!(cut("waits for 4711 (psql)", 30), "waits for 4711 (psql)");
        assert_eq!(cut("waits for 4711 (psql)", 16), "waits for 4711…");
        assert_eq!(cut("日本語日本語", 8), "日本語…");
        let name = Name {
            action: "build index",
            object: "public.sales_user".to_owned(),
        };
        assert_eq!(name.within(30), "build index public.sales_user");
        assert_eq!(name.within(20), "public.sales_user");
        assert_eq!(name.within(10), "public.s…");
    }

    #[test]
    fn of_each_objects_progress_programs_hear_once_a_second() {
        let mut pace = Pace::default();
        let progress = BuildProgress {
            phase: String::new(),
            percent: None,
            per_second: None,
            phase_left: None,
            size_bytes: None,
            workers: 0,
        };
        let progressed = |at| Event::Progressed(at, progress.clone());
        let heard = [progressed(1), progressed(1), progressed(2), Event::Started(1)];
        let heard = heard.map(|event| pace.lets_through(&event));
        assert_eq!(heard, [true, false, true, true]);
    }
}

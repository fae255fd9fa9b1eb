//! When a job may work: a time limit, and a window of the day.

use std::time::{Duration, Instant};

use jiff::ZonedDateTime;
use serde::Serialize;

use super::Context;
use crate::duration;
use crate::failure::{Failure, Result};
use crate::format;
use crate::output::{Head, Outcome, Report, Style, Text};
use crate::work::time::{Deadline, Rest};
use crate::work::window::{Moment, Window, time_zone};

/// When it may work.
#[derive(Debug, clap::Args)]
pub struct Hours {
    /// Start nothing that would not finish within this time, and cancel what still runs then; what
    /// is left is not a failure
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub time_limit: Option<Duration>,

    #[command(flatten)]
    pub day: TimeOfDay,

    /// Wait until the window opens
    #[arg(long, requires = "window")]
    pub wait: bool,
}

/// At which time of day it may work.
#[derive(Debug, clap::Args)]
pub struct TimeOfDay {
    /// Work only between these times of day: 23:00-05:00; outside them there is nothing to do
    #[arg(long, value_name = "HH:MM-HH:MM", value_parser = Window::parse)]
    pub window: Option<Window>,

    /// Time zone of --window: Europe/Paris [default: that of this machine]
    #[arg(long, value_name = "NAME", requires = "window")]
    pub time_zone: Option<String>,
}

/// How much time there is.
pub enum Time {
    /// Until then; `None`: without an end.
    Left(Option<Deadline>),
    /// The window is closed, which is not waited for.
    Closed,
}

/// What is done while the window is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenClosed {
    Leave,
    Wait,
}

impl Hours {
    /// When everything has to be over.
    ///
    /// # Errors
    /// `Usage` for a time zone that is none; a signal while the window is awaited.
    pub async fn deadline(&self, context: &Context) -> Result<Time> {
        let limit = |limit| Deadline::of_limit(Instant::now(), limit, Rest::IsLeft);
        let closed = if self.wait { WhenClosed::Wait } else { WhenClosed::Leave };
        self.day.deadline(context, self.time_limit.map(limit), closed).await
    }
}

impl TimeOfDay {
    /// When everything has to be over: at this deadline, or when the window closes.
    ///
    /// # Errors
    /// `Usage` for a time zone that is none; a signal while the window is awaited.
    pub async fn deadline(
        &self,
        context: &Context,
        limit: Option<Deadline>,
        closed: WhenClosed,
    ) -> Result<Time> {
        let Some(window) = &self.window else {
            return Ok(Time::Left(limit));
        };
        let zone = time_zone(self.time_zone.as_deref()).map_err(Failure::usage)?;
        loop {
            let now = ZonedDateTime::now().with_time_zone(zone.clone());
            match window.at(&now) {
                Moment::Open(left) => {
                    let words = format!("the window {window} has closed");
                    let closes =
                        Deadline { when: Instant::now() + left, words, rest: Rest::IsLeft };
                    return Ok(Time::Left(Deadline::first([limit, Some(closes)])));
                }
                Moment::Closed(opens) if closed == WhenClosed::Leave => {
                    let zone = now.time_zone().iana_name().unwrap_or("local time").to_owned();
                    context.console.narrate(&format!(
                        "Nothing to do: it is {} ({zone}), and the window {window} opens in {}.",
                        now.strftime("%H:%M"),
                        format::duration(opens)
                    ));
                    return Ok(Time::Closed);
                }
                Moment::Closed(opens) => {
                    context.console.narrate(&format!(
                        "Waits {} for the window {window}.",
                        format::duration(opens)
                    ));
                    // The clock may be set meanwhile.
                    let nap = opens.min(Duration::from_secs(60));
                    let nap = async {
                        tokio::time::sleep(nap).await;
                        Ok(())
                    };
                    context.unless_cancelled(nap).await?;
                }
            }
        }
    }
}

/// A run outside of its window; when that opens is told already, in every format.
#[derive(Debug)]
pub struct WindowClosed;

impl Report for WindowClosed {
    fn outcome(&self) -> Outcome {
        Outcome::NothingToDo
    }

    fn json(&self, head: Head) -> String {
        #[derive(Serialize)]
        struct NoSteps {
            steps: [(); 0],
        }
        head.document(self.outcome(), NoSteps { steps: [] }, &[])
    }

    fn text(&self, _: &Style) -> Text {
        Text::default()
    }
}

//! When requests are due, where a rate is asked for. They are due whether or not anybody is free to send them: who asks
//! only when the last answer is there, waits where the database stalls, and does not see that others wait.

use std::cell::Cell;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, Notify};

use super::alarm::Alarm;
use super::random::Random;
use crate::failure::{Failure, Kind, Result};

/// The requests of all clients, one after the other.
#[derive(Debug)]
pub struct Pace {
    start: Instant,
    /// Of the client that takes the next request: others stand in line.
    turn: Mutex<Turn>,
    is_over: Cell<bool>,
    over: Notify,
}

#[derive(Debug)]
struct Turn {
    arrivals: Arrivals,
    alarm: Alarm,
}

impl Pace {
    /// It begins now.
    ///
    /// # Errors
    /// `Io` where the system gives no timer.
    pub fn start(rate: f64, seed: u64) -> Result<Pace> {
        let alarm = Alarm::new().map_err(|error| Failure::from_error(Kind::Io, error))?;
        let arrivals = Arrivals::new(rate, Random::new(seed, 0));
        Ok(Pace {
            start: Instant::now(),
            turn: Mutex::new(Turn { arrivals, alarm }),
            is_over: Cell::new(false),
            over: Notify::new(),
        })
    }

    /// The next one, when it is due; `None` at the end.
    pub async fn next(&self) -> Option<Instant> {
        if self.is_over.get() {
            return None;
        }
        tokio::select! {
            biased;
            due = self.wait() => due,
            () = self.over.notified() => None,
        }
    }

    async fn wait(&self) -> Option<Instant> {
        let mut turn = self.turn.lock().await;
        let due = self.start + turn.arrivals.next()?;
        turn.alarm.wait_until(due).await;
        Some(due)
    }

    /// No further one is taken.
    pub fn end(&self) {
        self.is_over.set(true);
        self.over.notify_waiters();
    }

    /// How many were due from `from` until `until` and were not taken.
    pub fn left(&mut self, from: Instant, until: Instant) -> usize {
        let arrivals = self.turn.get_mut().arrivals.clone();
        let due = arrivals.map(|after| self.start + after);
        due.take_while(|due| *due < until).filter(|due| *due >= from).count()
    }
}

/// Moments after the start, without end. Within each second they fall as chance will have it, as requests of many people do;
/// but each second has as many as the rate says.
#[derive(Debug, Clone)]
struct Arrivals {
    rate: f64,
    random: Random,
    second: u64,
    /// Of this second, the last one first.
    left: Vec<f64>,
}

impl Arrivals {
    fn new(rate: f64, random: Random) -> Self {
        Arrivals { rate, random, second: 0, left: Vec::new() }
    }
}

impl Iterator for Arrivals {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        while self.left.is_empty() {
            let until = |second: u64| (second as f64 * self.rate).floor();
            let count = (until(self.second + 1) - until(self.second)) as usize;
            let start = self.second as f64;
            self.left = (0..count).map(|_| start + self.random.share()).collect();
            self.left.sort_by(|one, other| other.total_cmp(one));
            self.second += 1;
        }
        self.left.pop().map(Duration::from_secs_f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_second_has_as_many_as_the_rate_says() {
        for (rate, seconds) in [(200.0, 3_u64), (2.5, 4), (0.5, 10)] {
            let end = Duration::from_secs(seconds);
            let arrivals = Arrivals::new(rate, Random::new(1, 0));
            let found = arrivals.take_while(|at| *at < end).collect::<Vec<_>>();
            assert_eq!(found.len(), (rate * seconds as f64) as usize, "{rate}");
            assert!(found.is_sorted(), "{rate}");
        }
    }

    #[tokio::test]
    async fn requests_are_due_though_nobody_takes_them() {
        let mut pace = Pace::start(1000.0, 1).unwrap();
        let first = pace.next().await.unwrap();
        let end = first + Duration::from_secs(1);
        let behind = pace.left(first, end);
        assert!((500..1000).contains(&behind), "{behind}");
        let second = pace.next().await.unwrap();
        assert!(second >= first && second.elapsed() > Duration::ZERO);
        pace.end();
        assert_eq!(pace.next().await, None);
        assert_eq!(pace.left(first, end), behind - 1);
    }

    #[tokio::test]
    async fn who_waits_for_the_next_one_is_told_of_the_end() {
        let pace = Pace::start(0.001, 1).unwrap();
        let (first, second, ()) = tokio::join!(pace.next(), pace.next(), async { pace.end() });
        assert_eq!((first, second), (None, None));
    }
}

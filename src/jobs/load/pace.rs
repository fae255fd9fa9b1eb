//! When requests are due, where a rate is asked for. They are due whether or not anybody is free to send them: who asks
//! only when the last answer is there, waits where the database stalls, and does not see that others wait.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use super::random::Random;
use crate::failure::{Failure, Kind, Result};

/// Requests that are due and that nobody has taken yet.
#[derive(Debug)]
pub struct Queue {
    due: Mutex<VecDeque<Instant>>,
    ready: Semaphore,
    ends: AtomicBool,
}

impl Queue {
    /// Has a thread of its own put requests into it: a timer of the runtime is a millisecond late.
    ///
    /// # Errors
    /// `Io` where the system gives no thread.
    pub fn start(rate: f64, seed: u64) -> Result<Arc<Queue>> {
        let queue = Arc::new(Queue {
            due: Mutex::default(),
            ready: Semaphore::new(0),
            ends: AtomicBool::new(false),
        });
        let filled = Arc::clone(&queue);
        let random = Random::new(seed, 0);
        let thread = thread::Builder::new().name("pace".to_owned());
        thread
            .spawn(move || filled.fill(Instant::now(), Arrivals::new(rate, random)))
            .map_err(|error| Failure::from_error(Kind::Io, error))?;
        Ok(queue)
    }

    fn fill(&self, start: Instant, arrivals: Arrivals) {
        for after in arrivals {
            let due = start + after;
            if !self.sleep_until(due) {
                return;
            }
            self.due().push_back(due);
            self.ready.add_permits(1);
        }
    }

    /// Whether it goes on then.
    fn sleep_until(&self, due: Instant) -> bool {
        while !self.ends.load(Ordering::Relaxed) {
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            thread::sleep(left.min(LONGEST_SLEEP));
        }
        false
    }

    /// The next one, when it is due; `None` at the end.
    pub async fn next(&self) -> Option<Instant> {
        self.ready.acquire().await.ok()?.forget();
        self.due().pop_front()
    }

    /// No further one is taken.
    pub fn end(&self) {
        self.ends.store(true, Ordering::Relaxed);
        self.ready.close();
    }

    /// How many were due from `from` until `until` and were not taken.
    pub fn left(&self, from: Instant, until: Instant) -> usize {
        self.due().iter().filter(|due| (from..until).contains(due)).count()
    }

    fn due(&self) -> MutexGuard<'_, VecDeque<Instant>> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// After so long it looks whether it is the end.
const LONGEST_SLEEP: Duration = Duration::from_millis(100);

/// Moments after the start, without end. Within each second they fall as chance will have it, as requests of many people do;
/// but each second has as many as the rate says.
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
        let queue = Queue::start(1000.0, 1).unwrap();
        let first = queue.next().await.unwrap();
        let behind = || queue.left(first, first + Duration::from_secs(60));
        while behind() < 50 {
            tokio::task::yield_now().await;
        }
        let second = queue.next().await.unwrap();
        assert!(second >= first && second.elapsed() > Duration::ZERO);
        queue.end();
        assert_eq!(queue.next().await, None);
        assert!(behind() >= 49);
    }
}

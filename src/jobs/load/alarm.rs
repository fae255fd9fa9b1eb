//! Waiting until a moment to some microseconds: the runtime's own timers are up to a millisecond late, which is as long as
//! many a statement takes.

use std::io;
use std::time::Instant;

#[cfg(target_os = "linux")]
pub use of_linux::Alarm;

/// Elsewhere than on Linux the runtime's timer has to do.
#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
pub struct Alarm;

#[cfg(not(target_os = "linux"))]
impl Alarm {
    /// # Errors
    /// None.
    pub fn new() -> io::Result<Alarm> {
        Ok(Alarm)
    }

    pub async fn wait_until(&mut self, due: Instant) {
        tokio::time::sleep_until(due.into()).await;
    }
}

#[cfg(target_os = "linux")]
mod of_linux {
    use std::os::fd::OwnedFd;
    use std::time::Duration;

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::unix::AsyncFd;

    use super::{Instant, io};

    /// A timer of the system's (timerfd_create(2)), which the runtime waits for as for a connection.
    #[derive(Debug)]
    pub struct Alarm(AsyncFd<OwnedFd>);

    impl Alarm {
        /// # Errors
        /// Those of the system, for example that too many files are open.
        pub fn new() -> io::Result<Alarm> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            #[allow(
                deprecated,
                reason = "its heir is unsafe, for files that do not own their descriptor as this does"
            )]
            AsyncFd::new(timer).map(Alarm)
        }

        pub async fn wait_until(&mut self, due: Instant) {
            while let Some(left) =
                due.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
            {
                if self.ring_after(left).await.is_err() {
                    return tokio::time::sleep_until(due.into()).await;
                }
            }
        }

        /// May ring too early, for an earlier moment that was not waited for.
        async fn ring_after(&self, left: Duration) -> io::Result<()> {
            let once = Itimerspec {
                it_interval: Timespec::default(),
                it_value: left.try_into().map_err(io::Error::other)?,
            };
            timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &once)?;
            self.0.readable().await?.clear_ready();
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn it_waits_as_long_as_asked_also_after_it_was_not_waited_for() {
        let mut alarm = Alarm::new().unwrap();
        let past = Instant::now();
        alarm.wait_until(past).await;
        let soon = Instant::now() + Duration::from_millis(20);
        let never =
            tokio::time::timeout(Duration::ZERO, alarm.wait_until(soon + Duration::from_secs(60)));
        assert!(never.await.is_err());
        alarm.wait_until(soon).await;
        assert!(Instant::now() >= soon);
    }
}

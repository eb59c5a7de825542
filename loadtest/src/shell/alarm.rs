//! Wakes a call at a given microsecond: the runtime's own timer only knows milliseconds, too coarse for frames.

use super::clock::Clock;
use crate::time::Micros;

/// The longest that is waited in one go.
const LONGEST: Micros = Micros::from_ms(3_600_000);

#[cfg(target_os = "linux")]
mod timer {
    use std::io;
    use std::os::fd::OwnedFd;

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
    };
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    use super::Micros;

    /// One timer of the kernel's.
    #[derive(Debug)]
    pub(super) struct Timer(AsyncFd<OwnedFd>);

    impl Timer {
        #[expect(deprecated, reason = "its successor is unsafe code; what that demands, an owned descriptor gives")]
        pub(super) fn new() -> io::Result<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let fd = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            AsyncFd::with_interest(fd, Interest::READABLE).map(Self)
        }

        /// Safe to be dropped and called again: each call sets the timer anew.
        pub(super) async fn wait(&mut self, length: Micros) -> io::Result<()> {
            let nanos = i64::try_from(length.0 % 1_000_000 * 1_000).unwrap_or_default();
            let seconds = i64::try_from(length.0 / 1_000_000).unwrap_or_default();
            let it_value = Timespec { tv_sec: seconds, tv_nsec: nanos.max(1) };
            let spec = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value };
            timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::empty(), &spec)?;
            let mut ready = self.0.readable().await?;
            let mut count = [0; 8];
            // Setting the timer forgets an old expiry, so there may be nothing to read; the caller looks at the clock.
            let _ = rustix::io::read(ready.get_inner(), &mut count);
            ready.clear_ready();
            Ok(())
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod timer {
    use std::io;
    use std::time::Duration;

    use super::Micros;

    /// The runtime's timer.
    #[derive(Debug)]
    pub(super) struct Timer;

    impl Timer {
        pub(super) fn new() -> io::Result<Self> {
            Ok(Self)
        }

        pub(super) async fn wait(&mut self, length: Micros) -> io::Result<()> {
            tokio::time::sleep(Duration::from_micros(length.0)).await;
            Ok(())
        }
    }
}

/// The alarm of one call.
#[derive(Debug)]
pub struct Alarm {
    clock: Clock,
    timer: Option<timer::Timer>,
}

impl Alarm {
    /// An alarm on this clock. Without a timer from the kernel (no descriptors left) the runtime's serves.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock, timer: timer::Timer::new().ok() }
    }

    /// Waits until `at`. Safe to be dropped and called again.
    pub async fn until(&mut self, at: Micros) {
        loop {
            let now = self.clock.now();
            if now >= at {
                return;
            }
            let length = at.since(now).min(LONGEST);
            let waited = match &mut self.timer {
                Some(timer) => timer.wait(length).await.is_ok(),
                None => false,
            };
            if !waited {
                self.clock.sleep_until(now + length).await;
            }
        }
    }
}

//! The pace of new calls: evenly spaced turns, because the carrier dials so many a second and account, no more.
//!
//! What is asked for faster would wait in the carrier's queue for up to a day, seen by nobody. Here it waits in sight, and
//! not for long.
//! * Empty: the first turn is at once; time that passes unused saves up nothing.
//! * Full (a turn would be further away than [`WAIT_MAX`]): refused at once, and nothing has happened.
//! * Left by somebody who waited: the turn passes unused.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::super::{CarrierError, ErrorCode};
use crate::clock::{Clock, Moment};

/// The longest that a call waits for its turn: who asked for it still waits for an answer.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// Hands out turns; told the time.
#[derive(Debug)]
struct Pace {
    between: Duration,
    next: Moment,
}

impl Pace {
    fn new(per_second: u32) -> Self {
        Self { between: Duration::from_secs(1) / per_second.max(1), next: Moment::ZERO }
    }

    /// When the turn of somebody who comes `now` is; none: too many wait already.
    fn turn(&mut self, now: Moment) -> Option<Moment> {
        let at = self.next.max(now);
        if at - now > WAIT_MAX {
            return None;
        }
        self.next = at + self.between;
        Some(at)
    }
}

/// The turns of one account.
#[derive(Debug)]
pub(in crate::carrier) struct Pacer {
    pace: Mutex<Pace>,
    clock: Clock,
}

impl Pacer {
    /// So many turns a second, at least one.
    pub(in crate::carrier) fn new(per_second: u32, clock: Clock) -> Self {
        Self { pace: Mutex::new(Pace::new(per_second)), clock }
    }

    /// Returns when it is the caller's turn.
    pub(super) async fn turn(&self) -> Result<(), CarrierError> {
        // A turn is taken whole or not at all.
        let at = self.pace.lock().unwrap_or_else(PoisonError::into_inner).turn(self.clock.now());
        let Some(at) = at else {
            let seconds = WAIT_MAX.as_secs();
            let message = format!(
                "as many calls wait for their turn as can be placed in {seconds} s: ask again later, or raise \
                 TWILIO_CALLS_PER_SECOND if the account may dial faster"
            );
            return Err(CarrierError::new(ErrorCode::TwilioRateLimit, message));
        };
        self.clock.sleep_until(at).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Moment {
        Moment::from_millis(ms)
    }

    #[test]
    fn turns_are_evenly_spaced_and_idle_time_saves_up_nothing() {
        let mut pace = Pace::new(2);
        assert_eq!(
            (pace.turn(at(100)), pace.turn(at(100)), pace.turn(at(700))),
            (Some(at(100)), Some(at(600)), Some(at(1_100)))
        );
        assert_eq!((pace.turn(at(60_000)), pace.turn(at(60_000))), (Some(at(60_000)), Some(at(60_500))));
    }

    #[test]
    fn who_would_wait_too_long_is_refused_and_takes_no_turn() {
        let mut pace = Pace::new(1);
        let taken = (0..100).filter(|_| pace.turn(at(0)).is_some()).count();
        assert_eq!(taken, 11, "one at once, ten that wait");
        assert_eq!(pace.turn(at(999)), None);
        assert_eq!(pace.turn(at(1_000)), Some(at(11_000)));
    }

    #[tokio::test]
    async fn a_refusal_says_that_nothing_happened() {
        let pacer = Pacer::new(1, Clock::manual());
        pacer.turn().await.unwrap();
        for _ in 0..10 {
            pacer.pace.lock().unwrap().turn(at(0)).unwrap();
        }
        let error = pacer.turn().await.unwrap_err();
        assert_eq!((error.code, error.may_have_happened), (ErrorCode::TwilioRateLimit, false));
    }
}

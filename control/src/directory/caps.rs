//! How many calls a tenant may have, at once and per second.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::clock::Moment;

/// What counts against a tenant's caps.
#[derive(Debug, Default)]
pub(super) struct Caps {
    live: AtomicU32,
    bucket: Mutex<Bucket>,
}

/// New calls that may come now; fills with the cap per second, and holds a second's worth.
#[derive(Debug, Default)]
struct Bucket {
    /// Calls, and parts of one.
    room: f64,
    /// As of when; `None`: nobody has called yet.
    at: Option<Moment>,
}

/// A call's place among its tenant's. Gives itself back.
#[derive(Debug)]
pub(crate) struct Place(Arc<Caps>);

/// Which cap a call more would break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Busy {
    /// The calls at once.
    AtOnce,
    /// The new calls per second.
    PerSecond,
}

impl Caps {
    /// A place for one more call. A call that finds no place does not count as one that came.
    pub(super) fn place(
        self: &Arc<Self>,
        now: Moment,
        calls_max: Option<u32>,
        per_second_max: Option<u32>,
    ) -> Result<Place, Busy> {
        if self.live.fetch_add(1, Ordering::AcqRel) >= calls_max.unwrap_or(u32::MAX) {
            self.live.fetch_sub(1, Ordering::AcqRel);
            return Err(Busy::AtOnce);
        }
        // From here on, dropping it gives the place back.
        let place = Place(Arc::clone(self));
        match per_second_max {
            Some(max) if !self.bucket.lock().unwrap_or_else(PoisonError::into_inner).take(now, max) => {
                Err(Busy::PerSecond)
            }
            _ => Ok(place),
        }
    }
}

impl Bucket {
    fn take(&mut self, now: Moment, per_second: u32) -> bool {
        let full = f64::from(per_second);
        let since = self.at.map_or(1.0, |at| now.saturating_sub(at).as_secs_f64());
        self.room = (self.room + since * full).min(full);
        self.at = Some(now);
        let fits = self.room >= 1.0;
        if fits {
            self.room -= 1.0;
        }
        fits
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.live.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn a_place_is_free_again_when_its_call_is_over() {
        let caps = Arc::new(Caps::default());
        let first = caps.place(S, Some(1), None).unwrap();
        assert_eq!(caps.place(S, Some(1), None).unwrap_err(), Busy::AtOnce);
        drop(first);
        assert!(caps.place(S, Some(1), None).is_ok());
        assert_eq!(caps.place(S, Some(0), None).unwrap_err(), Busy::AtOnce);
    }

    #[test]
    fn so_many_calls_may_come_in_a_second_and_no_more() {
        let caps = Arc::new(Caps::default());
        let come = |at: Duration| (0..5).filter(|_| caps.place(at, None, Some(2)).is_ok()).count();
        assert_eq!(come(S), 2);
        assert_eq!(come(S + S / 2), 1);
        assert_eq!(come(60 * S), 2, "a quiet minute saves nothing up");
        assert!(caps.place(60 * S, Some(1), None).is_ok(), "those that were refused hold no place");
    }
}

//! All calls of one account, in the order of their creation.
//!
//! Full ([`MOST`]): the oldest call that has ended makes room; when all are alive no further one is taken.

use std::collections::{BTreeMap, HashMap};

use super::entry::Entry;
use crate::time::Micros;
use crate::twilio::params::CallStatus;

/// Calls that are remembered: a day at one call a second, with room to spare.
const MOST: usize = 100_000;

/// Calls that another's TwiML dialled take no place of their own.
const fn is_under_way(entry: &Entry) -> bool {
    matches!(entry.status, CallStatus::Ringing | CallStatus::InProgress) && entry.parent.is_none()
}

/// The calls of one account.
#[derive(Debug, Default)]
pub struct CallBook {
    entries: BTreeMap<u64, Entry>,
    places: HashMap<String, u64>,
    next: u64,
    alive: usize,
}

impl CallBook {
    /// Takes a call; false when there is no room.
    pub fn push(&mut self, entry: Entry) -> bool {
        if self.entries.len() >= MOST {
            let oldest = self.entries.iter().find(|(_, entry)| entry.status.is_final()).map(|(place, _)| *place);
            let Some(dropped) = oldest.and_then(|place| self.entries.remove(&place)) else { return false };
            self.places.remove(&dropped.sid);
        }
        self.places.insert(entry.sid.clone(), self.next);
        self.entries.insert(self.next, entry);
        self.next += 1;
        true
    }

    /// One call.
    #[must_use]
    pub fn get(&self, sid: &str) -> Option<&Entry> {
        self.entries.get(self.places.get(sid)?)
    }

    /// One call, to be changed.
    pub fn get_mut(&mut self, sid: &str) -> Option<&mut Entry> {
        self.entries.get_mut(self.places.get(sid)?)
    }

    /// Forgets a call.
    pub fn remove(&mut self, sid: &str) {
        if let Some(place) = self.places.remove(sid) {
            self.entries.remove(&place);
        }
    }

    /// All, the newest first, as Twilio lists them.
    pub fn newest_first(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values().rev()
    }

    /// How many have been dialled and have not ended, the legs of others left out.
    #[must_use]
    pub const fn alive(&self) -> usize {
        self.alive
    }

    /// A call stands so from `now` on.
    pub fn stands(&mut self, now: Micros, sid: &str, status: CallStatus) {
        let Some(entry) = self.get_mut(sid) else { return };
        let was = is_under_way(entry);
        entry.stands(now, status);
        let is = is_under_way(entry);
        self.alive = self.alive + usize::from(is && !was) - usize::from(was && !is);
    }
}

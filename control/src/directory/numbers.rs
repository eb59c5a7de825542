//! The map of all numbers, in parts: readers take no lock, a writer copies only the parts that it changes.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::number::Dialled;
use super::served::Served;
use crate::model::{PhoneNumberId, ProfileId};

/// With 100,000 numbers a part has 400, which are copied in some 10 µs.
const SHARDS: usize = 256;

/// What is known of a number.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// Whose it is.
    pub(super) served: Arc<Served>,
    /// Its record.
    pub(super) id: PhoneNumberId,
    /// Whether calls to it are answered.
    pub(super) is_active: bool,
    /// Who answers; `None`: the tenant's default profile.
    pub(super) profile: Option<ProfileId>,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        let same = Arc::ptr_eq(&self.served, &other.served);
        same && (self.id, self.is_active, self.profile) == (other.id, other.is_active, other.profile)
    }
}

type Shard = HashMap<Dialled, Entry>;

/// All numbers.
#[derive(Debug)]
pub(super) struct Numbers(Box<[ArcSwap<Shard>]>);

impl Default for Numbers {
    fn default() -> Self {
        Self((0..SHARDS).map(|_| ArcSwap::default()).collect())
    }
}

impl Numbers {
    /// Whether a number is this tenant's.
    pub(super) fn is_of(&self, dialled: Dialled, served: &Arc<Served>) -> bool {
        self.0[dialled.shard()].load().get(&dialled).is_some_and(|entry| Arc::ptr_eq(&entry.served, served))
    }

    /// What is known of a number.
    pub(super) fn find(&self, dialled: Dialled) -> Option<Entry> {
        self.0[dialled.shard()].load().get(&dialled).cloned()
    }

    /// Applies changes, what is taken away before what is put there; one writer at a time. Each part is swapped once.
    pub(super) fn apply(&self, mut changes: Vec<(Dialled, Option<Entry>)>) {
        changes.sort_by_key(|(dialled, entry)| (dialled.shard(), entry.is_some()));
        let mut changes = changes.into_iter().peekable();
        while let Some((first, _)) = changes.peek() {
            let at = first.shard();
            let mut shard = Shard::clone(&self.0[at].load());
            while let Some((dialled, entry)) = changes.next_if(|(dialled, _)| dialled.shard() == at) {
                match entry {
                    Some(entry) => shard.insert(dialled, entry),
                    None => shard.remove(&dialled),
                };
            }
            self.0[at].store(Arc::new(shard));
        }
    }
}

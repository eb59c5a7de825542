//! Connections that have not finished their request head, counted per client.
//!
//! Whoever only connects must not take the places of those who speak: a signature can be checked once the head is there,
//! and no sooner. *Full:* a client's connection too many is refused until another of its own sends its head or ends.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::rate::key_of;

/// Open connections without a head. As many entries as there are such connections at most.
#[derive(Debug, Default)]
pub(crate) struct Heads {
    by_client: Mutex<HashMap<IpAddr, usize>>,
}

/// One such connection; dropped when its head is there, or when it ends without.
#[derive(Debug)]
pub(crate) struct Awaited {
    heads: Arc<Heads>,
    client: IpAddr,
}

impl Heads {
    /// Counts a connection of `peer`; `None` where `max` of that client are open already.
    pub(crate) fn wait_for(self: &Arc<Self>, peer: IpAddr, max: usize) -> Option<Awaited> {
        let client = key_of(peer);
        let mut by_client = self.by_client.lock().unwrap_or_else(PoisonError::into_inner);
        let open = by_client.entry(client).or_default();
        if *open >= max {
            return None;
        }
        *open += 1;
        Some(Awaited { heads: Arc::clone(self), client })
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        let mut by_client = self.heads.by_client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut open) = by_client.entry(self.client) {
            *open.get_mut() -= 1;
            if *open.get() == 0 {
                open.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_has_its_bound_and_gets_it_back() {
        let heads = Arc::new(Heads::default());
        let wait = |ip: &str| heads.wait_for(ip.parse().unwrap(), 2);
        let one = wait("203.0.113.1");
        let _two = wait("203.0.113.1");
        assert!(one.is_some() && wait("::ffff:203.0.113.1").is_none(), "the same client");
        assert!(wait("203.0.113.2").is_some(), "another client has its own");
        drop(one);
        assert!(wait("203.0.113.1").is_some());
    }

    #[test]
    fn who_has_no_connection_is_not_remembered() {
        let heads = Arc::new(Heads::default());
        drop(heads.wait_for("203.0.113.1".parse().unwrap(), 1));
        assert!(heads.by_client.lock().unwrap().is_empty());
    }
}

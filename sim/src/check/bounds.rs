//! Invariant 5: every queue has a bound in items and in lateness, and lateness does not grow with the length of a call.
//!
//! What waits at the carrier is the longest queue: the lead at most, plus by how much the way there has varied. What a
//! frame waits from the socket to its worker is bounded by the worker's own lateness.

use std::time::Duration;

use engine::limits::{LEAD_MAX, RX_RING};
use engine::time::Instant;
use engine::{BOUNDS_US, Stats};

use super::slack::Slack;
use super::{Found, Invariant, Message, Seen};
use crate::plan::Plan;

/// Rounding of a lead to frames.
const FRAME: Duration = Duration::from_millis(20);

/// The queues of one stream.
#[derive(Debug)]
pub struct Bounds;

impl Bounds {
    /// Something was seen.
    pub fn see(&self, now: Instant, seen: &Seen<'_>, slack: &Slack, found: &mut Found) {
        let Seen::Arrives(Message::Media(parts), truth) = seen else { return };
        let arrives: u64 = parts.iter().map(|(_, samples)| samples).sum();
        let waits = truth.sounds_until().map_or(Duration::ZERO, |until| until.since(now));
        let waits = waits + engine::time::Samples(arrives).duration();
        let bound = LEAD_MAX + FRAME + slack.varies + slack.worker;
        if waits > bound {
            found.push((Invariant::Bounds, format!("{waits:?} wait at the carrier, at most {bound:?} may")));
        }
    }
}

/// What a whole world may say of its queues.
pub fn world(plan: &Plan, stats: &Stats, found: &mut Found) {
    let longest = plan.stalls.iter().map(|stall| stall.lasts).sum::<Duration>();
    let bound = longest + plan.tick * 2 + plan.tick_late + Duration::from_millis(1);
    let allowed = BOUNDS_US.partition_point(|&us| u128::from(us) < bound.as_micros());
    let later: u64 = stats.frame_wait.counts.iter().skip(allowed + 1).sum();
    // What waits for a call whose step panicked is looked at when more comes.
    if later > stats.panics * RX_RING as u64 {
        found.push((Invariant::Bounds, format!("{later} frames waited longer than {bound:?} for their worker")));
    }
}

//! Watches while the service lives: what was acknowledged before it was killed is there again, and no call stays active
//! that is over.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use control::clock::Moment;
use futures_util::StreamExt as _;
use futures_util::stream;

use crate::audit;
use crate::carrier::Carrier;
use crate::world::World;

/// So long after its end, or after a restart, a call may still be shown as active.
pub(crate) const ACTIVE_MAX: Duration = Duration::from_secs(30);
/// What the carrier and the harness need to be looked at.
const LOOK: Duration = Duration::from_millis(500);
/// Looked for in one step, and of these at once.
const STEP: usize = 200;
const AT_ONCE: usize = 4;
/// The states in which a call is active.
pub(crate) const ACTIVE: &str =
    "state=unknown&state=queued&state=initiated&state=ringing&state=answered&state=streaming&state=between";

/// Looks for what was acknowledged in earlier lives, as soon as there is a later one; once all is found, and no more
/// comes, it returns.
pub(crate) async fn memory(world: Arc<World>) {
    loop {
        let unchecked = world.ledger().take_before(world.life(), STEP);
        if unchecked.is_empty() {
            tokio::time::sleep(LOOK / 5).await;
            continue;
        }
        let checks = unchecked.into_iter().map(|(number, said)| audit::is_there(&world, number, said));
        stream::iter(checks).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
    }
}

/// Looks which calls are active, for ever.
pub(crate) async fn active(world: Arc<World>, carrier: Carrier) {
    let mut since = HashMap::new();
    loop {
        tokio::time::sleep(LOOK).await;
        if let Err(error) = look(&world, &carrier, &mut since).await {
            world.fault("calls can be listed", None, format!("{error:#}"));
        }
    }
}

/// Since when a call ought not to be active: since its end at the carrier, or since this restart where it has no name there.
type Since = HashMap<String, (Moment, bool)>;

async fn look(world: &World, carrier: &Carrier, since: &mut Since) -> anyhow::Result<()> {
    let calls = world.api.all(&format!("{}/calls?{ACTIVE}", world.tenant)).await?;
    let now = world.clock.now();
    let mut still = Since::new();
    for call in calls {
        let Some(id) = call["id"].as_str() else { continue };
        let (is_over, is_nameless) = match call["carrier_call_id"].as_str() {
            Some(sid) => (carrier.call(sid).await.is_ok_and(|standing| standing.is_over()), false),
            None => (true, true),
        };
        if !is_over {
            continue;
        }
        let known = since.get(id).copied();
        let restarted = now.saturating_sub(world.ready_for());
        let begun = known.map_or(now, |(known, _)| if is_nameless { known.max(restarted) } else { known });
        let told = known.is_some_and(|(_, told)| told);
        let is_late = now.saturating_sub(begun) > ACTIVE_MAX;
        if is_late && !told {
            let what = format!("{} for {} s too long", call["state"], now.saturating_sub(begun).as_secs());
            world.fault("no call stays active", Some(id), what);
        }
        still.insert(id.to_owned(), (begun, told || is_late));
    }
    *since = still;
    Ok(())
}

//! What must be so: of one call after a restart, and of all of them in the end.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Result;
use control::model::Timestamp;
use futures_util::StreamExt as _;
use futures_util::stream;
use serde_json::Value;

use crate::carrier::{Carrier, Standing};
use crate::ledger::{Report, Wish};
use crate::load;
use crate::world::World;

const AT_ONCE: usize = 8;
/// From its note that the carrier is asked to the request itself, in milliseconds, on a busy machine: a process that was
/// killed in between leaves a call of which nobody knows.
const DOUBT_MS: i64 = 2_000;

/// Looks whether what was acknowledged of the calls from or to this number is there, once.
pub(crate) async fn is_there(world: &World, number: String, (wishes, reports): (Vec<Wish>, Vec<Report>)) {
    if let Err(error) = find(world, &number, &wishes, &reports).await {
        world.fault("calls can be read", None, format!("{error:#}"));
    }
}

async fn find(world: &World, number: &str, wishes: &[Wish], reports: &[Report]) -> Result<()> {
    let calls = world.api.all(&format!("{}/calls?number={}", world.tenant, number.replace('+', "%2B"))).await?;
    let mut events = Vec::new();
    for id in calls.iter().filter_map(|call| call["id"].as_str()) {
        events.append(&mut events_of(world, id).await?);
    }
    for wish in wishes {
        let found = calls.iter().filter(|call| call["id"] == *wish.call).count();
        let wanted = events.iter().filter(|event| event["kind"] == "queued" && event["call_id"] == *wish.call).count();
        if (found, wanted) != (1, 1) {
            let what = format!("{} was acknowledged; it is there {found} times, its wish {wanted} times", wish.key);
            world.fault("creates are kept", Some(&wish.call), what);
        }
    }
    for report in reports {
        once(world, report, &events);
    }
    Ok(())
}

fn once(world: &World, report: &Report, events: &[Value]) {
    let found = events.iter().filter(|event| event["carrier_key"] == *report.name).count();
    if found != 1 {
        let what = format!("{} of {} was acknowledged; it is there {found} times", report.name, report.sid);
        let call = events.first().and_then(|event| event["call_id"].as_str());
        world.fault("reports are kept", call, what);
    }
}

async fn events_of(world: &World, call: &str) -> Result<Vec<Value>> {
    world.api.all(&format!("{}/calls/{call}/events", world.tenant)).await
}

/// How many calls were looked at in the end.
#[derive(Debug, Default)]
pub(crate) struct Audited {
    pub(crate) calls: usize,
    pub(crate) events: usize,
    /// Calls of which it is not known whether they were asked for, and that were never made.
    pub(crate) in_doubt: usize,
    /// Calls of which it was not known, and that were made.
    pub(crate) found: usize,
}

/// All of it, when nothing happens any more.
///
/// # Errors
/// One of the two does not say what there is.
pub(crate) async fn all(world: &Arc<World>, carrier: &Carrier) -> Result<Audited> {
    let wishes: Vec<Wish> = world.ledger().wishes().cloned().collect();
    stream::iter(&wishes).map(|wish| load::again(world, wish)).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
    let calls = world.api.all(&format!("{}/calls", world.tenant)).await?;
    let at_carrier = carrier.calls(None).await?;
    let read = calls.iter().filter_map(|call| call["id"].as_str()).map(|id| async move {
        let events = events_of(world, id).await?;
        anyhow::Ok((id.to_owned(), events))
    });
    let read: Vec<Result<(String, Vec<Value>)>> = stream::iter(read).buffer_unordered(AT_ONCE).collect().await;
    let events: HashMap<String, Vec<Value>> = read.into_iter().collect::<Result<_>>()?;
    let mut audited = Audited { calls: calls.len(), events: events.values().map(Vec::len).sum(), ..Audited::default() };
    reports(world, &events);
    placed(world, &wishes, &events, &at_carrier, &mut audited);
    states(world, &calls, &at_carrier);
    for (id, events) in &events {
        told_once(world, id, events);
    }
    Ok(audited)
}

/// Every report that was acknowledged, once among all events.
fn reports(world: &World, events: &HashMap<String, Vec<Value>>) {
    let mut found: HashMap<&str, usize> = HashMap::new();
    for name in events.values().flatten().filter_map(|event| event["carrier_key"].as_str()) {
        *found.entry(name).or_default() += 1;
    }
    let acknowledged: Vec<Report> = world.ledger().reports().cloned().collect();
    for report in &acknowledged {
        let times = found.get(&report.name[..]).copied().unwrap_or_default();
        if times != 1 {
            let what = format!("{} of {} was acknowledged; it is there {times} times", report.name, report.sid);
            world.fault("reports are kept", None, what);
        }
    }
}

/// Every call that was wanted, once at the carrier; where the service was killed while it asked, at most once.
fn placed(
    world: &World,
    wishes: &[Wish],
    events: &HashMap<String, Vec<Value>>,
    at_carrier: &[Standing],
    audited: &mut Audited,
) {
    let mut made: HashMap<&str, usize> = HashMap::new();
    for call in at_carrier.iter().filter(|call| !call.is_inbound) {
        *made.entry(&call.to).or_default() += 1;
    }
    for wish in wishes {
        let timeline = events.get(&wish.call).map_or(&[][..], Vec::as_slice);
        let in_doubt = is_in_doubt(world, timeline);
        match made.get(&wish.to[..]).copied().unwrap_or_default() {
            1 => audited.found += usize::from(in_doubt),
            0 if in_doubt => audited.in_doubt += 1,
            0 => world.fault("calls are placed", Some(&wish.call), format!("{} was never made", wish.to)),
            times => world.fault("no call twice", Some(&wish.call), format!("{} was called {times} times", wish.to)),
        }
    }
}

/// Whether the service was killed between its note that it would ask the carrier and the carrier's answer.
fn is_in_doubt(world: &World, events: &[Value]) -> bool {
    let of = |kind: &str| events.iter().find(|event| event["kind"] == kind);
    let asked = of("placing").and_then(|event| event["at"].as_str()?.parse::<Timestamp>().ok());
    of("placed").is_none() && asked.is_some_and(|at| world.killed_within(at.0, DOUBT_MS))
}

/// Each call of the carrier's is one call here, and ended as the carrier says.
fn states(world: &World, calls: &[Value], at_carrier: &[Standing]) {
    let mut by_sid: HashMap<&str, &Value> = HashMap::new();
    for call in calls {
        let id = call["id"].as_str();
        if let Some(other) = call["carrier_call_id"].as_str().and_then(|sid| by_sid.insert(sid, call)) {
            let what = format!("{} is {} too", call["carrier_call_id"], other["id"]);
            world.fault("a call is there once", id, what);
        }
        if call["ended_at"].is_null() {
            world.fault("calls end", id, format!("it is {} in the end", call["state"]));
        }
    }
    for standing in at_carrier {
        match by_sid.get(&standing.sid[..]) {
            Some(call) if call["state"] == *standing.state() => {}
            // What the service refuses hears the busy tone, or a word and the end.
            Some(call) if call["state"] == "refused" && ["busy", "completed"].contains(&&standing.status[..]) => {}
            Some(call) => {
                let what = format!("{} is {} here and {} there", standing.sid, call["state"], standing.status);
                world.fault("calls end as the carrier says", call["id"].as_str(), what);
            }
            // Its reports were acknowledged, so that it is there.
            None if standing.is_inbound => {
                world.fault("callers are known", None, format!("{} from {} is not", standing.sid, standing.from));
            }
            None => world.fault("calls are known", None, format!("{} to {} is not", standing.sid, standing.to)),
        }
    }
}

/// What happens once on a call is told once.
fn told_once(world: &World, id: &str, events: &[Value]) {
    for kind in ["queued", "placing", "placed", "ended"] {
        let times = events.iter().filter(|event| event["kind"] == kind).count();
        if times > 1 {
            world.fault("told once", Some(id), format!("{kind} is told {times} times"));
        }
    }
}

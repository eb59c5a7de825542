//! What a run says in the end: its figures, and what was found, with all that is needed to look further.

use std::path::Path;
use std::time::Duration;

use crate::audit::Audited;
use crate::world::World;

/// The service's lives.
#[derive(Debug, Default)]
pub(crate) struct Lives {
    /// How long each took from its start until it was ready, of those that came so far.
    pub(crate) ready: Vec<Duration>,
    pub(crate) killed_in_start: u32,
}

impl Lives {
    fn percentile(&self, percent: usize) -> Duration {
        let mut sorted = self.ready.clone();
        sorted.sort_unstable();
        let last = sorted.len().saturating_sub(1);
        sorted.get(last * percent / 100).copied().unwrap_or_default()
    }
}

const COUNTED: [&str; 13] = [
    "creates acknowledged",
    "creates asked for again",
    "creates repeated",
    "callers",
    "media sockets",
    "TwiML answers",
    "TwiML questions not answered",
    "webhooks that found nobody",
    "the carrier's reports acknowledged",
    "the carrier's reports lost",
    "reports acknowledged",
    "reports answered 5xx",
    "reports not answered",
];

pub(crate) fn print(world: &World, lives: &Lives, audited: &Audited, took: Duration) {
    let line = |what: &str, figure: String| println!("{what:38} {figure:>10}");
    let ms = |time: Duration| format!("{} ms", time.as_millis());
    println!();
    line("took", format!("{} s", took.as_secs()));
    line("kills", world.kills().to_string());
    line("  while it started", lives.killed_in_start.to_string());
    line("ready, half of the times within", ms(lives.percentile(50)));
    line("ready, nine of ten within", ms(lives.percentile(90)));
    line("ready, longest", ms(lives.percentile(100)));
    for what in COUNTED {
        line(what, world.counted(what).to_string());
    }
    line("calls in the end", audited.calls.to_string());
    line("events in the end", audited.events.to_string());
    line("calls in doubt that were made", audited.found.to_string());
    line("calls in doubt that were never made", audited.in_doubt.to_string());
    line("faults", world.faults().len().to_string());
}

/// Each fault with what is known of its call.
pub(crate) async fn print_faults(world: &World, seed: u64, dir: &Path) {
    println!("\nseed {seed}; the service's log and data are kept in {}", dir.display());
    for fault in world.faults().into_iter().take(10) {
        println!("\nafter kill {}: {}: {}", fault.kill, fault.check, fault.what);
        let Some(call) = fault.call else { continue };
        let path = format!("{}/calls/{call}", world.tenant);
        // The service may be what is broken.
        let asked = tokio::time::timeout(Duration::from_secs(5), world.api.get(&path)).await;
        let Ok(Ok(shown)) = asked else { continue };
        println!("  call {call}: {} as {}", shown["state"], shown["carrier_call_id"]);
        for event in shown["timeline"].as_array().into_iter().flatten().filter(|event| event["kind"] != "transcription")
        {
            println!("  {} {} {} {}", event["at"], event["kind"], event["carrier_key"], event["data"]);
        }
    }
}

//! `offhook events tail`: what happens on calls, as it happens.
//!
//! The service is asked once a second: for one call's events, or for the newest calls of a tenant and then for those of
//! each that is not over. *Full:* beyond [`CALLS_MAX`] calls at once the oldest are not followed, and it is said.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::time::Duration;

use clap::{Arg, ArgMatches, Command, value_parser};
use serde_json::{Value, json};

use super::api::{Api, with_service};
use super::exit::{Exit, Failure};
use super::output::Output;
use super::table::shown;
use super::tenant::{tenant, with_tenant};
use super::{Environment, group, part};
use crate::clock::Clock;
use crate::model::CallId;

const EVERY: Duration = Duration::from_secs(1);
/// Calls that are followed at once; a key may ask a hundred times a second.
const CALLS_MAX: usize = 50;
/// Of one call, so many events are read at once; more come with the next look.
const EVENTS_MAX: usize = 1_000;
/// What has been printed is remembered for so many events; an older one is not the newest any more.
const REMEMBERED_MAX: usize = 200_000;

pub(super) fn command() -> Command {
    let call = Arg::new("call").long("call").value_name("ID").value_parser(value_parser!(CallId));
    let seconds = Arg::new("for-s").long("for-s").value_name("SECONDS").value_parser(value_parser!(u64));
    let about = "Print what happens on calls, as it happens; with --json a document per line";
    let tail = part("tail", about, "offhook events tail --json")
        .arg(call.help("Only this call, from its beginning to its end"))
        .arg(seconds.help("Stop after so long; without it: with Ctrl-C, or when the call is over"));
    group("events", "What happens on calls", "offhook events tail").subcommand(with_service(with_tenant(tail)))
}

pub(super) async fn run(matches: &ArgMatches, env: &Environment, api: &Api) -> Result<Output, Failure> {
    let Some((_, matches)) = matches.subcommand() else { unreachable!("a part is required") };
    let clock = Clock::machine();
    let until = matches.get_one::<u64>("for-s").map(|seconds| Duration::from_secs(*seconds));
    let mut tail = Tail {
        api,
        path: format!("/api/tenants/{}/calls", tenant(matches, env)?),
        as_json: matches.get_flag("json"),
        printed: BTreeSet::new(),
        followed: BTreeSet::new(),
    };
    let call = matches.get_one::<CallId>("call").map(ToString::to_string);
    if call.is_none() {
        tail.skip_the_past().await?;
    }
    loop {
        let over = match &call {
            Some(call) => tail.follow(call).await?,
            None => tail.follow_all().await?,
        };
        if over || until.is_some_and(|until| clock.now() >= until) {
            return Ok(Output::new("", json!(null)));
        }
        tokio::time::sleep(EVERY).await;
    }
}

struct Tail<'a> {
    api: &'a Api,
    path: String,
    as_json: bool,
    /// Ids of events; they sort by time.
    printed: BTreeSet<String>,
    /// Calls that were not over when they were last looked at.
    followed: BTreeSet<String>,
}

impl Tail<'_> {
    /// What was over before we came is not told.
    async fn skip_the_past(&mut self) -> Result<(), Failure> {
        for call in self.newest().await?.iter().filter(|call| is_over(call)) {
            self.printed.insert(id(call));
        }
        Ok(())
    }

    async fn newest(&self) -> Result<Vec<Value>, Failure> {
        Ok(self.api.list(&self.path, &[], CALLS_MAX).await?.items)
    }

    /// Everything that is new on the newest calls. Never over.
    async fn follow_all(&mut self) -> Result<bool, Failure> {
        let calls = self.newest().await?;
        let before = std::mem::take(&mut self.followed);
        for call in &calls {
            let id = id(call);
            // A call that ended since the last look, or came and went, is looked at once more.
            if !is_over(call) {
                self.followed.insert(id.clone());
            } else if !before.contains(&id) && self.printed.contains(&id) {
                continue;
            } else {
                self.printed.insert(id.clone());
            }
            self.follow(&id).await?;
        }
        let lost = before.iter().filter(|id| !calls.iter().any(|call| call["id"] == id.as_str())).count();
        if lost > 0 {
            eprintln!("offhook: more than {CALLS_MAX} calls at once: {lost} are not followed any more");
        }
        while self.printed.len() > REMEMBERED_MAX {
            self.printed.pop_first();
        }
        Ok(false)
    }

    /// Everything that is new on one call; whether it is over.
    async fn follow(&mut self, call: &str) -> Result<bool, Failure> {
        let events = self.api.list(&format!("{}/{call}/events", self.path), &[], EVENTS_MAX).await?.items;
        let mut over = false;
        for event in events.iter().rev() {
            over |= matches!(event["kind"].as_str(), Some("ended" | "refused"));
            if self.printed.insert(id(event)) {
                self.print(event)?;
            }
        }
        Ok(over)
    }

    fn print(&self, event: &Value) -> Result<(), Failure> {
        let text = if self.as_json {
            event.to_string()
        } else {
            let [at, call, kind] = ["at", "call_id", "kind"].map(|name| shown(&event[name]));
            format!("{at}  {call}  {kind:<14}  {}", data(event))
        };
        // A reader that went away has read enough.
        writeln!(std::io::stdout(), "{}", text.trim_end()).map_err(|_| Failure {
            exit: Exit::Done,
            lines: Vec::new(),
            problem: None,
        })
    }
}

fn id(thing: &Value) -> String {
    thing["id"].as_str().unwrap_or_default().to_owned()
}

fn is_over(call: &Value) -> bool {
    matches!(call["state"].as_str(), Some("completed" | "refused" | "failed"))
}

/// An event's data in a few words: `name=value`.
pub(super) fn data(event: &Value) -> String {
    let members = event["data"].as_object().into_iter().flatten();
    members.map(|(name, value)| format!("{name}={}", shown(value))).collect::<Vec<_>>().join(" ")
}

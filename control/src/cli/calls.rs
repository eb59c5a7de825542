//! `offhook calls`: live and past calls of a tenant.

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::api::{Api, with_service};
use super::exit::Failure;
use super::list::{self, with_limit};
use super::output::Output;
use super::table::{Table, card, shown};
use super::tenant::{tenant, with_tenant};
use super::{Environment, events, group, part};
use crate::model::{CallId, CallState, Timestamp};

const MEMBERS: &[&str] = &["id", "from", "to", "direction", "state", "started_at", "ended_at", "ended_by"];
const EXAMPLE_ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

pub(super) fn command() -> Command {
    let example = "offhook calls list --state streaming --since 2026-01-31T12:00:00Z";
    let state =
        Arg::new("state").long("state").value_name("STATE").value_parser(CallState::WORDS).action(ArgAction::Append);
    let direction = Arg::new("direction").long("direction").value_name("DIRECTION");
    let time = |name: &'static str| {
        let read = |text: &str| text.parse::<Timestamp>().map_err(|_| "write such as 2026-01-31T12:00:00Z");
        Arg::new(name).long(name).value_name("TIME").value_parser(read)
    };
    let list = part("list", "List calls, live and past", example)
        .arg(state.help("Only in this state; may be named several times"))
        .arg(direction.value_parser(["inbound", "outbound"]).help("Only this direction"))
        .arg(Arg::new("number").long("number").value_name("NUMBER").help("Only from or to this number"))
        .arg(time("since").help("Not before"))
        .arg(time("until").help("Before"));
    let id = || Arg::new("id").value_name("ID").required(true).value_parser(value_parser!(CallId));
    let show = part("show", "Show a call with its timeline", &format!("offhook calls show {EXAMPLE_ID}"));
    let hangup = part("hangup", "End a live call", &format!("offhook calls hangup {EXAMPLE_ID}"));
    let parts =
        [with_limit(list), place(), show.arg(id().help("The call's id")), hangup.arg(id().help("The call's id"))];
    group("calls", "Live and past calls", "offhook calls list")
        .subcommands(parts.map(|part| with_service(with_tenant(part))))
}

fn place() -> Command {
    let text = |name: &'static str, value: &'static str| Arg::new(name).long(name).value_name(value);
    let seconds = |name: &'static str| text(name, "SECONDS").value_parser(value_parser!(u32));
    let detections = ["off", "enable", "detect_message_end"];
    part("place", "Place a call", "offhook calls place +15557654321")
        .arg(Arg::new("to").value_name("NUMBER").required_unless_present("contact").help("Whom to call: +15551234567"))
        .arg(text("from", "NUMBER").help("From which of the tenant's numbers, instead of its default one"))
        .arg(text("profile", "ID").help("Which profile talks, instead of the number's own"))
        .arg(text("contact", "ID").help("Which contact is called"))
        .arg(text("campaign", "ID").help("Of which campaign it is"))
        .arg(text("machine-detection", "HOW").value_parser(detections).help("Whether to find out who answers"))
        .arg(seconds("ring").help("How long it may ring"))
        .arg(seconds("duration").help("How long it may last"))
        .arg(text("key", "KEY").help("The same command with the same key places one call"))
}

/// What was said of a call that is to be placed.
fn wish(matches: &ArgMatches) -> Value {
    let text = |name: &str| matches.get_one::<String>(name).map(|text| json!(text));
    let seconds = |name: &str| matches.get_one::<u32>(name).map(|seconds| json!(seconds));
    let said = [
        ("to", text("to")),
        ("from", text("from")),
        ("profile_id", text("profile")),
        ("contact_id", text("contact")),
        ("campaign_id", text("campaign")),
        ("machine_detection", text("machine-detection")),
        ("ring_s", seconds("ring")),
        ("duration_max_s", seconds("duration")),
    ];
    said.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect::<Map<_, _>>().into()
}

pub(super) async fn run(matches: &ArgMatches, env: &Environment, api: &Api) -> Result<Output, Failure> {
    let Some((name, matches)) = matches.subcommand() else { unreachable!("a part is required") };
    let path = format!("/api/tenants/{}/calls", tenant(matches, env)?);
    let id = matches.try_get_one::<CallId>("id").ok().flatten().map(ToString::to_string).unwrap_or_default();
    match name {
        "list" => {
            let listed = api.list(&path, &filter(matches), list::limit(matches)).await?;
            let head = &["id", "from", "to", "direction", "state", "started", "ended", "by"];
            Ok(list::show(listed, head, MEMBERS))
        }
        "place" => {
            let call =
                api.send_once(&path, &wish(matches), matches.get_one::<String>("key").map(String::as_str)).await?;
            let about = [MEMBERS, &["carrier_call_id", "error"]].concat();
            Ok(Output::new(card(&call, &about), call))
        }
        "show" => Ok(show(api.get(&format!("{path}/{id}")).await?.value)),
        _ => {
            let call = api.send(Method::POST, &format!("{path}/{id}/hangup"), Some(&json!({}))).await?;
            Ok(Output::new(format!("asked {id} to end\n"), call))
        }
    }
}

fn filter(matches: &ArgMatches) -> Vec<(&'static str, String)> {
    let states = matches.get_many::<String>("state").into_iter().flatten().map(|state| ("state", state.clone()));
    let text = |name: &'static str| Some((name, matches.get_one::<String>(name)?.clone()));
    let time = |name: &'static str| Some((name, matches.get_one::<Timestamp>(name)?.to_string()));
    let rest = [text("direction"), text("number"), time("since"), time("until")];
    states.chain(rest.into_iter().flatten()).collect()
}

fn show(call: Value) -> Output {
    let mut table = Table::new(&["at", "kind", "data"]);
    for event in call["timeline"].as_array().into_iter().flatten() {
        table.row(vec![shown(&event["at"]), shown(&event["kind"]), events::data(event)]);
    }
    let about =
        [MEMBERS, &["carrier_call_id", "phone_number_id", "profile_id", "contact_id", "error", "quality"]].concat();
    Output::new(format!("{}\n{}", card(&call, &about), table.text()), call)
}

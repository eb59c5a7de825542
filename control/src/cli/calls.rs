//! `offhook calls`: live and past calls of a tenant.

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use reqwest::Method;
use serde_json::{Value, json};

use super::api::{Api, with_service};
use super::exit::Failure;
use super::list::{self, with_limit};
use super::output::Output;
use super::table::{Table, card, shown};
use super::tenant::{tenant, with_tenant};
use super::{Environment, events, group, part};
use crate::model::{CallId, Timestamp};

const MEMBERS: &[&str] = &["id", "from", "to", "direction", "state", "started_at", "ended_at", "ended_by"];
const STATES: [&str; 6] = ["answered", "streaming", "between", "completed", "refused", "failed"];
const EXAMPLE_ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

pub(super) fn command() -> Command {
    let example = "offhook calls list --state streaming --since 2026-01-31T12:00:00Z";
    let state = Arg::new("state").long("state").value_name("STATE").value_parser(STATES).action(ArgAction::Append);
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
    let parts = [with_limit(list), show.arg(id().help("The call's id")), hangup.arg(id().help("The call's id"))];
    group("calls", "Live and past calls", "offhook calls list")
        .subcommands(parts.map(|part| with_service(with_tenant(part))))
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
    let about = [MEMBERS, &["carrier_call_id", "phone_number_id", "profile_id", "quality"]].concat();
    Output::new(format!("{}\n{}", card(&call, &about), table.text()), call)
}

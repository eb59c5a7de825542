//! `offhook contacts`: whom a tenant calls, and what came of it.

use clap::{Arg, ArgAction, ArgMatches, Command};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::api::{Api, with_service};
use super::exit::{Exit, Failure};
use super::list::{self, with_limit};
use super::output::Output;
use super::table::card;
use super::tenant::{tenant, with_tenant};
use super::{Environment, group, part};
use crate::model::ContactId;

const MEMBERS: &[&str] = &["id", "phone_number", "name", "state", "last_call_id", "updated_at"];
const ATTEMPT: &[&str] = &["call_id", "state", "started_at", "ended_at", "campaign_id"];
const STATES: [&str; 8] = ["new", "calling", "reached", "busy", "no_answer", "failed", "canceled", "do_not_call"];

pub(super) fn command() -> Command {
    let list = with_limit(part("list", "List a tenant's contacts", "offhook contacts list --state no_answer"));
    let state = Arg::new("state").long("state").value_name("STATE");
    let states = state.clone().value_parser(STATES).action(ArgAction::Append);
    let list = list
        .arg(states.help("Only in this state; may be named several times"))
        .arg(Arg::new("sought").long("number").value_name("NUMBER").help("Only the one of this number"));
    let set_state = || state.clone().value_parser(["new", "do_not_call"]).help("Whether it may be called");
    let name = || Arg::new("name").long("name").value_name("NAME").help("What it is called");
    let number = Arg::new("contact").value_name("NUMBER").required(true).help("Where it is called: +15551234567");
    let add = part("add", "Add a contact", "offhook contacts add +15557654321 --name Ann");
    let which = || Arg::new("contact").value_name("CONTACT").required(true).help("Its number, or its id");
    let show = part("show", "Show a contact", "offhook contacts show +15557654321");
    let set = part("set", "Change a contact", "offhook contacts set +15557654321 --state do_not_call");
    let attempts = part("attempts", "List the calls to a contact", "offhook contacts attempts +15557654321");
    let remove = part("remove", "Delete a contact", "offhook contacts remove +15557654321");
    let parts = [
        list,
        add.arg(number).arg(name()).arg(set_state().default_value("new")),
        show.arg(which()),
        set.arg(which()).arg(name()).arg(set_state()),
        with_limit(attempts.arg(which())),
        remove.arg(which()),
    ];
    group("contacts", "Whom a tenant calls, and what came of it", "offhook contacts add +15557654321")
        .subcommands(parts.map(|part| with_service(with_tenant(part))))
}

pub(super) async fn run(matches: &ArgMatches, env: &Environment, api: &Api) -> Result<Output, Failure> {
    let Some((name, matches)) = matches.subcommand() else { unreachable!("a part is required") };
    let path = format!("/api/tenants/{}/contacts", tenant(matches, env)?);
    let contact = match name {
        "list" => {
            let listed = api.list(&path, &filter(matches), list::limit(matches)).await?;
            return Ok(list::show(listed, &["id", "number", "name", "state", "last call", "updated"], MEMBERS));
        }
        "add" => {
            let mut body = changes(matches);
            body.insert("phone_number".to_owned(), json!(matches.get_one::<String>("contact")));
            api.send(Method::POST, &path, Some(&Value::Object(body))).await?
        }
        name => return one(api, &path, name, matches).await,
    };
    Ok(Output::new(card(&contact, MEMBERS), contact))
}

async fn one(api: &Api, path: &str, name: &str, matches: &ArgMatches) -> Result<Output, Failure> {
    let which = matches.get_one::<String>("contact").map(|text| text.trim()).unwrap_or_default();
    let id = match which.parse::<ContactId>() {
        Ok(id) => id.to_string(),
        Err(_) => sought(api, path, which).await?,
    };
    let path = format!("{path}/{id}");
    let contact = match name {
        "attempts" => {
            let listed = api.list(&format!("{path}/attempts"), &[], list::limit(matches)).await?;
            return Ok(list::show(listed, &["call", "state", "started", "ended", "campaign"], ATTEMPT));
        }
        "remove" => {
            api.send(Method::DELETE, &path, None).await?;
            return Ok(Output::new(format!("removed {which}\n"), json!({"id": id, "removed": true})));
        }
        "set" => {
            let changes = changes(matches);
            if changes.is_empty() {
                return Err(Failure::new(Exit::Usage, "nothing to change: name --name or --state"));
            }
            api.send(Method::PATCH, &path, Some(&Value::Object(changes))).await?
        }
        _ => api.get(&path).await?.value,
    };
    Ok(Output::new(card(&contact, MEMBERS), contact))
}

fn changes(matches: &ArgMatches) -> Map<String, Value> {
    let text = |name: &str| Some((name.to_owned(), json!(matches.get_one::<String>(name)?)));
    ["name", "state"].into_iter().filter_map(text).collect()
}

fn filter(matches: &ArgMatches) -> Vec<(&'static str, String)> {
    let states = matches.get_many::<String>("state").into_iter().flatten().map(|state| ("state", state.clone()));
    states.chain(matches.get_one::<String>("sought").map(|number| ("phone_number", number.clone()))).collect()
}

/// The id of a contact that is named by its number.
async fn sought(api: &Api, path: &str, number: &str) -> Result<String, Failure> {
    let listed = api.list(path, &[("phone_number", number.to_owned())], 1).await?;
    let found = listed.items.first().and_then(|item| item["id"].as_str());
    found.map(str::to_owned).ok_or_else(|| {
        let line = format!("this tenant has no contact {number}: see `offhook contacts list`, and name the tenant");
        Failure::new(Exit::NotFound, line)
    })
}

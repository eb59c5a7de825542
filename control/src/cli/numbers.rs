//! `offhook numbers`: which numbers are whose.

use clap::{Arg, ArgAction, ArgMatches, Command};
use reqwest::Method;
use serde_json::{Value, json};

use super::api::{Api, with_service};
use super::exit::{Exit, Failure};
use super::list::{self, with_limit};
use super::output::Output;
use super::table::{card, shown};
use super::tenant::{tenant, with_tenant};
use super::{Environment, group, part};
use crate::model::{PhoneNumberId, ProfileId};

const MEMBERS: &[&str] = &["id", "did_number", "provider_type", "is_active", "profile_id", "created_at"];
/// Beyond so many of a tenant's numbers, one is named by its id.
const SOUGHT_MAX: usize = 100_000;

pub(super) fn command() -> Command {
    let list = with_limit(part("list", "List a tenant's numbers", "offhook numbers list"));
    let number = Arg::new("number").value_name("NUMBER").required(true).help("What is dialled: +15551234567");
    let words = ["generic", "twilio", "telnyx", "asterisk", "mock"];
    let provider = Arg::new("provider").long("provider").value_name("PROVIDER").value_parser(words);
    let profile = Arg::new("profile").long("profile").value_name("ID").value_parser(clap::value_parser!(ProfileId));
    let inactive = Arg::new("inactive").long("inactive").action(ArgAction::SetTrue);
    let add = part("add", "Register a number", "offhook numbers add +15557654321 --provider twilio")
        .arg(number)
        .arg(provider.default_value("generic").help("Which carrier has it; generic: the deployment's own"))
        .arg(profile.help("Who answers; without it: the tenant's default profile"))
        .arg(inactive.help("Do not answer calls to it yet"));
    let which = Arg::new("number").value_name("NUMBER").required(true).help("The number, or its id");
    let remove = part("remove", "Take a number away", "offhook numbers remove +15557654321").arg(which);
    group("numbers", "Which numbers are whose", "offhook numbers add +15557654321")
        .subcommands([list, add, remove].map(|part| with_service(with_tenant(part))))
}

pub(super) async fn run(matches: &ArgMatches, env: &Environment, api: &Api) -> Result<Output, Failure> {
    let Some((name, matches)) = matches.subcommand() else { unreachable!("a part is required") };
    let path = format!("/api/tenants/{}/phone-numbers", tenant(matches, env)?);
    match name {
        "list" => {
            let listed = api.list(&path, &[], list::limit(matches)).await?;
            Ok(list::show(listed, &["id", "number", "provider", "active", "profile", "created"], MEMBERS))
        }
        "add" => {
            let number = api.send(Method::POST, &path, Some(&wanted(matches))).await?;
            let carrier = &number["carrier"];
            let became = format!("{}: {}\n", shown(&carrier["state"]), shown(&carrier["detail"]));
            Ok(Output::new(card(&number, MEMBERS) + &became, number))
        }
        _ => remove(api, &path, matches).await,
    }
}

fn wanted(matches: &ArgMatches) -> Value {
    json!({
        "did_number": matches.get_one::<String>("number"),
        "provider_type": matches.get_one::<String>("provider"),
        "profile_id": matches.get_one::<ProfileId>("profile"),
        "is_active": !matches.get_flag("inactive"),
    })
}

async fn remove(api: &Api, path: &str, matches: &ArgMatches) -> Result<Output, Failure> {
    let which = matches.get_one::<String>("number").map(|text| text.trim()).unwrap_or_default();
    let id = match which.parse::<PhoneNumberId>() {
        Ok(id) => id.to_string(),
        Err(_) => sought(api, path, which).await?,
    };
    api.send(Method::DELETE, &format!("{path}/{id}"), None).await?;
    Ok(Output::new(format!("removed {which}\n"), json!({"id": id, "removed": true})))
}

/// The id of a number that is named as it is dialled.
async fn sought(api: &Api, path: &str, number: &str) -> Result<String, Failure> {
    let listed = api.list(path, &[], SOUGHT_MAX).await?;
    let found = listed.items.iter().find(|item| item["did_number"] == number).and_then(|item| item["id"].as_str());
    found.map(str::to_owned).ok_or_else(|| {
        let line = format!("this tenant has no number {number}: see `offhook numbers list`, and name the tenant");
        Failure::new(Exit::NotFound, line)
    })
}

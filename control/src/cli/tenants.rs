//! `offhook tenants`: whom the service serves, and within which bounds.

use clap::{Arg, ArgMatches, Command};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::api::{Api, with_service};
use super::exit::{Exit, Failure};
use super::list::{self, with_limit};
use super::output::Output;
use super::table::card;
use super::tenant::parser;
use super::{Environment, group, part};
use crate::model::TenantId;

const MEMBERS: &[&str] = &["id", "name", "status", "plan", "created_at", "updated_at"];
/// Settings that are a number, or none.
const CAPS: [(&str, &str, &str); 4] = [
    ("concurrent-calls-max", "concurrent_calls_max", "Calls at once; none: as many as the service has places"),
    ("calls-per-second-max", "calls_per_second_max", "New calls per second; none: unbounded"),
    ("retention-days", "retention_days", "Days after which calls are deleted; none: kept"),
    ("minutes-per-day-max", "minutes_per_day_max", "Minutes of calls that it may place in a day; none: unbounded"),
];
const EXAMPLE_ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

pub(super) fn command() -> Command {
    let list = with_limit(part("list", "List the tenants", "offhook tenants list"));
    let name = Arg::new("name").value_name("NAME").required(true).help("What it is called");
    let create = part("create", "Make a tenant", "offhook tenants create BrightSmile --plan growth");
    let show = part("show", "Show a tenant and its settings", &format!("offhook tenants show {EXAMPLE_ID}"));
    let example = format!("offhook tenants set {EXAMPLE_ID} --status suspended --concurrent-calls-max 20");
    let set = part("set", "Change a tenant's status, plan or settings", &example).arg(id()).arg(plan()).arg(status());
    let set = set.arg(recording()).args(outbound()).args(CAPS.map(|(flag, _, help)| cap(flag, help)));
    group("tenants", "Whom the service serves, and within which bounds", "offhook tenants list").subcommands(
        [list, create.arg(name).arg(plan().default_value("starter")), show.arg(id()), set].map(with_service),
    )
}

fn id() -> Arg {
    Arg::new("id").value_name("ID").required(true).value_parser(parser()).help("The tenant's id")
}

fn plan() -> Arg {
    let words = ["starter", "growth", "custom"];
    Arg::new("plan").long("plan").value_name("PLAN").value_parser(words).help("What it has bought")
}

fn status() -> Arg {
    let words = ["active", "suspended", "deleted"];
    let help = "Whether it is served; deleted is for good";
    Arg::new("status").long("status").value_name("STATUS").value_parser(words).help(help)
}

fn recording() -> Arg {
    let words = ["off", "with_consent", "always"];
    Arg::new("recording").long("recording").value_name("WHEN").value_parser(words).help("Whether calls are recorded")
}

/// What holds for the calls that it places.
fn outbound() -> [Arg; 2] {
    let read = |text: &str| -> Result<Value, &'static str> {
        Ok(match text {
            "none" => Value::Null,
            list => list.split(',').map(str::trim).filter(|prefix| !prefix.is_empty()).collect(),
        })
    };
    let prefixes = Arg::new("dial-prefixes").long("dial-prefixes").value_name("LIST").value_parser(read);
    let flag = |text: &str| text.parse::<bool>().map(Value::from).map_err(|_| "write true or false");
    let stopped = Arg::new("outbound-stopped").long("outbound-stopped").value_name("BOOL").value_parser(flag);
    [
        prefixes.help("All that it may dial of what the guards let by, such as +1,+44; none: all of that"),
        stopped.help("Whether it places no calls"),
    ]
}

fn cap(flag: &'static str, help: &'static str) -> Arg {
    let read = |text: &str| match text {
        "none" => Ok(Value::Null),
        text => text.parse::<u32>().map(Value::from).map_err(|_| "write a whole number, or none"),
    };
    Arg::new(flag).long(flag).value_name("NUMBER").value_parser(read).help(help)
}

pub(super) async fn run(matches: &ArgMatches, _: &Environment, api: &Api) -> Result<Output, Failure> {
    match matches.subcommand() {
        Some(("list", matches)) => {
            let listed = api.list("/api/tenants", &[], list::limit(matches)).await?;
            Ok(list::show(listed, &["id", "name", "status", "plan", "created", "updated"], MEMBERS))
        }
        Some(("create", matches)) => {
            let text = |name: &str| matches.get_one::<String>(name).cloned();
            let body = json!({"name": text("name"), "plan": text("plan")});
            let tenant = api.send(Method::POST, "/api/tenants", Some(&body)).await?;
            Ok(Output::new(card(&tenant, MEMBERS), tenant))
        }
        Some(("set", matches)) => set(api, matches).await,
        Some((_, matches)) => show(api, &path(matches)).await,
        None => unreachable!("a part is required"),
    }
}

fn path(matches: &ArgMatches) -> String {
    let id = matches.get_one::<TenantId>("id").copied().unwrap_or(TenantId::DEFAULT);
    format!("/api/tenants/{id}")
}

async fn show(api: &Api, path: &str) -> Result<Output, Failure> {
    let mut tenant = api.get(path).await?.value;
    let settings = api.get(&format!("{path}/settings")).await?.value;
    let bounds = [
        "concurrent_calls_max",
        "calls_per_second_max",
        "recording",
        "retention_days",
        "dial_prefixes",
        "minutes_per_day_max",
        "outbound_stopped",
    ];
    let text = card(&tenant, MEMBERS) + "\n" + &card(&settings, &bounds);
    tenant["settings"] = settings;
    Ok(Output::new(text, tenant))
}

async fn set(api: &Api, matches: &ArgMatches) -> Result<Output, Failure> {
    let path = path(matches);
    let text = |name: &'static str| matches.get_one::<String>(name).map(|word| (name.to_owned(), json!(word)));
    let patch: Map<String, Value> = ["status", "plan"].into_iter().filter_map(text).collect();
    let caps = CAPS.iter().filter_map(|(flag, name, _)| Some(((*name).to_owned(), matches.get_one(flag).cloned()?)));
    let flags = ["dial-prefixes", "outbound-stopped"];
    let flags = flags.into_iter().filter_map(|flag| Some((flag.replace('-', "_"), matches.get_one(flag).cloned()?)));
    let settings: Map<String, Value> = caps.chain(flags).chain(text("recording")).collect();
    if patch.is_empty() && settings.is_empty() {
        return Err(Failure::new(Exit::Usage, "nothing to change: name --status, --plan or a setting"));
    }
    if !settings.is_empty() {
        put_settings(api, &format!("{path}/settings"), settings).await?;
    }
    if !patch.is_empty() {
        api.send(Method::PATCH, &path, Some(&Value::Object(patch))).await?;
    }
    show(api, &path).await
}

/// The settings as they are, and what is to change; if nobody else changes them meanwhile.
async fn put_settings(api: &Api, path: &str, changes: Map<String, Value>) -> Result<(), Failure> {
    let now = api.get(path).await?;
    let mut settings = now.value;
    for (name, value) in changes {
        settings[name.as_str()] = value;
    }
    api.replace(path, &settings, now.etag.as_deref()).await.map(drop)
}

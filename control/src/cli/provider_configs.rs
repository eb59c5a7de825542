//! `offhook provider-configs`: tenants' own accounts at carriers.

use std::io::Read as _;
use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, value_parser};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::api::{Api, with_service};
use super::exit::{Exit, Failure};
use super::list::{self, with_limit};
use super::output::Output;
use super::table::card;
use super::tenant::{tenant, with_tenant};
use super::{Environment, group, part};
use crate::model::ProviderConfigId;

const MEMBERS: &[&str] =
    &["id", "provider_type", "account_id", "name", "auth_tokens", "key_id", "outbound_number", "max_concurrent_calls"];
const EXAMPLE_ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const EXAMPLE_ACCOUNT: &str = "AC00000000000000000000000000000000";
/// More than any file of tokens has.
const FILE_BYTES_MAX: u64 = 16 * 1024;

pub(super) fn command() -> Command {
    let list = with_limit(part("list", "List a tenant's accounts at carriers", "offhook provider-configs list"));
    let example = format!("offhook provider-configs add {EXAMPLE_ACCOUNT} --name Ours --tokens-file tokens.txt");
    let account = Arg::new("account").value_name("ACCOUNT").required(true).help("The carrier's id of it: AC…");
    let provider = Arg::new("provider").long("provider").value_name("PROVIDER").value_parser(["twilio", "mock"]);
    let provider = provider.default_value("twilio").help("At which carrier");
    let add = part("add", "Add an account", &example).arg(account).arg(provider);
    let add = add.arg(name().required(true)).arg(tokens().required(true)).args(bounds());
    let id = || Arg::new("id").value_name("ID").required(true).value_parser(value_parser!(ProviderConfigId));
    let id = || id().help("The account's id here");
    let example = format!("offhook provider-configs set {EXAMPLE_ID} --tokens-file tokens.txt");
    let set = part("set", "Change an account, or replace its tokens", &example);
    let set = set.arg(id()).arg(name()).arg(tokens()).args(bounds());
    let remove = part("remove", "Delete an account", &format!("offhook provider-configs remove {EXAMPLE_ID}"));
    group("provider-configs", "A tenant's own accounts at carriers", "offhook provider-configs list")
        .subcommands([list, add, set, remove.arg(id())].map(|part| with_service(with_tenant(part))))
}

fn name() -> Arg {
    Arg::new("name").long("name").value_name("NAME").help("What it is called")
}

/// Secrets are no arguments: other users of the machine see those.
fn tokens() -> Arg {
    let tokens = Arg::new("tokens").long("tokens-file").value_name("FILE").value_parser(value_parser!(PathBuf));
    tokens.help("Its auth tokens, one per line, newest first; - for standard input")
}

fn bounds() -> [Arg; 2] {
    let number = |text: &str| -> Result<Value, &'static str> {
        Ok(if text == "none" { Value::Null } else { Value::from(text) })
    };
    let count = |text: &str| match text {
        "none" => Ok(Value::Null),
        text => text.parse::<u32>().map(Value::from).map_err(|_| "write a whole number, or none"),
    };
    let outbound = Arg::new("outbound-number").long("outbound-number").value_name("NUMBER").value_parser(number);
    let calls = Arg::new("max-concurrent-calls").long("max-concurrent-calls").value_name("CALLS").value_parser(count);
    [
        outbound.help("The number that calls where a call names none; none: each call names one"),
        calls.help("Calls at once that are placed over it; none: as many as the tenant may have"),
    ]
}

pub(super) async fn run(matches: &ArgMatches, env: &Environment, api: &Api) -> Result<Output, Failure> {
    let Some((command, matches)) = matches.subcommand() else { unreachable!("a part is required") };
    let path = format!("/api/tenants/{}/provider-configs", tenant(matches, env)?);
    let id = matches.try_get_one::<ProviderConfigId>("id").ok().flatten().map(ToString::to_string).unwrap_or_default();
    let config = match command {
        "list" => {
            let listed = api.list(&path, &[], list::limit(matches)).await?;
            let head = &["id", "carrier", "account", "name", "tokens", "key", "number", "calls"];
            return Ok(list::show(listed, head, MEMBERS));
        }
        "add" => {
            let mut body = changes(matches)?;
            body.insert("account_id".to_owned(), json!(matches.get_one::<String>("account")));
            body.insert("provider_type".to_owned(), json!(matches.get_one::<String>("provider")));
            api.send(Method::POST, &path, Some(&Value::Object(body))).await?
        }
        "set" => {
            let changes = changes(matches)?;
            if changes.is_empty() {
                return Err(Failure::new(Exit::Usage, "nothing to change: name --name, --tokens-file or a bound"));
            }
            api.send(Method::PATCH, &format!("{path}/{id}"), Some(&Value::Object(changes))).await?
        }
        _ => {
            api.send(Method::DELETE, &format!("{path}/{id}"), None).await?;
            return Ok(Output::new(format!("removed {id}\n"), json!({"id": id, "removed": true})));
        }
    };
    Ok(Output::new(card(&config, MEMBERS), config))
}

fn changes(matches: &ArgMatches) -> Result<Map<String, Value>, Failure> {
    let mut body = Map::new();
    if let Some(name) = matches.get_one::<String>("name") {
        body.insert("name".to_owned(), json!(name));
    }
    if let Some(path) = matches.get_one::<PathBuf>("tokens") {
        body.insert("auth_tokens".to_owned(), json!(read(path)?));
    }
    for flag in ["outbound-number", "max-concurrent-calls"] {
        if let Some(value) = matches.get_one::<Value>(flag) {
            body.insert(flag.replace('-', "_"), value.clone());
        }
    }
    Ok(body)
}

/// The lines of a file.
fn read(path: &PathBuf) -> Result<Vec<String>, Failure> {
    let mut text = String::new();
    let count = if path.as_os_str() == "-" {
        std::io::stdin().take(FILE_BYTES_MAX).read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(FILE_BYTES_MAX).read_to_string(&mut text))
    };
    count.map_err(|error| Failure::new(Exit::Usage, format!("cannot read {}: {error}", path.display())))?;
    Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

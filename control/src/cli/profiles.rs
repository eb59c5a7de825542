//! `offhook profiles`: what the agent of a call says and does.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Command, value_parser};
use reqwest::Method;
use serde_json::{Value, json};

use super::api::{Api, with_service};
use super::exit::{Exit, Failure};
use super::list::{self, with_limit};
use super::output::Output;
use super::table::card;
use super::tenant::{tenant, with_tenant};
use super::{Environment, group, part};
use crate::model::ProfileId;

const MEMBERS: &[&str] = &["id", "name", "role", "is_default", "language", "created_at"];
const DETAILS: &[&str] = &["id", "name", "role", "is_default", "language", "greeting", "menu", "transfer_allow"];
/// The service takes less.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
const EXAMPLE_ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

pub(super) fn command() -> Command {
    let list = with_limit(part("list", "List a tenant's profiles", "offhook profiles list"));
    let id = || Arg::new("id").value_name("ID").required(true).value_parser(value_parser!(ProfileId));
    let id = || id().help("The profile's id");
    let show = part("show", "Show a profile", &format!("offhook profiles show {EXAMPLE_ID} --json")).arg(id());
    let file = Arg::new("file").value_name("FILE").required(true).value_parser(value_parser!(PathBuf));
    let create = part("create", "Make a profile from a file", "offhook profiles create receptionist.toml")
        .arg(file.help("JSON, or TOML where the name ends so; - for JSON from standard input"));
    let example = format!("offhook profiles set-default {EXAMPLE_ID}");
    let set_default = part("set-default", "Let a profile answer where a number has none", &example).arg(id());
    group("profiles", "What the agent of a call says and does", "offhook profiles list")
        .subcommands([list, show, create, set_default].map(|part| with_service(with_tenant(part))))
}

pub(super) async fn run(matches: &ArgMatches, env: &Environment, api: &Api) -> Result<Output, Failure> {
    let Some((name, matches)) = matches.subcommand() else { unreachable!("a part is required") };
    let path = format!("/api/tenants/{}/ai-profiles", tenant(matches, env)?);
    let id = matches.try_get_one::<ProfileId>("id").ok().flatten().map(ToString::to_string).unwrap_or_default();
    let profile = match name {
        "list" => {
            let listed = api.list(&path, &[], list::limit(matches)).await?;
            return Ok(list::show(listed, &["id", "name", "role", "default", "language", "created"], MEMBERS));
        }
        "create" => {
            let file = matches.get_one::<PathBuf>("file").map(PathBuf::as_path);
            api.send(Method::POST, &path, Some(&read(file.unwrap_or_else(|| Path::new("-")))?)).await?
        }
        "set-default" => api.send(Method::PATCH, &format!("{path}/{id}"), Some(&json!({"is_default": true}))).await?,
        _ => api.get(&format!("{path}/{id}")).await?.value,
    };
    Ok(Output::new(card(&profile, DETAILS), profile))
}

/// What stands in a file; whether it is a profile, the service says.
fn read(path: &Path) -> Result<Value, Failure> {
    let shown = path.display();
    let usage = |line: String| Failure::new(Exit::Usage, line);
    let (mut text, mut stdin, mut file);
    let source: &mut dyn std::io::Read = if path == Path::new("-") {
        stdin = std::io::stdin();
        &mut stdin
    } else {
        file = std::fs::File::open(path).map_err(|error| usage(format!("cannot read {shown}: {error}")))?;
        &mut file
    };
    text = String::new();
    let count = source.take(FILE_BYTES_MAX + 1).read_to_string(&mut text);
    let count = count.map_err(|error| usage(format!("cannot read {shown}: {error}")))?;
    if count as u64 > FILE_BYTES_MAX {
        return Err(usage(format!("{shown} has more than {FILE_BYTES_MAX} bytes")));
    }
    let read = if path.extension().is_some_and(|name| name == "toml") {
        toml::from_str(&text).map_err(|error| error.message().to_owned())
    } else {
        serde_json::from_str(&text).map_err(|error| error.to_string())
    };
    read.map_err(|error| usage(format!("{shown}: {error}")))
}

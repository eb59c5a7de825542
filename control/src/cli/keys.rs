//! `offhook keys`: API keys, made in the database itself, so that there is a first one.

use clap::builder::PossibleValue;
use clap::{Arg, ArgMatches, Command};
use serde_json::{Value, json};

use super::errand::shown_database;
use super::exit::{Exit, Failure};
use super::list::{limit, with_limit};
use super::output::Output;
use super::sources::with_database;
use super::table::Table;
use super::tenant::parser;
use super::{Environment, group, json_flag, migrate, part};
use crate::config::Config;
use crate::db::Store;
use crate::http::api::Token;
use crate::model::{Actor, ApiKey, Cursor, KeyId, NewApiKey, PageRequest, Role, TenantId};

const NAME_CHARS_MAX: usize = 200;
const PAGE_MAX: usize = 200;

pub(super) fn command() -> Command {
    let create = part("create", "Make a key and print it, this once", "offhook keys create deploy --role admin")
        .arg(Arg::new("name").value_name("NAME").required(true).help("What it is called"))
        .arg(role())
        .arg(of_tenant("Whose it is: needed by every role but admin, which has none [env: OFFHOOK_TENANT]"));
    let list = part("list", "List keys, revoked ones included", "offhook keys list --json");
    let list = with_limit(list.arg(of_tenant("Only this tenant's")));
    let id = Arg::new("id").value_name("ID").required(true).value_parser(clap::value_parser!(KeyId));
    let revoke = part("revoke", "Revoke a key for good", "offhook keys revoke 01890a5d-ac96-774b-bcce-b302099a8057");
    let parts = [create, list, revoke.arg(id.help("The key's id; with it, any part of the key is worthless"))];
    group("keys", "Make, list and revoke API keys, in the database itself", "offhook keys create deploy --role admin")
        .subcommands(parts.map(|part| with_database(part).arg(json_flag())))
}

fn role() -> Arg {
    let words = [
        PossibleValue::new("admin").help("everything, for every tenant"),
        PossibleValue::new("tenant-admin").alias("tenant_admin").help("everything of one tenant, its keys included"),
        PossibleValue::new("operator").help("reads, and acts on calls"),
        PossibleValue::new("read-only").alias("read_only").help("reads, telephone numbers masked"),
    ];
    Arg::new("role").long("role").value_name("ROLE").required(true).value_parser(words).help("What it may do")
}

fn of_tenant(help: &'static str) -> Arg {
    Arg::new("tenant").long("tenant").value_name("ID").value_parser(parser()).help(help)
}

pub(super) async fn run(matches: &ArgMatches, env: &Environment, config: &Config) -> Result<Output, Failure> {
    let Some((name, matches)) = matches.subcommand() else { unreachable!("a part is required") };
    let wanted = if name == "create" { Some(wanted(matches, env)?) } else { None };
    let store = migrate::open(config).await?;
    let done = match (wanted, name) {
        (Some(new), _) => create(&store, new).await,
        (None, "list") => list(&store, matches).await,
        _ => revoke(&store, matches).await,
    };
    store.close().await;
    Ok(done?.remark(format!("in {}", shown_database(config))))
}

/// The key to be made, its secret still to come.
fn wanted(matches: &ArgMatches, env: &Environment) -> Result<NewApiKey, Failure> {
    let usage = |line: &str| Failure::new(Exit::Usage, line);
    let name = matches.get_one::<String>("name").map(|name| name.trim().to_owned()).unwrap_or_default();
    let plain = (1..=NAME_CHARS_MAX).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if !plain {
        return Err(usage("NAME has 1 to 200 characters in one line"));
    }
    let role = match matches.get_one::<String>("role").map(|role| role.replace('_', "-")).as_deref() {
        Some("admin") => Role::Admin,
        Some("tenant-admin") => Role::TenantAdmin,
        Some("operator") => Role::Operator,
        _ => Role::ReadOnly,
    };
    let named = matches.get_one::<TenantId>("tenant").copied();
    let tenant_id = match (role, named) {
        (Role::Admin, Some(_)) => return Err(usage("a key of the role admin is for every tenant: leave out --tenant")),
        (Role::Admin, None) => None,
        (_, Some(tenant)) => Some(tenant),
        (_, None) if env.get("OFFHOOK_TENANT").is_some() => Some(super::tenant::tenant(matches, env)?),
        (_, None) => return Err(usage("this role is for one tenant: name it with --tenant (`offhook tenants list`)")),
    };
    Ok(NewApiKey { tenant_id, name, role, hash: Vec::new() })
}

async fn create(store: &Store, new: NewApiKey) -> Result<Output, Failure> {
    let secret = Token::new_secret()
        .map_err(|error| Failure::new(Exit::Failed, format!("the system has no random numbers to give: {error}")))?;
    let new = NewApiKey { hash: Token::hash(&secret), ..new };
    let key = store.create_key(Actor::CommandLine, new).await?;
    let token = Token::show(key.id, &secret);
    let mut json = value(&key)?;
    json["token"] = json!(token);
    let line = format!("made the key {}; it is shown this once: keep it as OFFHOOK_API_KEY", key.id);
    Ok(Output::new(format!("{token}\n"), json).remark(line))
}

async fn list(store: &Store, matches: &ArgMatches) -> Result<Output, Failure> {
    let (tenant, limit) = (matches.get_one::<TenantId>("tenant").copied(), limit(matches));
    let mut keys: Vec<ApiKey> = Vec::new();
    let mut after: Option<Cursor> = None;
    loop {
        let wanted = u32::try_from((limit - keys.len()).min(PAGE_MAX)).unwrap_or(1);
        let page = store.keys(tenant, PageRequest { limit: wanted, after }).await?;
        keys.extend(page.items);
        after = page.next;
        if after.is_none() || keys.len() >= limit {
            break;
        }
    }
    let items = keys.iter().map(value).collect::<Result<Vec<Value>, Failure>>()?;
    let head = &["id", "name", "role", "tenant", "created", "revoked"];
    let text = Table::of(head, &items, &["id", "name", "role", "tenant_id", "created_at", "revoked_at"]).text();
    let output = Output::new(text, json!({"items": items, "next_cursor": null}));
    Ok(if after.is_some() { output.remark("there are more: see --limit") } else { output })
}

async fn revoke(store: &Store, matches: &ArgMatches) -> Result<Output, Failure> {
    let Some(id) = matches.get_one::<KeyId>("id").copied() else { unreachable!("an id is required") };
    let found = store.key(id).await;
    let key =
        found.map_err(|_| Failure::new(Exit::NotFound, format!("there is no key {id}: see `offhook keys list`")))?;
    store.revoke_key(Actor::CommandLine, key.tenant_id, id).await?;
    let text = format!("revoked {id} ({}); a running service knows within three seconds\n", key.name);
    Ok(Output::new(text, value(&store.key(id).await?)?))
}

fn value(key: &ApiKey) -> Result<Value, Failure> {
    serde_json::to_value(key).map_err(|error| Failure::new(Exit::Failed, error.to_string()))
}

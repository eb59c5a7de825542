//! The option that says whose things are meant.

use clap::{Arg, ArgMatches, Command, builder::ValueParser};

use super::Environment;
use super::exit::{Exit, Failure};
use crate::model::TenantId;

/// Adds `--tenant`.
pub(super) fn with_tenant(command: Command) -> Command {
    let help = "Whose: a tenant's id [env: OFFHOOK_TENANT] [default: the tenant that has the calls to numbers \
                that nobody registered]";
    command.arg(Arg::new("tenant").long("tenant").value_name("ID").value_parser(parser()).help(help))
}

/// Reads an id.
pub(super) fn parser() -> ValueParser {
    ValueParser::new(|text: &str| text.parse::<TenantId>().map_err(|_| "no id of a tenant: see `offhook tenants list`"))
}

/// The tenant that is meant.
pub(super) fn tenant(matches: &ArgMatches, env: &Environment) -> Result<TenantId, Failure> {
    let named = matches.get_one::<TenantId>("tenant").copied();
    match (named, env.get("OFFHOOK_TENANT")) {
        (Some(tenant), _) => Ok(tenant),
        (None, None) => Ok(TenantId::DEFAULT),
        (None, Some(text)) => text.trim().parse().map_err(|_| {
            let line = format!("OFFHOOK_TENANT {text:?} is no id of a tenant: see `offhook tenants list`");
            Failure::new(Exit::Usage, line)
        }),
    }
}

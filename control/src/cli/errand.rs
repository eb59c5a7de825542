//! A command that is soon done: finds what it needs, does it, prints what it has to say.

use clap::ArgMatches;
use secrecy::ExposeSecret as _;

use super::api::Api;
use super::exit::{Exit, Failure};
use super::output::{self, Output};
use super::{
    Environment, Refusal, calls, check, completions, contacts, doctor, events, keys, migrate, numbers, profiles,
    provider_configs, sources, tenants,
};
use crate::config::{Config, Sources};

/// A command, its arguments, and what surrounds them.
#[derive(Debug)]
pub struct Errand {
    name: String,
    matches: ArgMatches,
    env: Environment,
    /// Of the commands that have to do with the configuration.
    sources: Sources,
}

impl Errand {
    pub(super) fn new(
        name: &str,
        matches: ArgMatches,
        env: Vec<(String, String)>,
        unreadable: Vec<String>,
    ) -> Result<Self, Refusal> {
        let of = innermost(&matches);
        let sources = match name {
            "check" | "doctor" | "migrate" | "keys" => sources::sources(of, env.clone(), unreadable)?,
            _ => Sources::default(),
        };
        Ok(Self { name: name.to_owned(), env: Environment(env), sources, matches })
    }

    /// Does it, and says how the program ends.
    #[must_use]
    pub fn run(&self) -> Exit {
        let as_json = innermost(&self.matches).try_get_one::<bool>("json").ok().flatten() == Some(&true);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let said = match runtime {
            Ok(runtime) => runtime.block_on(self.act()),
            Err(error) => Err(Failure::new(Exit::Failed, format!("cannot start: {error}"))),
        };
        output::print(&said, as_json)
    }

    async fn act(&self) -> Result<Output, Failure> {
        let matches = &self.matches;
        match self.name.as_str() {
            "check" => check::run(matches, &self.sources),
            "doctor" => Ok(doctor::run(&self.sources).await),
            "migrate" => migrate::run(&config(&self.sources)?).await,
            "keys" => keys::run(matches, &self.env, &config(&self.sources)?).await,
            "completions" => completions::run(matches),
            name => {
                let api = Api::new(innermost(matches), &self.env)?;
                match name {
                    "tenants" => tenants::run(matches, &self.env, &api).await,
                    "numbers" => numbers::run(matches, &self.env, &api).await,
                    "profiles" => profiles::run(matches, &self.env, &api).await,
                    "provider-configs" => provider_configs::run(matches, &self.env, &api).await,
                    "contacts" => contacts::run(matches, &self.env, &api).await,
                    "calls" => calls::run(matches, &self.env, &api).await,
                    _ => events::run(matches, &self.env, &api).await,
                }
            }
        }
    }
}

fn innermost(matches: &ArgMatches) -> &ArgMatches {
    matches.subcommand().map_or(matches, |(_, matches)| innermost(matches))
}

/// The whole configuration, for its database.
fn config(sources: &Sources) -> Result<Config, Failure> {
    Config::load(sources).map_err(|faults| {
        let lines = faults.iter().map(ToString::to_string).collect();
        Failure { exit: Exit::Usage, lines, problem: None }
    })
}

/// A database's URL without its password.
pub(super) fn shown_database(config: &Config) -> String {
    let url = config.database_url.expose_secret();
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    // What stands behind the `?` may hold a password, too.
    let place = place.split('?').next().unwrap_or_default();
    format!("{scheme}://{place}")
}

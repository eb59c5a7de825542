//! The test stand with a server on it, and what a plateau on it comes to.

use std::path::Path;

use crate::capacity::budget::Budgets;
use crate::cli::{CapacityArgs, Scene};
use crate::report::capacity::{Plateau, Server};
use crate::run::stand::{Play, Stand};
use crate::shell::fleet::process::Whose;
use crate::shell::served::Served;

/// The stand with a server on it.
pub(super) struct Bench<'a> {
    /// What was asked for.
    pub(super) args: &'a CapacityArgs,
    /// The caller's side.
    pub(super) stand: Stand,
    /// What must be kept.
    pub(super) budgets: Budgets,
    /// A server that stays for the whole search.
    kept: Option<Served>,
    version: Option<String>,
}

/// One plateau to play.
#[derive(Clone, Debug)]
pub(super) struct Task<'a> {
    /// What is shown.
    pub(super) what: String,
    /// Calls at once.
    pub(super) calls: usize,
    /// For how long, s.
    pub(super) length_s: u64,
    /// How they come and go.
    pub(super) scene: Scene,
    /// What starts the server; `None`: it is there.
    pub(super) command: Option<&'a str>,
}

impl<'a> Bench<'a> {
    /// With the server that stays, if one does.
    pub(super) fn new(args: &'a CapacityArgs, stand: Stand) -> Result<Self, String> {
        let kept = args.serve.as_deref().filter(|_| args.reuse).map(|command| stand.serve(command)).transpose()?;
        let budgets = args.budgets.budgets(args.place.metrics.is_some());
        Ok(Self { args, stand, budgets, kept, version: args.server_version.clone() })
    }

    /// Plays it, and judges it by the budgets.
    pub(super) fn plateau(&mut self, task: &Task<'_>) -> Result<Plateau, String> {
        let Task { what, calls, length_s, scene, command } = task;
        // What is started otherwise than the server that stays cannot be that.
        let stays = self.kept.is_some() && *command == self.args.serve.as_deref();
        if !stays && command.is_some() {
            self.kept = None;
        }
        let fresh = command.filter(|_| !stays).map(|command| self.stand.serve(command)).transpose()?;
        let served = fresh.as_ref().or(self.kept.as_ref());
        let server = served.map(Served::whose).or(self.args.pid.map(Whose::Process));
        if self.version.is_none() {
            self.version = served.and_then(Served::version);
        }
        let play = Play { what, calls: *calls, length_s: *length_s, server, scene: *scene };
        let played = self.stand.play(play)?;
        drop(fresh);
        Ok(Plateau::judged(played, &self.budgets))
    }

    /// Who answered.
    pub(super) fn server(&self) -> Server {
        let args = self.args;
        let by_command = args.serve.as_deref().map(program);
        Server {
            name: args.server_name.clone().or(by_command).unwrap_or_else(|| args.target.url.clone()),
            version: self.version.clone(),
            url: args.target.url.clone(),
            command: args.serve.clone(),
            core: self.stand.server_core.filter(|_| args.serve.is_some()),
            afresh: args.serve.is_some() && !args.reuse,
        }
    }
}

/// The name of the program in a command: its first word that sets no variable, without folders.
fn program(command: &str) -> String {
    let word = command.split_ascii_whitespace().find(|word| !word.contains('=')).unwrap_or(command);
    Path::new(word).file_name().map_or_else(|| word.to_owned(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_called_by_its_program() {
        assert_eq!(program("LOG_LEVEL=warn target/dist/offhook --port 80"), "offhook");
        assert_eq!(program("node server.mjs"), "node");
    }
}

//! A test stand: the caller's side, kept ready, in front of one server after the other or of the same again and again.

use super::fleet::{CALLS_MAX, directory, seconds};
use super::progress::Progress;
use crate::cli::{LimitArgs, PlaceArgs, Scene, TargetArgs};
use crate::fleet::voice::Voices;
use crate::report::capacity::Played;
use crate::report::fleet::{Report, Settings};
use crate::shell::clock::{self, Clock};
use crate::shell::fleet::dial::Directory;
use crate::shell::fleet::driver::Plan;
use crate::shell::fleet::machine::{self, Machine};
use crate::shell::fleet::observer::Windows;
use crate::shell::fleet::process::Whose;
use crate::shell::fleet::session;
use crate::shell::served::Served;
use crate::time::Micros;
use crate::twilio::params::Direction;
use crate::twilio::url::Url;

/// The stand.
pub(super) struct Stand {
    directory: Directory,
    url: String,
    metrics: Option<Url>,
    /// Away while a fleet speaks.
    voices: Option<Voices>,
    names: Vec<String>,
    rate: f64,
    void_above_ms: f64,
    clock: Clock,
    /// Everything random.
    pub(super) seed: u64,
    /// Where the server runs, if we start it.
    pub(super) server_core: Option<usize>,
    /// What all this runs on.
    pub(super) machine: Machine,
    /// What is seen of it.
    pub(super) progress: Progress,
}

/// What is to be played.
#[derive(Clone, Copy, Debug)]
pub(super) struct Play<'a> {
    /// What is shown while it is.
    pub(super) what: &'a str,
    /// Calls at once.
    pub(super) calls: usize,
    /// How long is measured, s.
    pub(super) length_s: u64,
    /// Whose processor time is measured.
    pub(super) server: Option<Whose>,
    /// How calls come and go.
    pub(super) scene: Scene,
}

/// How long a server may take to clear away: whether it leaks is for `fleet` to say.
const PATIENCE: Micros = Micros::from_ms(1_500);
/// Mean length of a call where they come and go.
const CHURN: Micros = Micros::from_ms(30_000);
/// How often many end and begin at once.
const BURST: Micros = Micros::from_ms(5_000);

impl Stand {
    /// A stand that calls `target` from the core that `place` names.
    pub(super) fn new(target: &TargetArgs, place: &PlaceArgs, starts_server: bool) -> Result<Self, String> {
        if !(place.rate.is_finite() && place.rate >= 1.0) {
            return Err(format!("--rate {}: at least one call a second", place.rate));
        }
        let seed = place.seed.unwrap_or_else(clock::fresh_seed);
        let voices = Voices::load(&place.clips, seed).map_err(|e| e.to_string())?;
        let metrics = place.metrics.as_deref().map(Url::parse).transpose().map_err(|e| format!("--metrics: {e}"))?;
        let directory = directory(target, None, seed)?;
        let machine = Machine::look();
        let (core, server_core) = cores(place, starts_server, &machine::allowed_cores());
        machine::raise_descriptor_limit(256)?;
        if let Some(core) = core {
            machine::pin(core)?;
        }
        Ok(Self {
            directory,
            url: target.url.clone(),
            metrics,
            names: voices.clips.iter().map(|voice| voice.name.clone()).collect(),
            voices: Some(voices),
            rate: place.rate,
            void_above_ms: place.void_above_ms,
            clock: Clock::start(),
            seed,
            server_core,
            machine,
            progress: Progress::new(),
        })
    }

    /// Calls somebody else from now on.
    pub(super) fn aim(&mut self, target: &TargetArgs) -> Result<(), String> {
        self.directory = directory(target, None, self.seed)?;
        self.url.clone_from(&target.url);
        Ok(())
    }

    /// Starts the server, where nobody else does.
    pub(super) fn serve(&self, command: &str) -> Result<Served, String> {
        let url = &self.directory.url;
        Served::start(command, self.server_core, &self.directory.route.place(url)?)
    }

    /// Plays it to its end.
    pub(super) fn play(&mut self, play: Play<'_>) -> Result<Played, String> {
        let Play { what, calls, length_s, server, scene } = play;
        if calls == 0 || calls > CALLS_MAX {
            return Err(format!("{calls} calls: from 1 to {CALLS_MAX}"));
        }
        machine::raise_descriptor_limit(calls as u64 + 200)?;
        let plan = Plan {
            calls,
            ramp: seconds("--rate", calls as f64 / self.rate)?,
            length: seconds("length", length_s as f64)?,
            churn: (scene == Scene::Churn).then_some(CHURN),
            burst: (scene == Scene::Burst).then_some(BURST),
            stall: None,
            seed: self.seed,
        };
        let voices = self.voices.take().ok_or("the voices are away")?;
        let windows = Windows { server, metrics: self.metrics.clone(), patience: PATIENCE };
        let outbound = scene == Scene::Outbound;
        let direction = if outbound { Direction::OutboundApi } else { Direction::Inbound };
        let directory = Directory { direction, ..self.directory.clone() };
        let begins_s = self.clock.now().as_ms() / 1_000.0;
        let progress = &mut self.progress;
        let mut show = |live: &_| progress.show(what, calls, plan.length, live);
        let (shared, seen) = session::run(plan, directory, voices, windows, &mut show)?;
        self.voices = Some(shared.voices);
        let settings = settings(self.url.clone(), length_s, plan, self.machine.clone());
        let (void, limits) = (self.void_above_ms, LimitArgs::default());
        let report = Report::new(settings, &shared.measures, &self.names, &seen, void, &limits);
        Ok(Played { begins_s, report, seconds: seen.seconds, measures: shared.measures })
    }
}

fn settings(url: String, duration_s: u64, plan: Plan, machine: Machine) -> Settings {
    Settings {
        url,
        calls: plan.calls,
        duration_s,
        ramp_s: plan.ramp.as_ms() / 1_000.0,
        churn_s: plan.churn.map(|mean: Micros| mean.as_ms() / 1_000.0),
        seed: plan.seed,
        machine,
        ..Settings::default()
    }
}

/// Our core and the server's: apart where we start the server and there are two.
fn cores(place: &PlaceArgs, starts_server: bool, allowed: &[usize]) -> (Option<usize>, Option<usize>) {
    let apart = starts_server && allowed.len() > 1;
    let other = |than: Option<usize>| allowed.iter().copied().find(|core| Some(*core) != than).filter(|_| apart);
    let core = place.core.or_else(|| other(place.server_core));
    let server = place.server_core.or_else(|| other(core));
    (core, server)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_get_cores_of_their_own_where_there_are_two() {
        let place = |core, server_core| PlaceArgs {
            core,
            server_core,
            metrics: None,
            clips: Vec::new(),
            seed: None,
            void_above_ms: 1.0,
            rate: 100.0,
        };
        assert_eq!(cores(&place(None, None), true, &[0, 1, 2]), (Some(0), Some(1)));
        assert_eq!(cores(&place(Some(1), None), true, &[0, 1]), (Some(1), Some(0)));
        assert_eq!(cores(&place(None, Some(0)), true, &[0, 1]), (Some(1), Some(0)));
        assert_eq!(cores(&place(None, None), true, &[0]), (None, None));
        assert_eq!(cores(&place(None, None), false, &[0, 1]), (None, None));
    }
}

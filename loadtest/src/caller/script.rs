//! A script: what the caller does and expects, read from TOML; a script is a test.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use thiserror::Error;

use super::clips::{self, BadClip, Clip};
use super::echo::{EchoPlan, MAX_DELAY_MS};
use super::fault::{BadFault, Fault, RawFault};
use super::library::{PARTIES, SCENARIOS};
use super::noise::NoisePlan;
use super::pickup::{RawMishaps, RawPickup};
use super::steps::{BadStep, RawStep, Step};
use crate::call::course::{Mishaps, Pickup};
use crate::time::Micros;
use crate::twilio::callee::{Callee, Callees, Reply};

/// What must not happen anywhere in the call.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Forbidden {
    /// A `clear` that nobody provoked, while sound was waiting to be heard.
    FalseClears,
    /// Any `clear`.
    Clears,
    /// Anything that Twilio's debugger would show.
    Warnings,
}

/// What must not take longer, anywhere in the call.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct Budget {
    /// From `start` to the first media message.
    pub first_audio_ms: Option<u64>,
    /// A silence in the middle of what the bot says because its sound came too late.
    pub gap_ms: Option<u64>,
    /// From the onset of speech to `clear`, wherever a `clear` followed.
    pub clear_ms: Option<u64>,
}

/// A script, ready to be run any number of times.
#[derive(Clone, Debug)]
pub struct Script {
    /// Its name or path.
    pub name: String,
    /// One sentence.
    pub about: String,
    /// What the caller does, in order; behind the last step he hangs up.
    pub steps: Vec<Step>,
    /// What must not happen.
    pub forbid: Vec<Forbidden>,
    /// What must not take longer.
    pub budget: Budget,
    /// What the script only informs about, in one word such as `echo`: what it misses is told, and fails nobody.
    pub informs: Option<String>,
    /// What it needs of the server beyond a voice, such as `menu` (the keys of the built-in agent).
    pub needs: Option<String>,
    /// What goes wrong between Twilio and the server.
    pub faults: Vec<Fault>,
    /// What disturbs the line.
    pub noise: NoisePlan,
    /// How what is heard comes back.
    pub echo: Option<EchoPlan>,
    /// Who answers a transfer.
    pub callees: Callees,
    /// How the called party takes the call, where it is called.
    pub pickup: Pickup,
    /// What goes wrong with the call's status callbacks.
    pub mishaps: Mishaps,
    /// The caller hangs up after so long, whatever happens.
    pub max: Micros,
    /// All clips that the steps name.
    pub clips: BTreeMap<String, Arc<Clip>>,
}

/// Why there is no script.
#[derive(Debug, Error)]
pub enum BadScript {
    /// Neither built in nor a file.
    #[error("no script {0:?}: built in are {names}; or give the path of a .toml file", names = names())]
    Unknown(String),
    /// The file cannot be read.
    #[error("{0}: {1}")]
    Read(String, std::io::Error),
    /// The file is no TOML, or has unknown keys.
    #[error("{0}: {1}")]
    Toml(String, toml::de::Error),
    /// A step says nothing that can be done.
    #[error("{0}: step {1}: {2}")]
    Step(String, usize, BadStep),
    /// A fault cannot be made.
    #[error("{0}: fault {1}: {2}")]
    Fault(String, usize, BadFault),
    /// A clip cannot be used.
    #[error("{0}: {1}")]
    Clip(String, BadClip),
    /// An echo that no line has.
    #[error("{0}: [echo] db from -60 to 0, after_ms up to {MAX_DELAY_MS}")]
    Echo(String),
    /// There is nothing to do.
    #[error("{0}: needs at least one [[step]]")]
    Empty(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawScript {
    about: String,
    #[serde(default = "default_max_ms")]
    max_ms: u64,
    #[serde(default)]
    forbid: Vec<Forbidden>,
    #[serde(default)]
    budget: Budget,
    informs: Option<String>,
    needs: Option<String>,
    #[serde(default)]
    noise: NoisePlan,
    echo: Option<EchoPlan>,
    #[serde(default)]
    transfer: RawCallee,
    /// Parties that do something else, by number, client, SIP URI, conference or queue.
    #[serde(default)]
    party: BTreeMap<String, RawCallee>,
    pickup: Option<RawPickup>,
    #[serde(default)]
    callbacks: RawMishaps,
    #[serde(default)]
    step: Vec<RawStep>,
    #[serde(default)]
    fault: Vec<RawFault>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawCallee {
    answers: bool,
    reply: Option<Reply>,
    ring_ms: u64,
    talk_ms: u64,
    /// Of a queue: how many callers wait there already.
    waiting: u32,
}

impl Default for RawCallee {
    fn default() -> Self {
        Self { answers: true, reply: None, ring_ms: 500, talk_ms: 1_000, waiting: 0 }
    }
}

impl RawCallee {
    fn callee(self) -> Callee {
        let reply = self.reply.unwrap_or(if self.answers { Reply::Answers } else { Reply::NoAnswer });
        Callee { reply, ring: Micros::from_ms(self.ring_ms), talk: Micros::from_ms(self.talk_ms) }
    }
}

const fn default_max_ms() -> u64 {
    120_000
}

/// The longest call that a script may ask for: one hour.
const MAX_CALL: Micros = Micros::from_ms(3_600_000);

/// A built-in script by name, or a TOML file by path.
///
/// # Errors
/// [`BadScript`] names file, step and cause.
pub fn load(name: &str) -> Result<Script, BadScript> {
    if let Some((_, text)) = built_in().find(|(built_in, _)| *built_in == name) {
        return parse(name, text, Path::new("."));
    }
    let path = Path::new(name);
    if path.extension().is_none_or(|e| e != "toml") {
        return Err(BadScript::Unknown(name.to_owned()));
    }
    let text = std::fs::read_to_string(path).map_err(|e| BadScript::Read(name.to_owned(), e))?;
    parse(name, &text, path.parent().unwrap_or(Path::new(".")))
}

/// A script from its text; WAV paths are relative to `folder`.
///
/// # Errors
/// [`BadScript`] names step and cause.
pub fn parse(name: &str, text: &str, folder: &Path) -> Result<Script, BadScript> {
    let raw: RawScript = toml::from_str(text).map_err(|e| BadScript::Toml(name.to_owned(), e))?;
    let mut steps = Vec::new();
    for (index, step) in raw.step.into_iter().enumerate() {
        steps.push(step.check().map_err(|bad| BadScript::Step(name.to_owned(), index + 1, bad))?);
    }
    if steps.is_empty() {
        return Err(BadScript::Empty(name.to_owned()));
    }
    if raw.echo.is_some_and(|e| !(-60.0..=0.0).contains(&e.db) || e.after_ms > MAX_DELAY_MS) {
        return Err(BadScript::Echo(name.to_owned()));
    }
    let mut faults = Vec::new();
    for (index, fault) in raw.fault.iter().enumerate() {
        let checked = fault.check(steps.len()).map_err(|bad| BadScript::Fault(name.to_owned(), index + 1, bad))?;
        faults.push(checked);
    }
    let mut loaded = BTreeMap::new();
    for clip in steps.iter().flat_map(Step::clips) {
        let sound = clips::load(clip, folder).map_err(|bad| BadScript::Clip(name.to_owned(), bad))?;
        loaded.insert(clip.clone(), sound);
    }
    let waiting = raw.party.iter().map(|(to, party)| (to.clone(), party.waiting)).collect();
    let named = raw.party.into_iter().map(|(to, party)| (to, party.callee())).collect();
    Ok(Script {
        name: name.to_owned(),
        about: raw.about,
        steps,
        forbid: raw.forbid,
        budget: raw.budget,
        informs: raw.informs,
        needs: raw.needs,
        faults,
        noise: raw.noise,
        echo: raw.echo,
        pickup: raw.pickup.map_or_else(Pickup::default, Pickup::from),
        mishaps: raw.callbacks.mishaps(),
        callees: Callees { named, others: raw.transfer.callee(), waiting },
        max: Micros::from_ms(raw.max_ms).min(MAX_CALL),
        clips: loaded,
    })
}

fn built_in() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    SCENARIOS.iter().chain(PARTIES)
}

fn names() -> String {
    built_in().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(steps: &str) -> String {
        parse("t", &format!("about = \"x\"\n{steps}"), Path::new(".")).unwrap_err().to_string()
    }

    #[test]
    fn every_built_in_script_is_sound() {
        for (name, _) in built_in() {
            let script = load(name).unwrap_or_else(|bad| panic!("{bad}"));
            assert!(!script.about.is_empty() && !script.steps.is_empty(), "{name}");
        }
    }

    #[test]
    fn a_bad_step_is_named_with_its_cure() {
        let step = |text: &str| refused(&format!("[[step]]\nsilence_ms = 1\n[[step]]\n{text}"));
        assert!(
            step("wait = \"bot_sings\"").contains("step 2: wait = \"bot_sings\" is unknown; use one of bot_starts")
        );
        assert!(step("hang_up = true\nsilence_ms = 3").contains("exactly one of"));
        assert!(step("digits = \"1a\"").contains("only 0-9"));
        assert!(step("say = \"en/nothing\"").contains("en/im-sorry"));
        assert!(step("say = []").contains("at least one clip"));
        assert!(step("digits = \"1\"\nwithin_ms = 5").contains("within_ms does not belong"));
        assert!(step("digits = \"1\"\noptional = true").contains("optional does not belong"));
        assert!(step("speak = \"x\"").contains("unknown field"));
        assert!(step("talk_over = { clip = \"voice:200\", times = 0 }").contains("from 1 to"));
        assert!(step("say = \"voice:5\"").contains("voice:MS"));
        assert!(step("silence_ms = 1\n[echo]\ndb = 3.0\nafter_ms = 100").contains("db from -60 to 0"));
        assert!(step("silence_ms = 1\n[[fault]]\nkind = \"stall\"\nat_ms = 1").contains("fault 1: stall needs for_ms"));
        assert!(refused("").contains("at least one [[step]]"));
    }

    #[test]
    fn parties_do_what_is_written_and_all_others_what_a_transfer_does() {
        let text = "about = \"x\"\n[transfer]\nanswers = false\n[party.\"+14155550123\"]\nreply = \"busy\"\nring_ms = 9\n\
                    [party.support]\nwaiting = 4\n[[step]]\nhang_up = true";
        let callees = parse("t", text, Path::new(".")).unwrap().callees;
        let busy = callees.of("+14155550123");
        assert_eq!((busy.reply, busy.ring), (Reply::Busy, Micros::from_ms(9)));
        assert_eq!(callees.of("+14155550124").reply, Reply::NoAnswer);
        assert_eq!((callees.waiting("support"), callees.waiting("sales")), (4, 0));
    }

    #[test]
    fn a_wrong_name_lists_the_right_ones() {
        assert!(load("defualt").unwrap_err().to_string().contains("default, greeting"));
        assert!(load("/nowhere/x.toml").unwrap_err().to_string().contains("/nowhere/x.toml"));
    }
}

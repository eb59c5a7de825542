//! The faults of a line as they stand in a script, checked and made into plain values.

use serde::Deserialize;
use thiserror::Error;

use crate::time::Micros;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Each message is late by anything up to this; their order is kept, as on any TCP connection.
    Jitter(Micros),
    /// Nothing for so long, then all that is due at once, again and again.
    Bunch(Micros),
    /// Nothing for as long as the fault lasts, then all at once.
    Stall,
    /// So many frames of a thousand never become a message: their time stamps are missing.
    Loss(u16),
    /// Nothing is sent or read any more, and nothing is closed.
    HalfOpen,
    /// The connection is reset.
    Reset,
    /// A second socket is opened with the same URL, parameters and SIDs; the server must refuse it.
    SecondSocket,
    /// The caller hangs up, whatever he is doing.
    HangUp,
    /// What the server sends is not read for as long as the fault lasts.
    SlowReader,
}

/// When it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// So long after the first stream started.
    At(Micros),
    /// So long after this step (from 1) began.
    Step(usize, Micros),
}

/// One fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What.
    pub kind: Kind,
    /// From when on.
    pub when: When,
    /// How long; meaningless for what happens once.
    pub lasts: Micros,
}

/// What is wrong with a `[[fault]]`.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum BadFault {
    /// A kind that is not known.
    #[error("kind = {0:?} is unknown; use one of {KINDS}")]
    Kind(String),
    /// A key that this kind needs.
    #[error("{0} needs {1}")]
    Needs(String, &'static str),
    /// A key that this kind does not have.
    #[error("{1} does not belong to {0}")]
    Extra(String, &'static str),
    /// Neither or both of the ways to say when.
    #[error("needs at_ms (since the stream started), or at_step (from 1) and after_ms: one of the two")]
    When,
    /// The script has no such step.
    #[error("at_step = {0}: the script has steps 1 to {1}")]
    Step(usize, usize),
    /// Not a share.
    #[error("percent = {0}: from 0.1 to 100")]
    Percent(f64),
}

const KINDS: &str = "jitter, bunch, stall, loss, half_open, reset, second_socket, hang_up, slow_reader";

/// A fault as written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawFault {
    kind: String,
    at_ms: Option<u64>,
    at_step: Option<usize>,
    after_ms: Option<u64>,
    for_ms: Option<u64>,
    up_to_ms: Option<u64>,
    every_ms: Option<u64>,
    percent: Option<f64>,
}

impl RawFault {
    /// The fault that is meant, in a script of so many steps.
    ///
    /// # Errors
    /// [`BadFault`] says what to mend.
    pub fn check(&self, steps: usize) -> Result<Fault, BadFault> {
        let kind = self.kind()?;
        let lasting = matches!(kind, Kind::Jitter(_) | Kind::Bunch(_) | Kind::Stall | Kind::Loss(_) | Kind::SlowReader);
        let lasts = match (self.for_ms, kind) {
            (Some(ms), _) if lasting => Micros::from_ms(ms),
            (Some(_), _) => return Err(self.extra("for_ms")),
            (None, Kind::Stall | Kind::SlowReader) => return Err(self.needs("for_ms")),
            // Until the end of the call.
            (None, _) => Micros::MAX,
        };
        Ok(Fault { kind, when: self.when(steps)?, lasts })
    }

    fn kind(&self) -> Result<Kind, BadFault> {
        let own = match self.kind.as_str() {
            "jitter" => "up_to_ms",
            "bunch" => "every_ms",
            "loss" => "percent",
            _ => "",
        };
        let given = [("up_to_ms", self.up_to_ms.is_some()), ("every_ms", self.every_ms.is_some())];
        for (key, there) in given.into_iter().chain([("percent", self.percent.is_some())]) {
            if there && key != own {
                return Err(self.extra(key));
            }
        }
        let ms = |value: Option<u64>, key| value.map(Micros::from_ms).ok_or_else(|| self.needs(key));
        Ok(match self.kind.as_str() {
            "jitter" => Kind::Jitter(ms(self.up_to_ms, "up_to_ms")?),
            "bunch" => Kind::Bunch(ms(self.every_ms.filter(|&ms| ms > 0), "every_ms (above 0)")?),
            "stall" => Kind::Stall,
            "loss" => Kind::Loss(per_mille(self.percent.ok_or_else(|| self.needs("percent"))?)?),
            "half_open" => Kind::HalfOpen,
            "reset" => Kind::Reset,
            "second_socket" => Kind::SecondSocket,
            "hang_up" => Kind::HangUp,
            "slow_reader" => Kind::SlowReader,
            other => return Err(BadFault::Kind(other.to_owned())),
        })
    }

    fn when(&self, steps: usize) -> Result<When, BadFault> {
        match (self.at_ms, self.at_step, self.after_ms) {
            (Some(ms), None, None) => Ok(When::At(Micros::from_ms(ms))),
            (None, Some(step), _) if step == 0 || step > steps => Err(BadFault::Step(step, steps)),
            (None, Some(step), after) => Ok(When::Step(step, Micros::from_ms(after.unwrap_or_default()))),
            _ => Err(BadFault::When),
        }
    }

    fn extra(&self, key: &'static str) -> BadFault {
        BadFault::Extra(self.kind.clone(), key)
    }

    fn needs(&self, key: &'static str) -> BadFault {
        BadFault::Needs(self.kind.clone(), key)
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 1,000")]
fn per_mille(percent: f64) -> Result<u16, BadFault> {
    let good = (0.1..=100.0).contains(&percent);
    if good { Ok((percent * 10.0).round() as u16) } else { Err(BadFault::Percent(percent)) }
}

impl Kind {
    /// In words, for the timeline.
    #[must_use]
    pub fn describe(self, lasts: Micros) -> String {
        let until = if lasts == Micros::MAX { "from here on".to_owned() } else { format!("for {lasts}") };
        match self {
            Self::Jitter(up_to) => format!("messages are late by up to {up_to}, {until}"),
            Self::Bunch(every) => format!("messages come in bunches, {every} apart, {until}"),
            Self::Stall => format!("nothing is sent {until}, then all at once"),
            Self::Loss(per_mille) => format!("{}.{} % of the frames are lost, {until}", per_mille / 10, per_mille % 10),
            Self::HalfOpen => "the connection hangs: nothing is sent or read any more, nothing closed".into(),
            Self::Reset => "the connection is reset".into(),
            Self::SecondSocket => "a second socket with the same token is tried".into(),
            Self::HangUp => "the caller hangs up".into(),
            Self::SlowReader => format!("what the server sends is not read {until}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<Fault, String> {
        toml::from_str::<RawFault>(text).unwrap().check(3).map_err(|bad| bad.to_string())
    }

    #[test]
    fn every_kind_is_read_with_its_own_keys() {
        let at = When::At(Micros::from_ms(5));
        let lasts = Micros::from_ms(7);
        for (text, kind, lasts) in [
            ("kind = \"jitter\"\nup_to_ms = 9\nfor_ms = 7", Kind::Jitter(Micros::from_ms(9)), lasts),
            ("kind = \"bunch\"\nevery_ms = 200", Kind::Bunch(Micros::from_ms(200)), Micros::MAX),
            ("kind = \"stall\"\nfor_ms = 7", Kind::Stall, lasts),
            ("kind = \"loss\"\npercent = 2.5", Kind::Loss(25), Micros::MAX),
            ("kind = \"reset\"", Kind::Reset, Micros::MAX),
            ("kind = \"slow_reader\"\nfor_ms = 7", Kind::SlowReader, lasts),
        ] {
            assert_eq!(check(&format!("at_ms = 5\n{text}")), Ok(Fault { kind, when: at, lasts }), "{text}");
        }
        let step = check("kind = \"hang_up\"\nat_step = 3\nafter_ms = 4").unwrap();
        assert_eq!(step.when, When::Step(3, Micros::from_ms(4)));
    }

    #[test]
    fn a_bad_fault_says_what_to_mend() {
        for (text, said) in [
            ("kind = \"rain\"\nat_ms = 1", "use one of jitter"),
            ("kind = \"stall\"\nat_ms = 1", "stall needs for_ms"),
            ("kind = \"jitter\"\nat_ms = 1", "jitter needs up_to_ms"),
            ("kind = \"reset\"\nat_ms = 1\nfor_ms = 3", "for_ms does not belong to reset"),
            ("kind = \"stall\"\nat_ms = 1\nfor_ms = 3\npercent = 1.0", "percent does not belong to stall"),
            ("kind = \"loss\"\nat_ms = 1\npercent = 0.0", "from 0.1 to 100"),
            ("kind = \"reset\"", "at_ms (since"),
            ("kind = \"reset\"\nat_ms = 1\nat_step = 1", "at_ms (since"),
            ("kind = \"reset\"\nat_step = 4", "steps 1 to 3"),
        ] {
            let error = check(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}

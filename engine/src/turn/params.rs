//! The parameters of turn-taking: each with its unit, default, effect and reason.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How a call decides who has the floor. Lives per call; control chooses it per profile.
///
/// Written down with durations as whole milliseconds (`early_ms`); what is left out has its default.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TurnParams {
    /// Active blocks of 10 ms in a row, the last of them voiced, that make an onset. Default 4 (40 ms): the fastest
    /// rule that clicks, coughs, typing and steady noise did not trigger. One more delays every interruption by 10 ms.
    pub onset_blocks: u8,
    /// How long after an utterance becomes audible an interruption needs more voice. Default 300 ms: the caller who
    /// was about to speak anyway, and the first echo of ours that no one has measured yet, both fall in here.
    #[serde(rename = "early_ms", with = "millis")]
    pub early: Duration,
    /// Active blocks of 10 ms in a row that an interruption needs within [`early`](Self::early). Default 12 (120 ms).
    pub early_onset_blocks: u8,
    /// Echo margin in dB until this call's own echo has been measured: a block counts, while we are heard, only
    /// above (peak of what we sent − margin). Default 15: on echoes of −20 dB and weaker no false stop in the
    /// measurements, and nobody who talks over us is missed.
    pub echo_margin_db: f32,
    /// How far back the peak of what we sent counts. Default 400 ms: echo paths of telephone networks are
    /// 100–300 ms long.
    #[serde(rename = "echo_window_ms", with = "millis")]
    pub echo_window: Duration,
    /// Silence that ends a turn, after the last active block. Default 500 ms: shorter cuts people who think, longer
    /// is felt as a slow answer.
    #[serde(rename = "end_silence_ms", with = "millis")]
    pub end_silence: Duration,
}

impl Default for TurnParams {
    fn default() -> Self {
        Self {
            onset_blocks: 4,
            early: Duration::from_millis(300),
            early_onset_blocks: 12,
            echo_margin_db: 15.0,
            echo_window: Duration::from_millis(400),
            end_silence: Duration::from_millis(500),
        }
    }
}

/// What one parameter may be, by the name under which it is written down.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ParamBounds {
    /// As in [`TurnParams`] written down, such as `end_silence_ms`.
    pub name: &'static str,
    /// The least.
    pub min: f64,
    /// The most.
    pub max: f64,
    /// Whether it is a whole number.
    pub whole: bool,
}

impl TurnParams {
    /// What is sane. Below, noise interrupts and breath ends turns; above, nobody is heard in time.
    pub const BOUNDS: [ParamBounds; 6] = [
        ParamBounds { name: "onset_blocks", min: 1.0, max: 50.0, whole: true },
        ParamBounds { name: "early_ms", min: 0.0, max: 2000.0, whole: true },
        ParamBounds { name: "early_onset_blocks", min: 1.0, max: 100.0, whole: true },
        ParamBounds { name: "echo_margin_db", min: 0.0, max: 60.0, whole: false },
        ParamBounds { name: "echo_window_ms", min: 0.0, max: 1000.0, whole: true },
        ParamBounds { name: "end_silence_ms", min: 100.0, max: 5000.0, whole: true },
    ];

    /// The bounds that these parameters break; none where they are sane.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "a duration beyond 2^53 ms is out of bounds however it is rounded")]
    pub fn check(&self) -> Vec<ParamBounds> {
        let ms = |duration: Duration| duration.as_millis() as f64;
        let values = [
            f64::from(self.onset_blocks),
            ms(self.early),
            f64::from(self.early_onset_blocks),
            f64::from(self.echo_margin_db),
            ms(self.echo_window),
            ms(self.end_silence),
        ];
        let inside = |bounds: &ParamBounds, value: f64| (bounds.min..=bounds.max).contains(&value);
        let pairs = Self::BOUNDS.into_iter().zip(values);
        pairs.filter(|(bounds, value)| !inside(bounds, *value)).map(|(bounds, _)| bounds).collect()
    }
}

/// Durations as whole milliseconds.
mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_sane_and_every_bound_is_looked_at() {
        assert_eq!(TurnParams::default().check(), []);
        let wrong = TurnParams {
            onset_blocks: 0,
            early: Duration::from_secs(3),
            early_onset_blocks: 0,
            echo_margin_db: f32::NAN,
            echo_window: Duration::from_secs(2),
            end_silence: Duration::ZERO,
        };
        assert_eq!(wrong.check(), TurnParams::BOUNDS);
    }
}

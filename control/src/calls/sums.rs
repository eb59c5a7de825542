//! What was measured of a call's streams, summed up; of what is a largest value (`…_max`), the largest.

use std::collections::BTreeMap;

use engine::Progress;
use serde_json::Value;

/// Names and sums; of the quality only what is not zero.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sums(BTreeMap<String, u64>);

impl Sums {
    /// Of one stream.
    pub(crate) fn of(progress: &Progress) -> Self {
        let mut sums = Self::default();
        sums.add(progress);
        sums
    }

    /// What a stored call had.
    pub(crate) fn from_json(stored: Option<&Value>) -> Self {
        let members = stored.and_then(Value::as_object).into_iter().flatten();
        Self(members.filter_map(|(name, value)| Some((name.clone(), value.as_u64()?))).collect())
    }

    /// One stream more.
    pub(crate) fn add(&mut self, progress: &Progress) {
        let Progress { sent, heard, barge_ins, turns, frames_in, quality, .. } = progress;
        let mut add = |name: &str, value: u64| {
            let sum = self.0.entry(name.to_owned()).or_default();
            *sum = if name.ends_with("_max") { value.max(*sum) } else { value.saturating_add(*sum) };
        };
        add("streams", 1);
        add("sent_ms", sent.millis());
        add("heard_ms", heard.millis());
        add("barge_ins", u64::from(*barge_ins));
        add("turns", u64::from(*turns));
        add("frames_in", *frames_in);
        quality.for_each(|name, _, value| {
            if value > 0 {
                add(name, value);
            }
        });
    }

    /// As it is stored.
    pub(crate) fn to_json(&self) -> Value {
        self.0.iter().map(|(name, sum)| (name.clone(), Value::from(*sum))).collect::<serde_json::Map<_, _>>().into()
    }
}

#[cfg(test)]
mod tests {
    use engine::Quality;

    use super::*;

    #[test]
    fn streams_add_up_across_a_restart() {
        let progress = Progress {
            turns: 2,
            quality: Quality { gaps: 3, late_ms_max: 40, ..Quality::default() },
            ..Progress::default()
        };
        let stored = Sums::of(&progress).to_json();
        assert_eq!((&stored["turns"], &stored["gaps"], stored.get("underruns")), (&2.into(), &3.into(), None));
        let mut sums = Sums::from_json(Some(&stored));
        sums.add(&progress);
        assert_eq!((&sums.to_json()["streams"], &sums.to_json()["gaps"]), (&2.into(), &6.into()));
        assert_eq!(sums.to_json()["late_ms_max"], 40);
        assert_eq!(Sums::from_json(Some(&"odd".into())), Sums::default());
    }
}

//! Reads the server's own metrics (Prometheus text format) and says what a run left behind in them.

use std::collections::BTreeMap;

use serde::Serialize;

/// Series of one scrape, by name with labels.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    gauges: BTreeMap<String, f64>,
    counters: BTreeMap<String, f64>,
}

/// A series of which more are read is nobody's metrics page; the rest is left out.
const SERIES_MAX: usize = 10_000;

/// What the server's metrics say about a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Told {
    /// Gauges that are not what they were before the first call: before and after.
    pub gauges_left: BTreeMap<String, [f64; 2]>,
    /// Counters that grew in the measured window, and by how much.
    pub counted: BTreeMap<String, f64>,
}

/// Parts of names of counters that a good run leaves alone.
const BAD: &[&str] = &["lost", "drop", "refus", "error", "gap", "underrun", "late", "skip", "panic", "fail", "full"];

impl Series {
    /// Reads one page; what is neither gauge nor counter is left out.
    #[must_use]
    pub fn parse(page: &str) -> Self {
        let mut series = Self::default();
        let mut kinds: BTreeMap<&str, &str> = BTreeMap::new();
        for line in page.lines() {
            if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
                kinds.insert(name, kind.trim());
                continue;
            }
            let Some((name, value)) = line.rsplit_once(' ').filter(|_| !line.starts_with('#')) else { continue };
            let Ok(value) = value.parse::<f64>() else { continue };
            let into = match kinds.get(name.split('{').next().unwrap_or_default()) {
                Some(&"gauge") => &mut series.gauges,
                Some(&"counter") => &mut series.counters,
                _ => continue,
            };
            if into.len() < SERIES_MAX {
                into.insert(name.to_owned(), value);
            }
        }
        series
    }

    /// Whether no gauge differs.
    #[must_use]
    pub fn same_gauges(&self, other: &Self) -> bool {
        self.gauges == other.gauges
    }
}

impl Told {
    /// Compares a page from before the run, two from the edges of the measured window, and one from when all was over.
    #[must_use]
    pub fn new(idle: &Series, begin: &Series, end: &Series, after: &Series) -> Self {
        let grown = end.counters.iter().map(|(name, value)| {
            let before = begin.counters.get(name).copied().unwrap_or_default();
            (name.clone(), value - before)
        });
        let left = after.gauges.iter().map(|(name, value)| {
            let before = idle.gauges.get(name).copied().unwrap_or_default();
            (name.clone(), [before, *value])
        });
        Self {
            gauges_left: left.filter(|(_, [before, after])| before != after).collect(),
            counted: grown.filter(|(_, by)| *by > 0.0).collect(),
        }
    }

    /// Frames that the server says it has lost, dropped or never got.
    #[must_use]
    pub fn frames_lost(&self) -> f64 {
        let counts_loss =
            |name: &str| name.contains("frame") && ["lost", "drop", "gap"].iter().any(|w| name.contains(w));
        self.counted.iter().filter(|(name, _)| counts_loss(name)).map(|(_, by)| by).sum()
    }

    /// The counters that a good run leaves alone.
    pub fn bad(&self) -> impl Iterator<Item = (&str, f64)> {
        let is_bad = |name: &str| BAD.iter().any(|part| name.contains(part));
        self.counted.iter().map(|(name, by)| (name.as_str(), *by)).filter(move |(name, _)| is_bad(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(calls: u32, lost: u32, frames: u32) -> Series {
        Series::parse(&format!(
            "# HELP x_calls now\n# TYPE x_calls gauge\nx_calls {calls}\n# TYPE x_frames counter\n\
             x_frames{{dir=\"in\"}} {frames}\nx_frames{{dir=\"lost\"}} {lost}\n# TYPE x_s histogram\nx_s_sum 5\nnonsense\n"
        ))
    }

    #[test]
    fn what_is_left_and_what_was_lost_is_told() {
        let told = Told::new(&page(0, 0, 0), &page(10, 1, 100), &page(10, 3, 600), &page(1, 3, 650));
        assert_eq!(told.gauges_left, BTreeMap::from([("x_calls".into(), [0.0, 1.0])]));
        assert_eq!(told.counted["x_frames{dir=\"in\"}"], 500.0);
        assert_eq!(told.bad().collect::<Vec<_>>(), [("x_frames{dir=\"lost\"}", 2.0)]);
        let same = Told::new(&page(0, 0, 0), &page(9, 0, 1), &page(9, 0, 1), &page(0, 0, 2));
        assert_eq!(same, Told::default());
        assert!(page(1, 0, 1).same_gauges(&page(1, 9, 9)) && !page(1, 0, 1).same_gauges(&page(2, 0, 1)));
    }
}

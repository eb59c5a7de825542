//! Histograms that the engine has already counted, in the text form of Prometheus.
//!
//! The exporter counts observations itself and takes no ready buckets, so these are written behind its page.

use std::fmt::Write as _;

use engine::{BOUNDS_US, Distribution};

/// Appends one histogram of durations. `name` is the whole name, unit included.
pub(crate) fn append(page: &mut String, name: &str, help: &str, seen: &Distribution) {
    // Writing into a String cannot fail.
    let _ = writeln!(page, "# HELP {name} {help}\n# TYPE {name} histogram");
    let mut below = 0;
    for (bound_us, count) in BOUNDS_US.iter().zip(&seen.counts) {
        below += count;
        let _ = writeln!(page, "{name}_bucket{{le=\"{}\"}} {below}", seconds(*bound_us));
    }
    // The count is the last bucket's, whatever was counted since: a page must agree with itself.
    let count = seen.count();
    let _ = writeln!(page, "{name}_bucket{{le=\"+Inf\"}} {count}");
    let _ = writeln!(page, "{name}_sum {}\n{name}_count {count}\n", seconds(seen.sum_us));
}

/// Microseconds as seconds; exact for 2^53 µs, 285 years.
#[allow(clippy::cast_precision_loss)]
fn seconds(us: u64) -> f64 {
    us as f64 / 1_000_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cumulative_and_end_with_all() {
        let mut seen = Distribution { sum_us: 5_001_101, ..Distribution::default() };
        (seen.counts[0], seen.counts[1], seen.counts[BOUNDS_US.len()]) = (1, 2, 1);
        let mut page = String::new();
        append(&mut page, "x_seconds", "What x took.", &seen);
        let lines: Vec<&str> = page.lines().collect();
        assert_eq!(lines[..2], ["# HELP x_seconds What x took.", "# TYPE x_seconds histogram"]);
        assert_eq!(lines[2], "x_seconds_bucket{le=\"0.00005\"} 1");
        assert_eq!(lines[3], "x_seconds_bucket{le=\"0.0001\"} 3");
        assert_eq!(lines[1 + BOUNDS_US.len()], "x_seconds_bucket{le=\"2\"} 3");
        assert_eq!(
            lines[2 + BOUNDS_US.len()..],
            ["x_seconds_bucket{le=\"+Inf\"} 4", "x_seconds_sum 5.001101", "x_seconds_count 4", ""]
        );
    }
}

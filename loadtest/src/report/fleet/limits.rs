//! The thresholds: what was exceeded, or could not be measured though it must not be.

use super::Report;
use crate::cli::LimitArgs;
use crate::fleet::spread::Figures;

/// One line for each threshold that is not kept.
pub(super) fn exceeded(report: &Report, limits: &LimitArgs) -> Vec<String> {
    let server = report.server.as_ref();
    let left = server.map(|s| s.descriptors[2].saturating_sub(s.descriptors[0]) as f64);
    let measured = |figures: Figures, value: f64| (figures.count > 0).then_some(value);
    let whole = |limit: Option<u64>| limit.map(|limit| limit as f64);
    let interruptions = report.counts.interruptions > 0;
    [
        ("onset → clear p50, ms", limits.clear_p50_ms, measured(report.clear, report.clear.p50_ms)),
        ("onset → clear p95, ms", limits.clear_p95_ms, measured(report.clear, report.clear.p95_ms)),
        ("onset → clear p99, ms", limits.clear_p99_ms, measured(report.clear, report.clear.p99_ms)),
        ("last frame → clear p99, ms", limits.share_p99_ms, measured(report.share, report.share.p99_ms)),
        ("first audio p95, ms", limits.first_audio_p95_ms, measured(report.first_audio, report.first_audio.p95_ms)),
        ("socket round trip p99, ms", limits.ping_p99_ms, measured(report.ping, report.ping.p99_ms)),
        ("calls lost", whole(limits.lost_max), Some(report.lost() as f64)),
        ("missed, %", limits.missed_max_percent, interruptions.then(|| report.missed_percent())),
        ("false clears", whole(limits.false_max), Some(report.counts.false_clears as f64)),
        ("gaps", whole(limits.gaps_max), Some(report.counts.gaps as f64)),
        ("refused messages", whole(limits.refused_max), Some(report.counts.refused as f64)),
        ("server CPU per call-second, ms", limits.cpu_per_call_max_ms, server.map(|s| s.cpu_ms_per_call_second)),
        ("server memory per call, KiB", limits.memory_per_call_max_kib, server.map(|s| s.rss_kib_per_call)),
        ("gauges left", whole(limits.gauges_left_max), report.metrics.as_ref().map(|m| m.gauges_left.len() as f64)),
        ("descriptors left", whole(limits.descriptors_left_max), left),
    ]
    .into_iter()
    .filter_map(|(name, limit, value)| match (limit, value) {
        (Some(limit), Some(value)) if value > limit => Some(format!("EXCEEDED: {name}: {value:.2} > {limit}")),
        (Some(limit), None) => Some(format!("EXCEEDED: {name}: nothing was measured, the limit is {limit}")),
        _ => None,
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_is_exceeded_by_more_and_by_nothing_measured() {
        let clear = Figures { count: 10, p50_ms: 80.0, ..Figures::default() };
        let report = Report { clear, ..Report::default() };
        let check = |limits: LimitArgs| exceeded(&report, &limits).join("; ");
        assert_eq!(check(LimitArgs::default()), "");
        assert_eq!(check(LimitArgs { clear_p50_ms: Some(80.0), lost_max: Some(0), ..LimitArgs::default() }), "");
        let over = check(LimitArgs { clear_p50_ms: Some(79.0), ..LimitArgs::default() });
        assert_eq!(over, "EXCEEDED: onset → clear p50, ms: 80.00 > 79");
        for nothing in [
            LimitArgs { ping_p99_ms: Some(9.0), ..LimitArgs::default() },
            LimitArgs { cpu_per_call_max_ms: Some(9.0), ..LimitArgs::default() },
            LimitArgs { missed_max_percent: Some(9.0), ..LimitArgs::default() },
        ] {
            assert!(check(nothing).contains("nothing was measured"));
        }
    }
}

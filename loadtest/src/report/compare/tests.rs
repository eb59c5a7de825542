//! Medians and ratios of made-up runs.

use super::*;
use crate::fleet::measures::Counts;
use crate::fleet::spread::Figures;
use crate::report::fleet::{Report as Run, Taken};

fn contender(name: &str, cpu_ms: &[f64], p95_ms: f64) -> Contender {
    let run = |cpu: &f64| Plateau {
        figures: Run {
            clear: Figures { count: 10, p95_ms, ..Figures::default() },
            counts: Counts { frames: 1, ..Counts::default() },
            server: Some(Taken { cpu_ms_per_call_second: *cpu, ..Taken::default() }),
            ..Run::default()
        },
        ..Plateau::default()
    };
    let runs = cpu_ms.iter().map(run).collect();
    Contender { name: name.into(), command: "x <y>".into(), runs, ..Contender::default() }
}

fn report(contenders: Vec<Contender>, most: Option<f64>) -> Report {
    Report::new(1_000, vec!["ours".into(), "other".into()], contenders, Machine::default(), Some(1), 0, most)
}

#[test]
fn medians_are_compared_and_the_first_is_judged() {
    let pair = || vec![contender("ours", &[0.5, 0.4, 0.9], 120.0), contender("other & co", &[0.4, 0.6], 100.0)];
    let even = report(pair(), Some(1.0));
    let cpu = even.cpu().unwrap();
    assert_eq!((&cpu.medians[..], &cpu.ratios[..]), (&[Some(0.5), Some(0.5)][..], &[Some(1.0), Some(1.0)][..]));
    assert_eq!(even.missed, Vec::<String>::new());
    assert_eq!(
        even.says,
        "With 1,000 calls at once, a second of a call costs ours 0.500 ms of processor time, other & co 0.500 ms (1.00 ×)."
    );
    assert!(report(pair(), Some(0.9)).missed[0].contains("ours takes 1.00 × the CPU of other & co, at most 0.9"));
    let page = even.html();
    assert!(page.contains("other &amp; co") && page.contains("x &lt;y&gt;") && page.contains("= 0.83 ×"));
    assert!(even.lines().contains("(0.83 ×)"));
}

#[test]
fn void_runs_are_left_out_and_a_server_with_nothing_else_makes_all_void() {
    let mut late = contender("other", &[0.4, 100.0], 100.0);
    late.runs[1].figures.void = Some("late".into());
    let some = report(vec![contender("ours", &[0.5], 1.0), late.clone()], None);
    assert_eq!((some.void.clone(), some.cpu().unwrap().medians[1]), (None, Some(0.4)));
    late.runs[0].figures.void = Some("late".into());
    let none = report(vec![contender("ours", &[0.5], 1.0), late], Some(1.0));
    assert!(none.void.unwrap().contains("other") && none.missed[0].contains("nothing was measured"));
    assert_eq!(median(vec![3.0, 1.0, 2.0, 10.0]), Some(2.5));
    assert_eq!(median(Vec::new()), None);
}

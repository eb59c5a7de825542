//! What the doctor found, for people and for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::doctor::finding::{Finding, Report, Verdict};

/// The whole report as text: a line for each probe; what is wrong with cause and cure.
#[must_use]
pub fn lines(report: &Report) -> String {
    let mut text = String::new();
    for finding in &report.findings {
        write(&mut text, finding);
    }
    let count = |verdict| report.count(verdict);
    let (pass, warn, fail, skip) =
        (count(Verdict::Pass), count(Verdict::Warn), count(Verdict::Fail), count(Verdict::Skip));
    let said = match report.exit_code() {
        1 => "nobody answers there",
        0 if warn == 0 => "well",
        0 => "well, with something to look after",
        _ => "something is wrong",
    };
    // Writing to a String cannot fail.
    let _ = writeln!(text, "\n{said}: {fail} wrong, {warn} to look after, {pass} good, {skip} not examined");
    text
}

fn write(text: &mut String, finding: &Finding) {
    let mark = match finding.verdict {
        Verdict::Pass => "ok  ",
        Verdict::Warn => "WARN",
        Verdict::Fail => "FAIL",
        Verdict::Skip => "–   ",
    };
    let code = finding.twilio.map(|code| format!(" [Twilio {}]", code.number())).unwrap_or_default();
    let _ = writeln!(text, "{mark}  {:<32}{}{code}", finding.probe, finding.seen);
    for (name, said) in [("cause", &finding.cause), ("cure", &finding.cure)] {
        if let Some(said) = said {
            let _ = writeln!(text, "      {name:<6}{said}");
        }
    }
}

/// The same for programs.
#[must_use]
pub fn json(report: &Report) -> Value {
    let count = |verdict| report.count(verdict);
    json!({
        "url": report.url,
        "exit_code": report.exit_code(),
        "pass": count(Verdict::Pass),
        "warn": count(Verdict::Warn),
        "fail": count(Verdict::Fail),
        "skip": count(Verdict::Skip),
        "findings": report.findings,
    })
}

//! What the doctor found, for people and for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::doctor::finding::{Finding, Report, Verdict};

/// Lines of text are not longer, but for words that are.
const COLUMNS: usize = 118;

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
    let seen = wrap(&format!("{}{code}", finding.seen), 38);
    let _ = writeln!(text, "{mark}  {:<32}{seen}", finding.probe);
    for (name, said) in [("cause", &finding.cause), ("cure", &finding.cure)] {
        if let Some(said) = said {
            let _ = writeln!(text, "      {name:<6}{}", wrap(said, 12));
        }
    }
}

/// Breaks between words where a line, indented by so many columns, would be longer than [`COLUMNS`].
fn wrap(said: &str, indent: usize) -> String {
    let mut text = String::new();
    let mut column = indent;
    for word in said.split(' ') {
        let length = word.chars().count();
        if column > indent && column + 1 + length > COLUMNS {
            let _ = write!(text, "\n{:indent$}", "");
            column = indent;
        } else if column > indent {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += length;
    }
    text
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::twilio::warning::Code;

    #[test]
    fn a_report_reads_well_and_counts() {
        let long = "word ".repeat(60);
        let bad = Finding::fail("messages", "no", &long, "mend it").with_code(Code::InvalidMessage);
        let report = Report { url: "u".into(), reachable: true, findings: vec![Finding::pass("ping", "1 ms"), bad] };
        let text = lines(&report);
        assert!(text.lines().all(|line| line.chars().count() <= COLUMNS), "{text}");
        assert!(text.contains("FAIL  messages                        no [Twilio 31951]\n      cause word"), "{text}");
        assert!(text.ends_with("something is wrong: 1 wrong, 0 to look after, 1 good, 0 not examined\n"), "{text}");
        let json = json(&report);
        assert_eq!((&json["exit_code"], &json["findings"][1]["twilio"]), (&3.into(), &31_951.into()));
    }
}

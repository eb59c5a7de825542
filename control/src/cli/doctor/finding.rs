//! One line of the doctor's, and the report that they make.

use serde::Serialize;
use serde_json::json;

use super::super::exit::Exit;
use super::super::output::Output;

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    /// As it should be.
    Ok,
    /// The service runs, and something may go wrong.
    Warn,
    /// The service does not run, or calls do not reach it.
    Fail,
}

/// What was found out about one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) verdict: Verdict,
    /// What was looked at.
    pub(super) subject: &'static str,
    /// What is so.
    pub(super) found: String,
    /// What to do.
    pub(super) fix: Option<String>,
}

impl Finding {
    pub(super) fn ok(subject: &'static str, found: impl Into<String>) -> Self {
        Self { verdict: Verdict::Ok, subject, found: found.into(), fix: None }
    }

    pub(super) fn warn(subject: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warn, subject, found: found.into(), fix: Some(fix.into()) }
    }

    pub(super) fn fail(subject: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { verdict: Verdict::Fail, subject, found: found.into(), fix: Some(fix.into()) }
    }

    fn lines(&self) -> String {
        let word = match self.verdict {
            Verdict::Ok => "ok",
            Verdict::Warn => "warn",
            Verdict::Fail => "FAIL",
        };
        let fix = self.fix.as_ref().map_or(String::new(), |fix| format!("{:22}fix: {fix}\n", ""));
        format!("{word:<6}{:<16}{}\n{fix}", self.subject, self.found)
    }
}

/// All of them; failed where one of them did.
pub(super) fn report(findings: &[Finding]) -> Output {
    let failed = findings.iter().any(|finding| finding.verdict == Verdict::Fail);
    let text: String = findings.iter().map(Finding::lines).collect();
    let output = Output::new(text, json!({"healthy": !failed, "findings": findings}));
    Output { exit: if failed { Exit::Failed } else { Exit::Done }, ..output }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failure_fails_the_whole_and_a_warning_does_not() {
        let warned = report(&[Finding::ok("clock", "right"), Finding::warn("voice", "none", "get one")]);
        assert_eq!((warned.exit, warned.json["healthy"].as_bool()), (Exit::Done, Some(true)));
        assert!(warned.text.contains("ok    clock") && warned.text.contains("fix: get one"), "{}", warned.text);
        assert_eq!(report(&[Finding::fail("port", "taken", "free it")]).exit, Exit::Failed);
    }
}

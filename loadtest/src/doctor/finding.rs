//! One thing that was looked at: how it stands, why, and what to do about it.

use serde::Serialize;

use crate::twilio::warning::Code;

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Pass,
    /// Works, and will hurt some day.
    Warn,
    /// Wrong.
    Fail,
    /// Could not be looked at.
    Skip,
}

/// What one probe found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub probe: &'static str,
    /// How it stands.
    pub verdict: Verdict,
    /// What was seen.
    pub seen: String,
    /// Why that is bad.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cure: Option<String>,
    /// The number that Twilio's debugger shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub twilio: Option<Code>,
}

impl Finding {
    /// As it should be.
    pub fn pass(probe: &'static str, seen: impl Into<String>) -> Self {
        Self { probe, verdict: Verdict::Pass, seen: seen.into(), cause: None, cure: None, twilio: None }
    }

    /// Could not be looked at, and why.
    pub fn skip(probe: &'static str, why: impl Into<String>) -> Self {
        Self { verdict: Verdict::Skip, ..Self::pass(probe, why) }
    }

    /// Works, and will hurt some day.
    pub fn warn(probe: &'static str, seen: impl Into<String>, cause: &str, cure: &str) -> Self {
        Self { verdict: Verdict::Warn, ..Self::fail(probe, seen, cause, cure) }
    }

    /// Wrong.
    pub fn fail(probe: &'static str, seen: impl Into<String>, cause: &str, cure: &str) -> Self {
        let (cause, cure) = (Some(cause.to_owned()), Some(cure.to_owned()));
        Self { verdict: Verdict::Fail, cause, cure, ..Self::pass(probe, seen) }
    }

    /// The same fault as the finding before: its cause and cure are not told again.
    #[must_use]
    pub fn as_above(self) -> Self {
        Self { cause: Some("as above".into()), cure: None, ..self }
    }

    /// With the number under which Twilio's debugger lists it; a note of our own has none.
    #[must_use]
    pub fn with_code(self, code: Code) -> Self {
        Self { twilio: (code.number() != 0).then_some(code), ..self }
    }
}

/// All findings on one server.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The voice webhook.
    pub url: String,
    /// Whether anybody answered at all.
    pub reachable: bool,
    /// In the order in which a call meets them.
    pub findings: Vec<Finding>,
}

impl Report {
    /// How many findings have this verdict.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.findings.iter().filter(|finding| finding.verdict == verdict).count()
    }

    /// 0 well, warnings included; 1 nobody answered; 3 something is wrong.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match (self.reachable, self.count(Verdict::Fail)) {
            (false, _) => 1,
            (true, 0) => 0,
            (true, _) => 3,
        }
    }
}

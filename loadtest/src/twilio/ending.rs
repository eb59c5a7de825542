//! Why a call is over. How it then stands (`completed`, `busy`, …) follows from it, and from whether anybody had
//! answered.

use std::fmt;

use super::params::CallStatus;
use super::warning::Warning;

/// Who or what ended a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// No verb is left.
    Finished,
    /// `<Hangup>`.
    Hangup,
    /// `<Reject>`: the caller hears that the line is busy, or that the call is not wanted.
    Rejected {
        /// `reason="busy"`.
        busy: bool,
    },
    /// The TwiML could not be had or carried out, and there was no fallback, or it failed too; what was wrong.
    ApplicationError(Warning),
    /// The caller hung up, and why.
    Caller(String),
    /// The account ended it by REST, whether anybody had answered or not.
    Completed,
    /// The account called it off by REST before anybody had answered.
    Canceled,
    /// `TimeLimit`.
    TimeLimit,
    /// The called party did not take it: busy, no answer, failed.
    NobodyTalks(CallStatus),
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finished => f.write_str("the TwiML is finished"),
            Self::Hangup => f.write_str("<Hangup>"),
            Self::Rejected { busy: true } => f.write_str("<Reject reason=\"busy\">"),
            Self::Rejected { busy: false } => f.write_str("<Reject reason=\"rejected\">"),
            Self::ApplicationError(_) => f.write_str("application error"),
            Self::Caller(why) => write!(f, "the caller hung up, {why}"),
            Self::Completed => f.write_str("ended by REST"),
            Self::Canceled => f.write_str("canceled by REST"),
            Self::TimeLimit => f.write_str("the time limit of the call is over"),
            Self::NobodyTalks(status) => write!(f, "nobody talks: {}", status.as_str()),
        }
    }
}

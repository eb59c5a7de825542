//! What the executor must know of its call besides the TwiML.

use crate::time::Micros;
use crate::twilio::callee::Callees;
use crate::twilio::ids::Sids;
use crate::twilio::params::Parties;
use crate::twilio::url::Url;

/// The facts of one call; they do not change.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Account and call.
    pub sids: Sids,
    /// Who calls whom.
    pub parties: Parties,
    /// Who answers when the TwiML dials somebody.
    pub callees: Callees,
    /// Seconds since 1970 at time zero, for time stamps.
    pub unix_s: u64,
    /// Under which URL recordings are fetched: `https://api.twilio.com`, or that of this program.
    pub api: String,
    /// Asked once when the TwiML cannot be had or carried out; by GET instead of POST if true.
    pub fallback: Option<(Url, bool)>,
    /// Identifiers and confidences come from it.
    pub seed: u64,
}

/// Where recordings are fetched when nobody says otherwise.
pub const TWILIO_API: &str = "https://api.twilio.com";

/// Where the first TwiML comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum First {
    /// This webhook is asked, by GET instead of POST if true.
    Ask(Url, bool),
    /// It was handed over when the call was created (`Twiml` of the REST API); relative URLs in it lead nowhere.
    Inline(String),
}

impl Facts {
    /// The moment `now` in seconds since 1970, and the milliseconds beyond.
    #[must_use]
    pub const fn unix(&self, now: Micros) -> (u64, u64) {
        (self.unix_s + now.0 / 1_000_000, now.0 / 1_000 % 1_000)
    }
}

//! An account: what was configured, and what it has now.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::calls::CallBook;
use super::debugger::Debugger;
use super::faults::{Fault, Faults};
use super::number::{Number, NumberPlan};
use super::queue::Queue;
use super::recordings::Tapes;
use crate::call::course::Mishaps;
use crate::rng::Rng;
use crate::twilio::date;

/// An API key, which opens its account as the token does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// `SK…`
    pub sid: String,
    /// What stands for the password.
    pub secret: String,
}

/// An account as it is configured.
#[derive(Clone, Debug)]
pub struct AccountPlan {
    /// `AC…`
    pub sid: String,
    /// Opens the account and signs its webhooks.
    pub auth_token: String,
    /// Further openers.
    pub keys: Vec<ApiKey>,
    /// Its numbers.
    pub numbers: Vec<NumberPlan>,
    /// Numbers that it does not own but may call from.
    pub verified: Vec<String>,
    /// So many calls are dialled a second.
    pub calls_per_second: u32,
    /// So many calls may be under way at once; none: as many as you like.
    pub concurrent_calls: Option<usize>,
    /// So many requests may be under way at once.
    pub concurrent_requests: usize,
    /// What goes wrong with its requests.
    pub faults: Vec<Fault>,
    /// What goes wrong with status callbacks of its calls, unless the called party's script says it.
    pub mishaps: Mishaps,
}

impl Default for AccountPlan {
    fn default() -> Self {
        Self {
            sid: String::new(),
            auth_token: String::new(),
            keys: Vec::new(),
            numbers: Vec::new(),
            verified: Vec::new(),
            calls_per_second: 1,
            concurrent_calls: None,
            // Twilio does not publish its figure.
            concurrent_requests: 100,
            faults: Vec::new(),
            mishaps: Mishaps::default(),
        }
    }
}

/// An account at work.
#[derive(Debug)]
pub struct Account {
    /// As configured.
    pub plan: AccountPlan,
    /// When it was made, seconds since 1970.
    pub unix_s: u64,
    /// Its numbers by SID.
    pub numbers: BTreeMap<String, Number>,
    /// Its calls.
    pub calls: CallBook,
    /// Its recordings.
    pub recordings: Tapes,
    /// Its calls that wait to be dialled.
    pub queue: Queue,
    /// Its warnings and errors.
    pub debugger: Debugger,
    /// What goes wrong with its requests.
    pub faults: Faults,
    /// What goes wrong with status callbacks of calls that begin from now on.
    pub mishaps: Mishaps,
    /// Requests that wait for their answer.
    pub requests: usize,
}

impl Account {
    /// An account on which nothing has happened.
    #[must_use]
    pub fn new(plan: AccountPlan, unix_s: u64, rng: &mut Rng) -> Self {
        let numbers = plan.numbers.iter().map(|number| Number::new(number.clone(), unix_s, rng));
        Self {
            numbers: numbers.map(|number| (number.sid.clone(), number)).collect(),
            faults: Faults::new(plan.faults.clone(), Rng::new(rng.next_u64())),
            mishaps: plan.mishaps,
            calls: CallBook::default(),
            recordings: Tapes::default(),
            queue: Queue::new(plan.calls_per_second),
            debugger: Debugger::default(),
            requests: 0,
            unix_s,
            plan,
        }
    }

    /// Its number, by what is dialled.
    #[must_use]
    pub fn number(&self, e164: &str) -> Option<&Number> {
        self.numbers.values().find(|number| number.plan.phone_number == e164)
    }

    /// Whether it may call from there.
    #[must_use]
    pub fn may_call_from(&self, e164: &str) -> bool {
        self.number(e164).is_some() || self.plan.verified.iter().any(|number| number == e164)
    }

    /// As the API shows it; the token is not shown.
    #[must_use]
    pub fn show(&self) -> Value {
        let (sid, made) = (&self.plan.sid, date::rfc2822(self.unix_s));
        json!({
            "sid": sid, "owner_account_sid": sid, "friendly_name": "loadtest", "status": "active", "type": "Full",
            "auth_token": null, "date_created": made, "date_updated": made,
            "uri": format!("/2010-04-01/Accounts/{sid}.json"),
            "subresource_uris": {
                "calls": format!("/2010-04-01/Accounts/{sid}/Calls.json"),
                "incoming_phone_numbers": format!("/2010-04-01/Accounts/{sid}/IncomingPhoneNumbers.json"),
                "recordings": format!("/2010-04-01/Accounts/{sid}/Recordings.json"),
            },
        })
    }
}

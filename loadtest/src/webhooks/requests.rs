//! The requests of a run: one call each, to a number of the range, or three reports of a call that was placed from it; signed.

use super::Numbers;
use crate::call::request::Request;
use crate::rng::Rng;
use crate::twilio::executor::Fetch;
use crate::twilio::ids::{self, Sids};
use crate::twilio::params::{self, CallStatus, Direction, Parties};
use crate::twilio::url::Url;

/// Everything that is the same for all.
#[derive(Clone, Debug)]
pub struct Requests {
    /// The voice webhook, as the number has it.
    pub url: Url,
    /// The account.
    pub account: String,
    /// Signs.
    pub auth_token: String,
    /// Who is called.
    pub to: Numbers,
    /// Who calls.
    pub from: Numbers,
    /// Reports of placed calls instead of the voice webhooks of calls that come in.
    pub reports: bool,
    /// Everything random.
    pub seed: u64,
}

/// What is reported of each call, in that order.
const LIFE: [CallStatus; 3] = [CallStatus::Ringing, CallStatus::InProgress, CallStatus::Completed];
/// So many calls live at once: between two reports of one come those of the others, at 2,000 a second half a second's.
const AT_ONCE: u64 = 1_000;

impl Requests {
    /// The request with this number: the same on every run of the seed, whichever connection makes it.
    #[must_use]
    pub fn make(&self, index: u64) -> Request {
        if self.reports {
            return self.report(index);
        }
        let mut rng = Rng::new(self.seed ^ index.wrapping_mul(0xD6E8_FEB8_6659_FD93));
        let sids = Sids { account: self.account.clone(), call: ids::sid("CA", &mut rng) };
        let parties = Parties { from: self.from.at(index), to: self.to.at(rng.below(self.to.count())) };
        let fields = params::voice(&sids, &parties, Direction::Inbound, CallStatus::Ringing, &ids::token(&mut rng));
        let fetch = Fetch { url: self.url.clone(), get: false, extra: Vec::new() };
        Request::new(&fetch, fields, &self.auth_token, ids::token(&mut rng))
    }

    fn report(&self, index: u64) -> Request {
        let (wave, at) = (index / AT_ONCE, index % AT_ONCE);
        let (call, step) = (wave / LIFE.len() as u64 * AT_ONCE + at, wave % LIFE.len() as u64);
        let mut rng = Rng::new(self.seed ^ call.wrapping_mul(0xD6E8_FEB8_6659_FD93));
        let sids = Sids { account: self.account.clone(), call: ids::sid("CA", &mut rng) };
        let parties = Parties { from: self.to.at(rng.below(self.to.count())), to: self.from.at(call) };
        let status = LIFE[step as usize];
        let mut fields = params::voice(&sids, &parties, Direction::OutboundApi, status, "");
        fields.push(("CallbackSource".into(), "call-progress-events".into()));
        fields.push(("SequenceNumber".into(), (step + 1).to_string()));
        if status.is_final() {
            fields.extend([("CallDuration".into(), "7".into()), ("Duration".into(), "1".into())]);
        }
        let fetch = Fetch { url: self.url.clone(), get: false, extra: Vec::new() };
        Request::new(&fetch, fields, &self.auth_token, format!("{}-{step}", ids::token(&mut rng)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_request_is_another_call_and_every_run_of_a_seed_the_same() {
        let requests = Requests {
            url: Url::parse("https://voice.example.com/twilio/voice").unwrap(),
            account: "AC1".into(),
            auth_token: "12345".into(),
            to: "+15550000000:100000".parse().unwrap(),
            from: "+14155550100:9000".parse().unwrap(),
            reports: false,
            seed: 7,
        };
        let sid = |index| {
            let body = requests.make(index).body;
            body.split('&').find_map(|pair| pair.strip_prefix("CallSid=")).unwrap().to_owned()
        };
        let sids: BTreeSet<String> = (0..1_000).map(sid).collect();
        assert_eq!(sids.len(), 1_000);
        assert_eq!(requests.make(3), requests.make(3));
        assert!(requests.make(3).body.contains("&To=%2B155500"), "{}", requests.make(3).body);
    }

    #[test]
    fn reports_tell_three_steps_of_each_call() {
        let requests = Requests {
            url: Url::parse("https://voice.example.com/twilio/status").unwrap(),
            account: "AC1".into(),
            auth_token: "12345".into(),
            to: "+15550000000:10".parse().unwrap(),
            from: "+14155550100:9000".parse().unwrap(),
            reports: true,
            seed: 7,
        };
        let value = |index, name: &str| {
            let body = requests.make(index).body;
            body.split('&').find_map(|pair| pair.strip_prefix(name)).unwrap().to_owned()
        };
        let life = || (7..3_000).step_by(1_000);
        let statuses: Vec<_> = life().map(|index| value(index, "CallStatus=")).collect();
        assert_eq!(statuses, ["ringing", "in-progress", "completed"]);
        assert_eq!(life().map(|index| value(index, "CallSid=")).collect::<BTreeSet<_>>().len(), 1);
        assert_eq!((0..6_000).map(|index| value(index, "CallSid=")).collect::<BTreeSet<_>>().len(), 2_000);
        assert_eq!((value(2_000, "SequenceNumber="), value(5_999, "SequenceNumber=")), ("3".into(), "3".into()));
    }
}

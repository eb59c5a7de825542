//! Ours, not Twilio's: what a test has go wrong, with the API, with its reachability, with status callbacks.

use serde_json::json;

use super::asked::Asked;
use super::{Exchange, Output};
use crate::call::course::Mishaps;
use crate::rest::answer::{Answer, Refusal};
use crate::rest::calls::Entry;
use crate::rest::faults::{Fault, KEYS, Kind, MOST};
use crate::rest::given::Given;
use crate::rest::request::Request;
use crate::rest::route;
use crate::time::Micros;

/// So long the answer to who asked for it has, before nobody is reached any more.
const LAST_WORD: Micros = Micros::from_ms(50);

impl Exchange {
    /// Carries a request out, or what is to go wrong with it; how much later than usual it is answered, and with what.
    pub(super) fn carry_out(&mut self, sid: &str, request: &Request) -> (Micros, Option<Answer>) {
        let resource = route::find(&request.path).map(|(_, resource)| resource);
        let account = self.accounts.get_mut(sid);
        let fault = resource.and_then(|resource| account?.faults.of(&request.method, &resource));
        let Some(fault) = fault else { return (Micros::ZERO, Some(self.answer(sid, request))) };
        self.unseen = if fault.kind == Kind::Stale { fault.after } else { Micros::ZERO };
        let usual = fault.made.then(|| self.answer(sid, request));
        self.unseen = Micros::ZERO;
        match fault.kind {
            Kind::Stale => (Micros::ZERO, usual),
            Kind::Late => (fault.after, usual),
            Kind::Refuse(..) => (fault.after, fault.answer()),
            Kind::Cut => (fault.after, None),
        }
    }

    /// Whether this request sees a call: a stale one does not see the newest.
    pub(super) fn sees(&self, call: &Entry) -> bool {
        self.unseen == Micros::ZERO || call.created + self.unseen <= self.now
    }

    fn answer(&mut self, sid: &str, request: &Request) -> Answer {
        self.ask(sid, request).unwrap_or_else(|refusal| refusal.answer())
    }

    /// `Faults.json`: what goes wrong with the account's requests.
    pub(super) fn faults(&mut self, sid: &str, method: &str, request: &Request) -> Asked {
        let account = self.account_mut(sid, request)?;
        match method {
            "GET" => {}
            "DELETE" => account.faults.clear(),
            _ => {
                let given = request.form.without(&[]);
                let key = |name: &str| KEYS.into_iter().find(|key| camel(key) == name);
                let said: Vec<_> = given.iter().map(|(name, v)| (key(name).unwrap_or(name), v.as_str())).collect();
                let fault = Fault::read(&said).map_err(Refusal::parameter)?;
                if !account.faults.push(fault) {
                    return Err(Refusal::parameter(format!(
                        "an account has {MOST} faults at most; DELETE forgets them"
                    )));
                }
            }
        }
        Ok(Answer::json(if method == "POST" { 201 } else { 200 }, &account.faults.show()))
    }

    /// `Callbacks.json`: what goes wrong with status callbacks of calls that begin from now on.
    pub(super) fn callbacks(&mut self, sid: &str, method: &str, request: &Request) -> Asked {
        let account = self.account_mut(sid, request)?;
        match method {
            "DELETE" => account.mishaps = Mishaps::default(),
            "POST" => account.mishaps = mishaps(&request.form)?,
            _ => {}
        }
        let Mishaps { lose, repeat, delay, reorder } = account.mishaps;
        let shown = json!({ "lose": lose, "repeat": repeat, "delay_ms": delay.0 / 1_000, "reorder": reorder });
        Ok(Answer::json(200, &shown))
    }

    /// `Unreachable.json`: nobody reaches this API for a while, whatever account they are of.
    pub(super) fn be_unreachable(&mut self, request: &Request) -> Asked {
        let for_ms = request.form.filled("ForMs").and_then(|text| text.parse().ok());
        let for_ms = for_ms.filter(|ms| (1..=600_000).contains(ms));
        let for_ms = for_ms.ok_or_else(|| Refusal::parameter("ForMs: for how long, from 1 to 600000 ms"))?;
        let from = self.now + self.plan.answers_after + LAST_WORD;
        self.unreachable = Some((from, from + Micros::from_ms(for_ms)));
        Ok(Answer::json(202, &json!({ "unreachable_for_ms": for_ms, "after_ms": LAST_WORD.0 / 1_000 })))
    }

    /// Closes the door when its time has come.
    pub(super) fn shut(&mut self) {
        if let Some((_, until)) = self.unreachable.take_if(|(from, _)| *from <= self.now) {
            self.out.push_back(Output::Unreachable { until });
        }
    }
}

fn mishaps(form: &Given) -> Result<Mishaps, Refusal> {
    let share = |name: &str| match form.filled(name).map_or(Ok(0.0), str::parse::<f64>) {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err(Refusal::parameter(format!("{name}: from 0 to 1"))),
    };
    let delay_ms = form.filled("DelayMs").map_or(Ok(0), str::parse::<u64>).ok().filter(|ms| *ms <= 600_000);
    let delay_ms = delay_ms.ok_or_else(|| Refusal::parameter("DelayMs: from 0 to 600000"))?;
    let reorder = form.filled("Reorder").is_some_and(|word| word.eq_ignore_ascii_case("true"));
    Ok(Mishaps { lose: share("Lose")?, repeat: share("Repeat")?, delay: Micros::from_ms(delay_ms), reorder })
}

/// `retry_after_s` is `RetryAfterS` in a form, as Twilio writes names.
fn camel(key: &str) -> String {
    let upper = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
    key.split('_').map(upper).collect()
}

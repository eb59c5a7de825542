//! Calls that the TwiML of another call dialled: entries of their own, ended with the call that dialled them.
//!
//! They take no turn in the queue, and no place among the calls at once. Where there is no room for one it is not
//! shown.

use super::Exchange;
use super::asked::{Asked, entry};
use crate::call::model::Order;
use crate::rest::answer::{Answer, Refusal};
use crate::rest::calls::update::{self, Change};
use crate::rest::phone;
use crate::rest::request::Request;
use crate::twilio::executor::LegNews;
use crate::twilio::params::{CallStatus, Direction, Parties};

impl Exchange {
    /// A dialled call stands so.
    pub(super) fn leg(&mut self, sid: &str, parent: &str, news: LegNews) {
        let Some(account) = self.accounts.get_mut(sid) else { return };
        if account.calls.get(&news.sid).is_none() {
            let Parties { from, to } = news.parties;
            let to = phone::party(&to).unwrap_or(to);
            let number_sid = account.number(&from).map(|number| number.sid.clone());
            let mut entry = entry(&news.sid, sid, Parties { from, to }, Direction::OutboundDial, news.at);
            (entry.parent, entry.number_sid, entry.started) = (Some(parent.to_owned()), number_sid, Some(news.at));
            if !account.calls.push(entry) {
                return;
            }
            if let Some(live) = self.live.get_mut(parent) {
                live.legs.push(news.sid.clone());
            }
        }
        account.calls.stands(news.at, &news.sid, news.status);
    }

    /// The call that dialled them is over: one that broke has not told what became of them.
    pub(super) fn end_legs(&mut self, parent: &str) {
        let Some(live) = self.live.get_mut(parent) else { return };
        let (sid, legs) = (live.account.clone(), std::mem::take(&mut live.legs));
        for leg in legs {
            self.stands(&sid, &leg, CallStatus::Failed);
        }
    }

    /// What is asked of a dialled call: it can be ended, and its talk with it; it has no TwiML of its own here.
    pub(super) fn change_leg(&mut self, sid: &str, parent: &str, leg: &str, request: &Request) -> Asked {
        let entry = self.call(sid, leg, request)?;
        let shown = entry.show(self.plan.unix_s);
        match update::read(&request.form, entry.status)?.0 {
            Change::Nothing => {}
            Change::End(end) => {
                self.order(parent, [Order::EndLeg(leg.to_owned(), end == CallStatus::Canceled)])?;
            }
            Change::Redirect(_) => {
                let text = "Call was dialled by another: giving it TwiML of its own is not modelled. Cannot redirect.";
                return Err(Refusal::bad(21_220, text));
            }
        }
        Ok(Answer::json(200, &shown))
    }
}

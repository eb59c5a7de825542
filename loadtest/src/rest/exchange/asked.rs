//! What each resource answers.

use super::{Exchange, Output};
use crate::call::life::sip;
use crate::call::model::{MAX_ORDERS, Order, Settings};
use crate::rest::account::Account;
use crate::rest::answer::{Answer, Refusal};
use crate::rest::calls::list::Filter;
use crate::rest::calls::update::{self, Change};
use crate::rest::calls::{Entry, Wanted};
use crate::rest::debugger::{self, Level};
use crate::rest::page::{self, Item};
use crate::rest::phone;
use crate::rest::request::Request;
use crate::rest::route::{self, Resource};
use crate::time::Micros;
use crate::twilio::ids;
use crate::twilio::params::{CallStatus, Direction, Parties};

pub(super) type Asked = Result<Answer, Refusal>;

impl Exchange {
    pub(super) fn ask(&mut self, sid: &str, request: &Request) -> Asked {
        let Some((_, resource)) = route::find(&request.path) else { return Err(Refusal::not_found(&request.path)) };
        match (request.method.as_str(), resource) {
            ("GET", Resource::Account) => Ok(Answer::json(200, &self.account(sid, request)?.show())),
            ("GET", Resource::Calls) => self.list_calls(sid, request),
            ("POST", Resource::Calls) => self.create_call(sid, request),
            ("GET", Resource::Call(call)) => {
                let call = Some(self.call(sid, call, request)?).filter(|call| self.sees(call));
                let call = call.ok_or_else(|| Refusal::not_found(&request.path))?;
                Ok(Answer::json(200, &call.show(self.plan.unix_s)))
            }
            ("POST", Resource::Call(call)) => self.change_call(sid, call, request),
            ("DELETE", Resource::Call(call)) => self.delete_call(sid, call, request),
            (method, Resource::Recordings) => self.recordings(sid, method, None, request),
            (method, Resource::CallRecordings(call)) => self.recordings(sid, method, Some(call), request),
            (method, Resource::Recording(tape)) => self.recording(sid, method, None, tape, request),
            (method, Resource::CallRecording(call, tape)) => self.recording(sid, method, Some(call), tape, request),
            ("POST", Resource::CallStreams(call)) => self.stream(sid, call, request),
            ("POST", Resource::CallStream(call, stream)) => self.stop_stream(sid, call, stream, request),
            ("GET", Resource::Sound(tape)) => self.sound(sid, tape, request),
            ("GET", Resource::Numbers) => self.list_numbers(sid, request),
            ("GET", Resource::Number(number)) => self.number(sid, number, request),
            ("POST", Resource::Number(number)) => self.change_number(sid, number, request),
            ("GET", Resource::Debugger) => {
                let log = &self.account(sid, request)?.debugger;
                let [call, level] = ["CallSid", "LogLevel"].map(|name| request.query.filled(name));
                Ok(Answer::json(200, &log.show(call, level)))
            }
            ("POST", Resource::InboundCalls) => self.call_in(sid, request),
            ("GET" | "POST" | "DELETE", Resource::Faults) => self.faults(sid, &request.method, request),
            ("GET" | "POST" | "DELETE", Resource::Callbacks) => self.callbacks(sid, &request.method, request),
            ("POST", Resource::Unreachable) => self.be_unreachable(request),
            _ => Err(Refusal::method()),
        }
    }

    pub(super) fn account(&self, sid: &str, request: &Request) -> Result<&Account, Refusal> {
        self.accounts.get(sid).ok_or_else(|| Refusal::not_found(&request.path))
    }

    pub(super) fn account_mut(&mut self, sid: &str, request: &Request) -> Result<&mut Account, Refusal> {
        self.accounts.get_mut(sid).ok_or_else(|| Refusal::not_found(&request.path))
    }

    pub(super) fn call(&self, sid: &str, call: &str, request: &Request) -> Result<&Entry, Refusal> {
        self.account(sid, request)?.calls.get(call).ok_or_else(|| Refusal::not_found(&request.path))
    }

    /// Whether something can be begun on this call: it is in progress, and no leg of another.
    pub(super) fn in_progress(&self, sid: &str, call: &str, request: &Request, done: &str) -> Result<(), Refusal> {
        let status = self.call(sid, call, request)?.status;
        if status == CallStatus::InProgress && self.live.contains_key(call) {
            return Ok(());
        }
        let cause = if self.live.contains_key(call) { "it is not in progress" } else { "it has no TwiML of its own" };
        Err(Refusal::bad(21_220, format!("Requested resource is not eligible to be {done}: {cause}")))
    }

    fn list_calls(&self, sid: &str, request: &Request) -> Asked {
        let (filter, unix_s) = (Filter::read(&request.query)?, self.plan.unix_s);
        let calls = self.account(sid, request)?.calls.newest_first();
        let calls = calls.filter(|call| filter.has(call, unix_s) && self.sees(call));
        let items: Vec<Item<'_>> = calls.map(|call| item(&call.sid, move || call.show(unix_s))).collect();
        page::answer(request, "calls", &items)
    }

    fn create_call(&mut self, sid: &str, request: &Request) -> Asked {
        let (now, unix_s) = (self.now, self.unix_s());
        let call_sid = ids::sid("CA", &mut self.rng);
        let account = self.account_mut(sid, request)?;
        let wanted = Wanted::read(&request.form, |number| account.may_call_from(number))?;
        for (code, text) in wanted.notes.clone() {
            account.debugger.note(debugger::Entry {
                unix_s,
                call: call_sid.clone(),
                code,
                level: Level::Warning,
                text,
            });
        }
        let number_sid = account.number(&wanted.parties.from).map(|number| number.sid.clone());
        let mut entry = entry(&call_sid, sid, wanted.parties.clone(), Direction::OutboundApi, now);
        entry.number_sid = number_sid;
        entry.wanted = Some(Box::new(wanted));
        entry.queue_time = account.queue.push(now, call_sid.clone());
        let shown = entry.show(self.plan.unix_s);
        let account = self.account_mut(sid, request)?;
        if !account.calls.push(entry) {
            account.queue.remove(&call_sid);
            return Err(Refusal::too_many());
        }
        Ok(Answer::json(201, &shown))
    }

    fn change_call(&mut self, sid: &str, call: &str, request: &Request) -> Asked {
        let entry = self.call(sid, call, request)?;
        if let Some(parent) = entry.parent.clone() {
            return self.change_leg(sid, &parent, call, request);
        }
        let status = entry.status;
        let (change, settings) = update::read(&request.form, status)?;
        if status == CallStatus::Queued {
            self.change_queued(sid, call, &change, settings);
        } else {
            let set = (settings != Settings::default()).then(|| Order::Set(Box::new(settings)));
            let order = match change {
                Change::Nothing => None,
                Change::Redirect(first) => Some(Order::Redirect(first)),
                Change::End(CallStatus::Canceled) => Some(Order::Cancel),
                Change::End(_) => Some(Order::HangUp),
            };
            self.order(call, set.into_iter().chain(order))?;
        }
        Ok(Answer::json(200, &self.call(sid, call, request)?.show(self.plan.unix_s)))
    }

    /// Tells a live call. One that has not taken its last [`MAX_ORDERS`] yet takes no more: nothing is done, and it is
    /// safe to ask again.
    pub(super) fn order(&mut self, call: &str, orders: impl IntoIterator<Item = Order>) -> Result<(), Refusal> {
        // Who is not live any more ends at this moment, and has no use for orders.
        let Some(live) = self.live.get_mut(call) else { return Ok(()) };
        let orders: Vec<Order> = orders.into_iter().collect();
        if live.orders + orders.len() > MAX_ORDERS {
            return Err(Refusal::too_many());
        }
        live.orders += orders.len();
        self.out.extend(orders.into_iter().map(|order| Output::Order { call: call.to_owned(), order }));
        Ok(())
    }

    /// A call that has not been dialled: it is dialled with the new settings, or never.
    fn change_queued(&mut self, sid: &str, call: &str, change: &Change, settings: Settings) {
        let Some(account) = self.accounts.get_mut(sid) else { return };
        if let Some(wanted) = account.calls.get_mut(call).and_then(|entry| entry.wanted.as_deref_mut()) {
            wanted.set(settings);
        }
        if matches!(change, Change::End(_)) {
            account.queue.remove(call);
            self.never_dialled(sid, call, CallStatus::Canceled, sip::TERMINATED);
        }
    }

    fn delete_call(&mut self, sid: &str, call: &str, request: &Request) -> Asked {
        if !self.call(sid, call, request)?.status.is_final() {
            return Err(Refusal::bad(21_220, "Call is in-progress; only a call that has ended can be deleted"));
        }
        self.account_mut(sid, request)?.calls.remove(call);
        Ok(Answer::gone())
    }

    fn list_numbers(&self, sid: &str, request: &Request) -> Asked {
        let pattern = request.query.filled("PhoneNumber").unwrap_or_default();
        let name = request.query.filled("FriendlyName");
        let numbers = self.account(sid, request)?.numbers.values();
        let numbers = numbers.filter(|number| phone::matches(pattern, &number.plan.phone_number));
        let numbers = numbers.filter(|number| name.is_none_or(|name| name == number.plan.friendly_name));
        let items: Vec<Item<'_>> = numbers.map(|number| item(&number.sid, move || number.show(sid))).collect();
        page::answer(request, "incoming_phone_numbers", &items)
    }

    fn number(&self, sid: &str, number: &str, request: &Request) -> Asked {
        let number = self.account(sid, request)?.numbers.get(number);
        let number = number.ok_or_else(|| Refusal::not_found(&request.path))?;
        Ok(Answer::json(200, &number.show(sid)))
    }

    fn change_number(&mut self, sid: &str, number: &str, request: &Request) -> Asked {
        let unix_s = self.unix_s();
        let number = self.account_mut(sid, request)?.numbers.get_mut(number);
        let number = number.ok_or_else(|| Refusal::not_found(&request.path))?;
        number.update(&request.form, unix_s)?;
        Ok(Answer::json(200, &number.show(sid)))
    }

    /// Ours: somebody calls a number of the account's.
    fn call_in(&mut self, sid: &str, request: &Request) -> Asked {
        let form = &request.form;
        let (Some(to), Some(from)) = (form.filled("To"), form.filled("From")) else {
            return Err(Refusal::parameter("give To, a number of the account's, and From, the number of the caller"));
        };
        let (from, script) = (phone::party(from).unwrap_or_else(|| from.to_owned()), form.filled("Script"));
        if script.is_some_and(|name| !self.plan.scripts.contains_key(name)) {
            let known = self.plan.scripts.keys().cloned().collect::<Vec<_>>().join(", ");
            return Err(Refusal::parameter(format!("Script is unknown; one of {known}")));
        }
        let script = script.map(str::to_owned);
        let account = self.account(sid, request)?;
        let number = phone::number(to).and_then(|to| account.number(&to));
        let number = number.ok_or_else(|| Refusal::parameter(format!("To {to} is no number of this account's")))?;
        let (to, number_sid) = (number.plan.phone_number.clone(), number.sid.clone());
        let call_sid = ids::sid("CA", &mut self.rng);
        let mut entry = entry(&call_sid, sid, Parties { from, to }, Direction::Inbound, self.now);
        entry.number_sid = Some(number_sid);
        if !self.account_mut(sid, request)?.calls.push(entry) {
            return Err(Refusal::too_many());
        }
        self.ring(sid, &call_sid, script.as_deref());
        Ok(Answer::json(201, &self.call(sid, &call_sid, request)?.show(self.plan.unix_s)))
    }
}

pub(super) fn item<'a>(sid: &'a str, write: impl Fn() -> serde_json::Value + 'a) -> Item<'a> {
    (sid, Box::new(write))
}

pub(super) fn entry(sid: &str, account: &str, parties: Parties, direction: Direction, now: Micros) -> Entry {
    Entry {
        sid: sid.to_owned(),
        account: account.to_owned(),
        parent: None,
        parties,
        direction,
        number_sid: None,
        wanted: None,
        status: CallStatus::Queued,
        queue_time: Micros::ZERO,
        created: now,
        updated: now,
        started: None,
        answered: None,
        ended: None,
        answered_by: None,
    }
}

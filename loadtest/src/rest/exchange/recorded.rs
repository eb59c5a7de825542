//! What is asked of recordings.

use super::Exchange;
use super::asked::{Asked, item};
use crate::rest::answer::{Answer, Refusal};
use crate::rest::page::{self, Item};
use crate::rest::recordings::{State, Tape, wants_deleted};
use crate::rest::request::Request;
use crate::twilio::recording::Recording;

impl Exchange {
    pub(super) fn recordings(&mut self, sid: &str, method: &str, call: Option<&str>, request: &Request) -> Asked {
        if let Some(call) = call {
            self.call(sid, call, request)?;
        }
        match (method, call) {
            ("GET", _) => {}
            ("POST", Some(call)) => return self.record(sid, call, request),
            _ => return Err(Refusal::method()),
        }
        let tapes = self.account(sid, request)?.recordings.asked(&request.query, call)?;
        let show = |tape: &Tape| tape.show(sid, &self.plan.api, call.is_some());
        let items: Vec<Item<'_>> = tapes.into_iter().map(|tape| item(&tape.sid, move || show(tape))).collect();
        page::answer(request, "recordings", &items)
    }

    pub(super) fn recording(
        &mut self,
        sid: &str,
        method: &str,
        call: Option<&str>,
        tape: &str,
        request: &Request,
    ) -> Asked {
        let not_found = || Refusal::not_found(&request.path);
        let tapes = &self.account(sid, request)?.recordings;
        let found = match call.filter(|_| tape == "Twilio.CURRENT") {
            Some(call) => tapes.current(call),
            None => tapes.get(tape),
        };
        let found = found.ok_or_else(not_found)?;
        let hidden = found.state == State::Deleted && !wants_deleted(&request.query);
        if hidden || call.is_some_and(|call| call != found.call) {
            return Err(not_found());
        }
        match method {
            "GET" => Ok(Answer::json(200, &found.show(sid, &self.plan.api, call.is_some()))),
            "DELETE" if found.state.is_running() => {
                Err(Refusal::bad(21_220, "The recording is in progress; stop it before it is deleted"))
            }
            "DELETE" => {
                let unix_s = self.unix_s();
                self.account_mut(sid, request)?.recordings.delete(tape, unix_s);
                Ok(Answer::gone())
            }
            "POST" if call.is_some() => {
                let found = found.clone();
                self.change_recording(sid, &found, request)
            }
            _ => Err(Refusal::method()),
        }
    }

    pub(super) fn sound(&self, sid: &str, tape: &str, request: &Request) -> Asked {
        let tape = self.account(sid, request)?.recordings.get(tape);
        tape.ok_or_else(|| Refusal::not_found(&request.path))?.wav(&request.path)
    }

    /// A live call has finished a recording.
    pub(super) fn recorded(&mut self, sid: &str, call: &str, recording: Recording) {
        let began_unix_s = self.plan.unix_s + recording.began.0 / 1_000_000;
        let unix_s = self.unix_s();
        if let Some(account) = self.accounts.get_mut(sid) {
            account.recordings.put(Tape::finished(call, recording, began_unix_s, unix_s));
        }
    }
}

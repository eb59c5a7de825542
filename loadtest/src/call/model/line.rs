//! What the script's faults do to a call: messages wait, are lost, come in bunches; sockets hang, break, are doubled.

use super::{Call, Media, Output, Told};
use crate::call::event::What;
use crate::call::faults::Change;
use crate::call::network::Network;
use crate::caller::fault::{Fault, Kind};
use crate::caller::runner::Verdict;
use crate::time::Micros;
use crate::twilio::stream::Stream;
use crate::twilio::{ids, message, signature};

impl Call {
    /// A message for the server is ready: a frame since it was due, anything else now.
    pub(super) fn post(&mut self, text: String, due: Option<Micros>) {
        self.network.post(self.now, text, due, &mut self.faults);
    }

    /// Whatever is not held up any more.
    pub(super) fn leave(&mut self) {
        while let Some(sent) = self.network.leave(self.now) {
            self.out.push_back(Output::Send { text: sent.text, due: sent.due });
        }
    }

    /// The last words on an open stream; says how it ended.
    pub(super) fn stop_stream(&mut self, stream: &mut Stream) -> String {
        if self.network.hangs() {
            self.out.push_back(Output::ResetStream);
            return "the connection hung until the call ended".into();
        }
        let late: Vec<_> = self.network.flush().collect();
        self.out.extend(late.into_iter().map(|sent| Output::Send { text: sent.text, due: sent.due }));
        self.out.push_back(match self.wireless {
            true => Output::Tell(Told::Stop),
            false => Output::Send { text: stream.stop(), due: None },
        });
        self.out.push_back(Output::CloseStream);
        "stop sent".into()
    }

    /// Whether any fault began or ended.
    pub(super) fn change_faults(&mut self) -> bool {
        if let Some(step) = self.runner.step_number().filter(|_| self.runner_begun) {
            self.faults.at_step(self.now, step);
        }
        let mut changed = false;
        while let Some(change) = self.faults.change(self.now) {
            changed = true;
            // What happens to the socket needs one.
            if self.ended.is_some() || !matches!(self.media, Media::Open(_)) {
                continue;
            }
            match change {
                Change::Begins(fault) => self.fault_begins(fault),
                Change::Ends(fault) => self.fault_ends(fault),
            }
        }
        changed
    }

    fn fault_begins(&mut self, fault: Fault) {
        self.note(What::Fault { text: fault.kind.describe(fault.lasts) });
        match fault.kind {
            Kind::HalfOpen => {
                self.out.push_back(Output::Reading(false));
                self.network.hang();
            }
            Kind::Reset => self.reset(),
            Kind::SecondSocket => self.try_second_socket(),
            Kind::HangUp => {
                self.runner.drop_rest();
                self.hang_up("in the middle of it");
            }
            Kind::SlowReader => self.out.push_back(Output::Reading(false)),
            Kind::Jitter(_) | Kind::Bunch(_) | Kind::Stall | Kind::Loss(_) => {}
        }
    }

    fn fault_ends(&mut self, fault: Fault) {
        self.note(What::Fault { text: "over".into() });
        if fault.kind == Kind::SlowReader {
            self.out.push_back(Output::Reading(true));
        }
    }

    fn reset(&mut self) {
        if let Some(stream) = self.take_stream() {
            self.close_books(&stream, "the connection was reset".into());
            self.network = Network::default();
            self.out.push_back(Output::ResetStream);
            self.executor.stream_ended(self.now, true);
        }
    }

    /// As a thief would who has seen the TwiML: the same URL, parameters, account and call.
    fn try_second_socket(&mut self) {
        let Some(plan) = self.newest_plan.clone() else { return };
        let sid = ids::sid("MZ", &mut self.rng);
        let greeting = vec![message::connected(), message::start(1, &self.plan.sids, &sid, &plan.parameters)];
        let signature = signature::sign(&self.plan.auth_token, &plan.url.signed(), &[]);
        self.out.push_back(Output::OpenSecond { url: plan.url, signature, greeting });
    }

    pub(super) fn second_socket(&mut self, accepted: bool, said: String) {
        let step = self.runner.step_number().unwrap_or_default();
        let refused = "a second socket with the same token is refused";
        let what = if accepted { refused.to_owned() } else { format!("{refused}: {said}") };
        let cause = accepted.then(|| format!("{said}, as with the first"));
        self.note(What::Verdict(Verdict { step, what, ok: !accepted, optional: false, after: Micros::ZERO, cause }));
    }
}

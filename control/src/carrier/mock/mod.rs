//! A carrier that reaches nobody: calls live in this process, by the last digits of the called number or by script.
//!
//! It is what there is without credentials, and what tests watch: it remembers everything that it was asked for. Reports go
//! to a channel, in order per call. Full: the call's life waits, and its reports are late; none is lost. Nobody listens: it
//! lives on unheard.

mod life;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, mpsc};

pub use life::Party;

use super::owners::Ownership;
use super::{
    CallInitiationRequest, CallInitiationResponse, CallMetadata, CallReport, CallStatus, CarrierError, Doing,
    ErrorCode, Found, HangUp, Registration, TelephonyProvider, Webhooks, twilio,
};
use crate::clock::Clock;
use crate::model::{CallId, PhoneNumberId, ProviderType, TenantId, Timestamp};
use life::Life;

/// Calls that are remembered. Full: the oldest that is over is forgotten; where all live, a new one is refused.
const CALLS_MAX: usize = 10_000;
/// Of what it was asked for, so much is remembered; then the oldest is forgotten.
const ASKED_MAX: usize = 10_000;
/// As many as a real carrier's first page.
const LISTED_MAX: usize = 50;

/// Something that the carrier was asked for, or told.
#[derive(Clone, PartialEq, Eq)]
pub enum Asked {
    /// To place a call.
    Place(CallInitiationRequest),
    /// To end this call.
    HangUp(String, HangUp),
    /// To ask this URL what to do with this call.
    Transfer(String, String),
    /// To point this number here.
    Register(String),
    /// To put this number back.
    Unregister(String),
    /// To read this webhook.
    Webhook(Vec<(String, String)>),
}

impl fmt::Debug for Asked {
    /// Its kind only: the rest names people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Place(_) => "Place",
            Self::HangUp(..) => "HangUp",
            Self::Transfer(..) => "Transfer",
            Self::Register(_) => "Register",
            Self::Unregister(_) => "Unregister",
            Self::Webhook(_) => "Webhook",
        })
    }
}

/// The carrier. Clones are the same one.
#[derive(Clone)]
pub struct Mock {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Clock,
    webhooks: Webhooks,
    reports: mpsc::Sender<CallReport>,
    owners: Ownership,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By the carrier's names for them, which sort by the time they were placed.
    calls: BTreeMap<String, Call>,
    parties: BTreeMap<String, Party>,
    numbers: BTreeMap<String, Registration>,
    asked: VecDeque<Asked>,
}

struct Call {
    from: String,
    to: String,
    life: Life,
    changed: Arc<Notify>,
}

impl fmt::Debug for Mock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mock({} calls)", self.shared.state().calls.len())
    }
}

impl Mock {
    /// A carrier on which nobody has called yet, and who hears what happens on its calls.
    #[must_use]
    pub fn new(webhooks: Webhooks, clock: Clock, reports: mpsc::Sender<CallReport>) -> Self {
        Self::owned(webhooks, clock, reports, Ownership::default())
    }

    /// The same, where numbers have owners.
    pub(super) fn owned(
        webhooks: Webhooks,
        clock: Clock,
        reports: mpsc::Sender<CallReport>,
        owners: Ownership,
    ) -> Self {
        Self { shared: Arc::new(Shared { clock, webhooks, reports, owners, state: Mutex::default() }) }
    }

    /// What comes of calls to this number from now on, whatever its digits.
    pub fn script(&self, number: &str, party: Party) {
        self.shared.state().parties.insert(number.to_owned(), party);
    }

    /// What it was asked for, oldest first.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.state().asked.iter().cloned().collect()
    }

    fn place(&self, request: CallInitiationRequest) -> Result<CallInitiationResponse, CarrierError> {
        let shared = &self.shared;
        let mut state = shared.state();
        state.note(Asked::Place(request.clone()));
        let party = state.parties.get(&request.to).copied().unwrap_or_else(|| Party::of(&request.to));
        if party == Party::Refuses {
            return Err(CarrierError::new(ErrorCode::CallFailed, "the called number's last digits have it refused"));
        }
        if !state.make_room() {
            return Err(CarrierError::new(ErrorCode::RateLimit, "too many calls live in this process: end some"));
        }
        // As a real carrier's, and so that two cannot be the same.
        let sid = name_of(request.call_id);
        let life = Life::new(party, &request, shared.clock.now(), shared.clock.wall());
        let call = Call { from: request.from, to: request.to, life, changed: Arc::default() };
        state.calls.insert(sid.clone(), call);
        drop(state);
        tokio::spawn(play(Arc::clone(shared), sid.clone()));
        if party == Party::InDoubt {
            let doubt = CarrierError::new(ErrorCode::NetworkError, "the called number's last digits leave it in doubt");
            return Err(CarrierError { may_have_happened: true, ..doubt });
        }
        Ok(CallInitiationResponse { carrier_call_id: sid, status: CallStatus::Queued })
    }

    fn end(&self, sid: &str, how: HangUp) {
        let now = self.shared.clock.now();
        let mut state = self.shared.state();
        state.note(Asked::HangUp(sid.to_owned(), how));
        if let Some(call) = state.calls.get_mut(sid) {
            call.life.end(now, how);
            call.changed.notify_one();
        }
    }

    fn redirect(&self, sid: &str, url: &str) -> Result<(), CarrierError> {
        let mut state = self.shared.state();
        state.note(Asked::Transfer(sid.to_owned(), url.to_owned()));
        match state.calls.get(sid) {
            Some(call) if call.life.status == CallStatus::InProgress => Ok(()),
            _ => Err(CarrierError::new(ErrorCode::SessionNotFound, "the call is over, or was not answered yet")),
        }
    }

    fn list(&self, from: &str, to: &str, since: Timestamp) -> Vec<Found> {
        // Real carriers' dates have no milliseconds.
        let since = Timestamp(since.0.div_euclid(1_000) * 1_000);
        let state = self.shared.state();
        let fits = |(_, call): &(&String, &Call)| call.from == from && call.to == to && call.life.begun >= since;
        let mut found: Vec<Found> = state.calls.iter().filter(fits).map(|(sid, call)| call.found(sid)).collect();
        found.sort_by_key(|call| std::cmp::Reverse(call.begun));
        found.truncate(LISTED_MAX);
        found
    }

    fn register(&self, number: &str) -> Registration {
        let mut state = self.shared.state();
        state.note(Asked::Register(number.to_owned()));
        let ours = Registration(BTreeMap::from([("voice_url".to_owned(), self.shared.webhooks.voice.clone())]));
        state.numbers.insert(number.to_owned(), ours.clone()).filter(|before| *before != ours).unwrap_or_default()
    }

    fn unregister(&self, number: &str, before: Option<&Registration>) {
        let mut state = self.shared.state();
        state.note(Asked::Unregister(number.to_owned()));
        match before {
            Some(before) => state.numbers.insert(number.to_owned(), before.clone()),
            None => state.numbers.remove(number),
        };
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Everything in it is whole between two statements.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn note(&mut self, asked: Asked) {
        if self.asked.len() >= ASKED_MAX {
            self.asked.pop_front();
        }
        self.asked.push_back(asked);
    }

    fn make_room(&mut self) -> bool {
        if self.calls.len() < CALLS_MAX {
            return true;
        }
        let over = self.calls.iter().find(|(_, call)| call.life.status.is_final()).map(|(sid, _)| sid.clone());
        over.is_some_and(|sid| self.calls.remove(&sid).is_some())
    }
}

impl Call {
    fn found(&self, sid: &str) -> Found {
        Found {
            carrier_call_id: sid.to_owned(),
            status: self.life.status,
            begun: Some(self.life.begun),
            duration: self.life.duration,
            answered_by: self.life.answered_by.map(str::to_owned),
        }
    }
}

/// The carrier's name for a call.
fn name_of(call: CallId) -> String {
    format!("CA{}", call.0.simple())
}

/// The call of that name.
pub(super) fn call_id(name: &str) -> Option<CallId> {
    name.strip_prefix("CA")?.parse().ok()
}

/// Plays one call to its end.
async fn play(shared: Arc<Shared>, sid: String) {
    loop {
        let next = shared.state().calls.get(&sid).and_then(|call| Some((call.life.next()?, Arc::clone(&call.changed))));
        let Some((at, changed)) = next else { return };
        tokio::select! {
            () = shared.clock.sleep_until(at) => {}
            () = changed.notified() => {}
        }
        let now = shared.clock.now();
        let reports = shared.state().calls.get_mut(&sid).map_or(Vec::new(), |call| call.life.live(&sid, now));
        for report in reports {
            // Nobody may listen.
            let _ = shared.reports.send(report).await;
        }
    }
}

impl TelephonyProvider for Mock {
    fn provider_type(&self) -> ProviderType {
        ProviderType::Mock
    }

    fn account(&self) -> &'static str {
        "mock"
    }

    /// Always at once: nobody is called.
    fn turn(&self) -> Doing<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn initiate_call(&self, request: CallInitiationRequest) -> Doing<'_, CallInitiationResponse> {
        Box::pin(async move { self.place(request) })
    }

    fn parse_webhook_event(&self, fields: &[(String, String)]) -> Result<CallReport, CarrierError> {
        self.shared.state().note(Asked::Webhook(fields.to_vec()));
        twilio::parse(fields).map_err(|wrong| CarrierError::new(ErrorCode::InvalidWebhook, wrong))
    }

    fn register_number<'a>(
        &'a self,
        tenant: TenantId,
        number: PhoneNumberId,
        did_number: &'a str,
    ) -> Doing<'a, Option<Registration>> {
        Box::pin(async move {
            self.shared.owners.has(tenant, number, did_number)?;
            Ok(Some(self.register(did_number)))
        })
    }

    fn unregister_number<'a>(
        &'a self,
        tenant: TenantId,
        _: PhoneNumberId,
        did_number: &'a str,
        before: Option<&'a Registration>,
    ) -> Doing<'a, ()> {
        Box::pin(async move {
            self.shared.owners.is_no_others(tenant, did_number)?;
            self.unregister(did_number, before);
            Ok(())
        })
    }

    /// Whatever account it is: there is none here.
    fn on_inbound_call(&self, call: &CallMetadata) -> Result<(), CarrierError> {
        call.belongs_to(&call.account).map_err(|wrong| CarrierError::new(ErrorCode::InvalidWebhook, wrong))
    }

    fn hang_up<'a>(&'a self, carrier_call_id: &'a str, how: HangUp) -> Doing<'a, ()> {
        Box::pin(async move {
            self.end(carrier_call_id, how);
            Ok(())
        })
    }

    fn transfer<'a>(&'a self, carrier_call_id: &'a str, url: &'a str) -> Doing<'a, ()> {
        Box::pin(async move { self.redirect(carrier_call_id, url) })
    }

    fn call<'a>(&'a self, carrier_call_id: &'a str) -> Doing<'a, Option<Found>> {
        Box::pin(
            async move { Ok(self.shared.state().calls.get(carrier_call_id).map(|call| call.found(carrier_call_id))) },
        )
    }

    fn calls<'a>(&'a self, from: &'a str, to: &'a str, since: Timestamp) -> Doing<'a, Vec<Found>> {
        Box::pin(async move { Ok(self.list(from, to, since)) })
    }

    fn health(&self) -> Doing<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

//! Placing a call: who may, whether there is room, the wish on disk, and then, once, the carrier.
//!
//! ```text
//! wish ─► guards ─► place ─► on disk (with its idempotency key) ─► its turn ─► on disk that the carrier is asked ─► asked
//! ```
//! A wish whose process died before the carrier was asked is carried on by the next; one whose process died after is
//! looked for at the carrier, never asked for again.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use engine::wire::Sid;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::chronicle::Outcome;
use super::registry::NoPlace;
use crate::app::{App, Phase};
use crate::backend::{About, Operation};
use crate::carrier::{CallInitiationRequest, CarrierError, ErrorCode, HangUp, MachineDetection, TelephonyProvider};
use crate::db::{Created, Idempotency, StoreError};
use crate::directory::Line;
use crate::guard::{self, Denied};
use crate::model::{
    Actor, Call, CallDetails, CallEvent, CallEventKind, CallId, CallState, CampaignId, ContactId, Direction, EndedBy,
    EventId, PageRequest, ProfileId, ProviderType, TenantId, Timestamp,
};

/// How long whoever wants a call waits for the carrier's answer; it is asked all the same.
const ANSWER_WAIT: Duration = Duration::from_secs(10);
/// A wish that waited for its turn longer than this, a restart included, is not placed any more.
const WISH_MAX_MS: i64 = 15 * 60 * 1000;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// A call that somebody wants placed.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    /// Whom to call, E.164.
    pub(crate) to: String,
    /// From which of the tenant's numbers; its default one where this is not said.
    pub(crate) from: Option<String>,
    /// Who talks; the number's own profile where this is not said.
    pub(crate) profile: Option<ProfileId>,
    /// Which contact that is.
    pub(crate) contact: Option<ContactId>,
    /// For which campaign.
    pub(crate) campaign: Option<CampaignId>,
    /// What is to be remembered with it.
    pub(crate) metadata: Option<Value>,
    /// How the carrier is asked to place it.
    pub(crate) terms: Terms,
}

/// How a call is placed; kept in the event that tells of the wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Terms {
    /// Whether the carrier finds out who answers.
    pub(crate) machine_detection: MachineDetection,
    /// How long it may ring, in seconds.
    pub(crate) ring_s: u32,
    /// How long it may last, in seconds.
    pub(crate) duration_max_s: u32,
}

/// Why a call is not placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NotPlaced {
    /// The service is on its way out.
    Draining,
    /// The tenant is not active, or calls of it are stopped.
    Stopped,
    /// There is no carrier to place it.
    NoCarrier,
    /// The tenant has no number to call from.
    NoNumber,
    /// The number to call from is not an active one of the tenant.
    NotOurs,
    /// The tenant has no such profile.
    NoProfile,
    /// No call may go to that number.
    Denied(Denied),
    /// Every place is taken, of the service or of the tenant.
    NoPlace(NoPlace),
    /// The tenant has used up its minutes of today.
    NoMinutes,
    /// The store says no.
    Store(StoreError),
}

impl NotPlaced {
    /// In a word.
    pub(crate) fn code(&self) -> ErrorCode {
        match self {
            Self::NoCarrier | Self::NoNumber | Self::NotOurs | Self::NoProfile => ErrorCode::InvalidConfig,
            Self::NoPlace(_) | Self::NoMinutes => ErrorCode::RateLimit,
            Self::Draining | Self::Stopped | Self::Denied(_) | Self::Store(_) => ErrorCode::CallFailed,
        }
    }
}

impl fmt::Display for NotPlaced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Draining => f.write_str("the service is on its way out"),
            Self::Stopped => f.write_str("the tenant is not active, or has stopped the calls that it places"),
            Self::NoCarrier => f.write_str("there is no carrier"),
            Self::NoNumber => f.write_str("the tenant has no active number to call from"),
            Self::NotOurs => f.write_str("the number to call from is not an active one of this tenant"),
            Self::NoProfile => f.write_str("the tenant has no such profile"),
            Self::Denied(why) => write!(f, "{why}"),
            Self::NoPlace(_) => f.write_str("the service or the tenant has as many calls as it may have"),
            Self::NoMinutes => f.write_str("the tenant has used up its minutes of today"),
            Self::Store(error) => write!(f, "{error}"),
        }
    }
}

impl From<StoreError> for NotPlaced {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Places a call, once for each idempotency key. Gives it as it stands after the carrier's answer, or after ten seconds.
///
/// # Errors
/// Why it is not placed. What the carrier says is no error: the call then stands as failed.
pub(crate) async fn place(
    app: &Arc<App>,
    actor: Actor,
    tenant: TenantId,
    wish: Wish,
    once: Option<Idempotency>,
) -> Result<Created<Call>, NotPlaced> {
    let (to, from) = (wish.to.clone(), wish.from.clone());
    let about = About { direction: Some("outbound"), to: Some(&to), from: from.as_deref(), ..About::default() };
    // Boxed: it holds a whole call, and is waited for in more than one place.
    app.operate(Operation::CallCreate, about, Box::pin(place_now(app, actor, tenant, wish, once))).await
}

async fn place_now(
    app: &Arc<App>,
    actor: Actor,
    tenant: TenantId,
    wish: Wish,
    once: Option<Idempotency>,
) -> Result<Created<Call>, NotPlaced> {
    let (call, line) = prepare(app, tenant, &wish).await?;
    let now = app.clock.now();
    // The lock is let go before anything is awaited.
    let place = app.calls().keep_place(now, call.id, &line, carrier_max(app, tenant));
    if let Err(full) = place {
        return placed_before(app, tenant, once.as_ref()).await?.ok_or(NotPlaced::NoPlace(full));
    }
    let event = wanted(&call, wish.terms)?;
    let made = app.store.place_call(actor, call.clone(), event, once).await;
    let made = match made {
        Ok(made) if !made.replayed => made,
        other => {
            app.calls().give_back(call.id);
            let mut before = other?;
            before.value = app.chronicle.call(before.value.id).unwrap_or(before.value);
            return Ok(before);
        }
    };
    app.chronicle.queued(call.clone(), line);
    let work = tokio::spawn(dial(Arc::clone(app), call, wish.terms));
    let _ = tokio::time::timeout(ANSWER_WAIT, work).await;
    Ok(Created { value: app.chronicle.call(made.value.id).unwrap_or(made.value), replayed: false })
}

/// What the same request gave before, for one that finds no place now.
async fn placed_before(
    app: &App,
    tenant: TenantId,
    once: Option<&Idempotency>,
) -> Result<Option<Created<Call>>, NotPlaced> {
    let Some(once) = once else { return Ok(None) };
    let before = app.store.placed_before(tenant, once).await?;
    Ok(before.map(|call| Created { value: app.chronicle.call(call.id).unwrap_or(call), replayed: true }))
}

/// The call as it is to be, after every guard that needs no place.
async fn prepare(app: &App, tenant: TenantId, wish: &Wish) -> Result<(Call, Line), NotPlaced> {
    if app.phase() != Phase::Open {
        return Err(NotPlaced::Draining);
    }
    let carrier = app.carriers.for_tenant(tenant).ok_or(NotPlaced::NoCarrier)?;
    let from = match &wish.from {
        Some(from) => from.clone(),
        None => app.number_of(tenant).ok_or(NotPlaced::NoNumber)?,
    };
    let mut line = app.directory.line(&from);
    if line.tenant() != tenant || !line.is_active {
        return Err(NotPlaced::NotOurs);
    }
    if !line.is_open() || line.served.outbound_stopped() {
        return Err(NotPlaced::Stopped);
    }
    if let Some(profile) = wish.profile {
        line.plan = line.served.plan_of(profile).ok_or(NotPlaced::NoProfile)?;
    }
    guard::check(&app.config.dial_prefixes, line.served.dial_prefixes().as_deref(), &from, &wish.to)
        .map_err(NotPlaced::Denied)?;
    has_minutes(app, tenant, &line).await?;
    let now = app.clock.wall();
    let call = Call {
        id: CallId::new(),
        tenant_id: tenant,
        carrier_call_id: None,
        provider_type: carrier.provider_type(),
        account_id: Some(carrier.account().to_owned()),
        direction: Direction::Outbound,
        from,
        to: wish.to.clone(),
        phone_number_id: line.number,
        profile_id: line.profile(),
        state: CallState::Queued,
        contact_id: wish.contact,
        campaign_id: wish.campaign,
        started_at: now,
        answered_at: None,
        ended_at: None,
        ended_by: None,
        quality: None,
        details: CallDetails { metadata: wish.metadata.clone(), ..CallDetails::default() },
    };
    Ok((call, line))
}

async fn has_minutes(app: &App, tenant: TenantId, line: &Line) -> Result<(), NotPlaced> {
    let Some(max) = line.served.minutes_per_day_max() else { return Ok(()) };
    let now = app.clock.wall();
    let midnight = Timestamp(now.0 - now.0.rem_euclid(DAY_MS));
    let used = app.store.outbound_minutes_since(tenant, midnight, now).await?;
    if used < u64::from(max) { Ok(()) } else { Err(NotPlaced::NoMinutes) }
}

fn wanted(call: &Call, terms: Terms) -> Result<CallEvent, StoreError> {
    let data = serde_json::to_value(terms).map_err(|error| StoreError::Fault(error.to_string()))?;
    let (tenant_id, call_id, at) = (call.tenant_id, call.id, call.started_at);
    Ok(CallEvent { id: EventId::new(), tenant_id, call_id, at, kind: CallEventKind::Queued, data, carrier_key: None })
}

/// Carries on what an earlier process wanted placed and asked no carrier for.
pub(crate) async fn carry_on(app: Arc<App>, unasked: Vec<CallId>) {
    for call in unasked.into_iter().filter_map(|id| app.chronicle.call(id)) {
        let line = app.line_again(&call);
        let is_late = app.clock.wall().0 - call.started_at.0 > WISH_MAX_MS;
        let terms = if is_late { None } else { terms_of(&app, &call).await };
        let has_place = terms.is_some() && keeps_place(&app, &call, &line);
        match terms.filter(|_| has_place) {
            Some(terms) => drop(tokio::spawn(dial(Arc::clone(&app), call, terms))),
            None => app.chronicle.withdrawn(call.id, Outcome::failed("restart")),
        }
    }
}

fn keeps_place(app: &App, call: &Call, line: &Line) -> bool {
    let (now, max) = (app.clock.now(), carrier_max(app, call.tenant_id));
    app.calls().keep_place(now, call.id, line, max).is_ok()
}

/// How many calls may be placed at once over the tenant's own account.
fn carrier_max(app: &App, tenant: TenantId) -> Option<u32> {
    app.directory.account_of(tenant, ProviderType::Twilio).and_then(|account| account.max_concurrent_calls)
}

/// How an earlier process was asked to place a call.
async fn terms_of(app: &App, call: &Call) -> Option<Terms> {
    let oldest = app.store.call_events(call.tenant_id, call.id, PageRequest { limit: 10, after: None }).await.ok()?;
    let wanted = oldest.items.into_iter().find(|event| event.kind == CallEventKind::Queued)?;
    serde_json::from_value(wanted.data).ok()
}

impl Terms {
    /// Where nobody says how.
    pub(crate) fn usual(app: &App) -> Self {
        let longest = u32::try_from(app.config.limits.call_max.as_secs()).unwrap_or(u32::MAX);
        Self { machine_detection: MachineDetection::Off, ring_s: 60, duration_max_s: longest }
    }
}

/// Waits for the call's turn and asks the carrier, once.
async fn dial(app: Arc<App>, call: Call, terms: Terms) {
    let id = call.id;
    let asked = match app.carriers.of(&call) {
        Some(carrier) => ask(&app, carrier.as_ref(), &call, terms).await,
        None => Err(CarrierError::new(ErrorCode::InvalidConfig, "the carrier of this call is not configured any more")),
    };
    let error = match asked {
        Ok(()) => return,
        Err(error) => error,
    };
    tracing::warn!(call = %id, tenant = %call.tenant_id, %error, may_have_happened = error.may_have_happened, "call not placed");
    if app.chronicle.not_placed(id, &error).await.is_err() {
        tracing::error!(call = %id, "that a call was not placed is on no disk");
    }
    if !error.may_have_happened {
        app.calls().give_back(id);
    }
}

async fn ask(app: &Arc<App>, carrier: &dyn TelephonyProvider, call: &Call, terms: Terms) -> Result<(), CarrierError> {
    carrier.turn().await?;
    let line = app.line_again(call);
    if app.phase() != Phase::Open || line.served.outbound_stopped() {
        return Err(CarrierError::new(ErrorCode::CallFailed, "calls were stopped before its turn came"));
    }
    if app.chronicle.placing(call.id).await.is_err() {
        // Taken back meanwhile, or nothing can be written down: then no carrier is asked, for nobody could say later
        // that it was.
        return Err(CarrierError::new(ErrorCode::CallFailed, "it was taken back, or could not be written down"));
    }
    let taken = carrier.initiate_call(request(app, call, terms)).await?;
    let Some(sid) = Sid::parse(&taken.carrier_call_id) else {
        let mut error = CarrierError::new(ErrorCode::CallFailed, "the carrier gave the call a name that is none");
        error.may_have_happened = true;
        return Err(error);
    };
    tracing::info!(call = %call.id, carrier_call_id = %sid, "call placed");
    if app.chronicle.placed(call.id, &sid, taken.status).await.is_err() {
        tracing::error!(call = %call.id, "that a call was placed is on no disk; it is looked for after a restart");
    }
    Ok(())
}

fn request(app: &App, call: &Call, terms: Terms) -> CallInitiationRequest {
    let mut named = format!("call_id={}", call.id);
    if let Some(campaign) = call.campaign_id {
        named += &format!("&campaign_id={campaign}");
    }
    if let Some(contact) = call.contact_id {
        named += &format!("&contact_id={contact}");
    }
    let url = |path: &str| app.public.join(&format!("{path}?{named}"));
    CallInitiationRequest {
        call_id: call.id,
        to: call.to.clone(),
        from: call.from.clone(),
        voice_url: url("/twilio/voice"),
        status_url: url("/twilio/status"),
        machine_detection: terms.machine_detection,
        machine_url: (terms.machine_detection != MachineDetection::Off).then(|| url("/twilio/machine")),
        ring_max: Duration::from_secs(terms.ring_s.into()),
        duration_max: Duration::from_secs(terms.duration_max_s.into()),
    }
}

/// Takes back a call that nobody has answered yet, wherever it waits. False where there is no such call.
pub(crate) async fn take_back(app: &Arc<App>, call: &Call) -> Result<bool, CarrierError> {
    if call.state >= CallState::Answered || call.direction != Direction::Outbound {
        return Ok(false);
    }
    match &call.carrier_call_id {
        Some(name) => match app.carriers.of(call) {
            Some(carrier) => carrier.hang_up(name, HangUp::Cancel).await.map(|()| true),
            None => Ok(false),
        },
        None if call.state == CallState::Queued => {
            let outcome = Outcome { state: CallState::Canceled, by: EndedBy::Api, reason: "taken back" };
            app.chronicle.withdrawn(call.id, outcome);
            app.calls().give_back(call.id);
            Ok(true)
        }
        // The carrier is being asked: whether it took the call is not known yet.
        None => Ok(false),
    }
}

/// Takes back all that waits, of a tenant whose calls were stopped. Calls are ended one by one; the log has what failed.
pub(crate) async fn take_back_all(app: &Arc<App>, tenant: TenantId) {
    for call in app.chronicle.waiting(Some(tenant)) {
        if let Err(error) = take_back(app, &call).await {
            tracing::warn!(call = %call.id, %error, "a call that waits could not be taken back");
        }
    }
}

//! Calls: live and stored ones are one resource. Where a call is both, the live one says more.

use std::cmp::Reverse;
use std::sync::LazyLock;

use axum::response::Response;
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Routes;
use super::asked::Asked;
use super::fault::Faults;
use super::numbers::PROVIDERS;
use super::problem::Problem;
use super::query::Query;
use super::shape::{Object, Shape};
use super::shown;
use super::text::Text;
use crate::app::App;
use crate::calls::act::live;
use crate::config::PhoneNumber;
use crate::db::StoreError;
use crate::model::{Call, CallEvent, CallFilter, CallId, CallState, Cursor, Page, PageRequest, Role, TenantId};

pub(super) const STATES: &[&str] = &CallState::WORDS;
pub(super) const DIRECTIONS: &[&str] = &["inbound", "outbound"];
const KINDS: &[&str] = &[
    "queued",
    "placing",
    "placed",
    "answered",
    "refused",
    "stream_started",
    "stream_ended",
    "barge_in",
    "turn",
    "digit",
    "said",
    "transferred",
    "carrier_status",
    "answered_by",
    "recording",
    "transcription",
    "acted",
    "ended",
];
const FILTERS: &[&str] =
    &["limit", "cursor", "state", "direction", "number", "since", "until", "contact_id", "campaign_id"];
/// Of a call's events, so many stand in its timeline: the latest. `…/events` has all.
const TIMELINE_MAX: u32 = 200;

/// As it is shown in a list.
pub(super) static SHOWN: LazyLock<Object> = LazyLock::new(|| members(Object::new("A call, live or stored.")));

/// As it is shown alone.
pub(super) static DETAIL: LazyLock<Object> = LazyLock::new(|| {
    let doc = "What happened on it, oldest first: its latest 200 events.";
    let timeline = Shape::Object(EVENT.clone()).list(TIMELINE_MAX as usize);
    members(Object::new("A call, live or stored, with its timeline.")).must("timeline", timeline, doc)
});

/// What happened on a call.
pub(super) static EVENT: LazyLock<Object> = LazyLock::new(|| {
    let object = Object::new("Something that happened on a call.").must("id", Shape::Text(Text::ID), "Its id.");
    let object = object.must("tenant_id", Shape::Text(Text::ID), "Whose it is.");
    let object = object.must("call_id", Shape::Text(Text::ID), "On which call.");
    let object = object.must("at", Shape::Text(Text::TIME), "When.");
    let object = object.must("kind", Shape::Word(KINDS), "What.");
    let object = object.must("data", Shape::Open, "More of it.");
    object.must("carrier_key", Shape::Text(Text::ANY).or_null(), "Of what the carrier reported: the report's name.")
});

/// Why a call failed.
static FAULT: LazyLock<Object> = LazyLock::new(|| {
    let object = Object::new("Why a call failed.").must("code", Shape::Text(Text::ANY), "In a word.");
    let object = object.must("message", Shape::Text(Text::ANY), "For people.");
    let object =
        object.must("carrier_code", Shape::Whole(0, i64::from(u32::MAX)).or_null(), "The carrier's own number of it.");
    object.must("link", Shape::Text(Text::ANY).or_null(), "Where the carrier explains it.")
});

fn members(object: Object) -> Object {
    let object = object.must("id", Shape::Text(Text::ID), "Its id.");
    let object = object.must("tenant_id", Shape::Text(Text::ID), "Whose it is.");
    let doc = "The carrier's own id of it; null until the carrier has named it.";
    let object = object.must("carrier_call_id", Shape::Text(Text::ANY).or_null(), doc);
    let object = object.must("provider_type", Shape::Word(PROVIDERS), "Which carrier has it.");
    let doc = "Over which account at the carrier it goes; null: not known.";
    let object = object.must("account_id", Shape::Text(Text::ANY).or_null(), doc);
    let object = object.must("direction", Shape::Word(DIRECTIONS), "Who called whom.");
    let object = object.must("from", Shape::Text(Text::ANY), "The caller.");
    let object = object.must("to", Shape::Text(Text::ANY), "The called.");
    let object =
        object.must("phone_number_id", Shape::Text(Text::ID).or_null(), "The called number, where it is known.");
    let object = object.must("profile_id", Shape::Text(Text::ID).or_null(), "Who answered; null: the built-in demo.");
    let object = object.must("state", Shape::Word(STATES), "Where it is in its life; the last six are final.");
    let object = object.must("contact_id", Shape::Text(Text::ID).or_null(), "Who was called, where it is a contact.");
    let object = object.must("campaign_id", Shape::Text(Text::ID).or_null(), "Of which campaign it is.");
    let object = object.must("started_at", Shape::Text(Text::TIME), "When it came, or was asked for.");
    let object = object.must("answered_at", Shape::Text(Text::TIME).or_null(), "When somebody answered.");
    let object = object.must("ended_at", Shape::Text(Text::TIME).or_null(), "When it was over.");
    let ended_by = Shape::Word(&["caller", "called", "agent", "api", "service"]).or_null();
    let object = object.must("ended_by", ended_by, "Who ended it.");
    let doc = "What was measured of its streams; null until one has ended.";
    let object = object.must("quality", Shape::Open.or_null(), doc);
    let object = object.must("metadata", Shape::Open.or_null(), "What whoever asked for it wants to remember.");
    let doc = "Who answered, in the carrier's word, such as human.";
    let object = object.must("answered_by", Shape::Text(Text::ANY).or_null(), doc);
    let object = object.must(
        "duration_s",
        Shape::Whole(0, i64::from(u32::MAX)).or_null(),
        "How long it lasted by the carrier's account.",
    );
    object.must("error", Shape::Object(FAULT.clone()).or_null(), "Why it failed.")
}

pub(super) fn routes() -> Routes {
    OpenApiRouter::new().routes(routes!(list_calls)).routes(routes!(get_call)).routes(routes!(list_call_events))
}

/// Lists a tenant's calls, live and stored.
///
/// A read_only key sees numbers masked, and cannot look for one.
#[utoipa::path(get, path = "/tenants/{tenant_id}/calls", tag = "Calls",
    responses((status = 200, description = "A page of them.", body = ref("CallPage"))))]
async fn list_calls(asked: Asked) -> Result<Response, Problem> {
    let (query, mut faults) = asked.query(FILTERS);
    let tenant = asked.tenant(Role::ReadOnly)?;
    if asked.caller.sees_masked() && query.all("number").next().is_some() {
        return Err(Problem::forbidden("a read_only key sees numbers masked, and cannot look for one"));
    }
    asked.existing_tenant(Role::ReadOnly).await?;
    let page = query.page(&mut faults);
    let filter = filter(&query, &mut faults);
    faults.into_result()?;
    shown::page(asked.caller, &both(&asked.app, tenant, filter, page).await?)
}

fn filter(query: &Query, faults: &mut Faults) -> CallFilter {
    let time = "a point in time such as 2026-01-31T12:00:00Z";
    let states = query.all("state").map(|word| serde_json::from_value(json!(word)).ok());
    let states = states.collect::<Option<Vec<_>>>().unwrap_or_else(|| {
        let detail = format!("must be one of {}", STATES.join(", "));
        faults.push(super::fault::Fault::parameter("state", "not_one_of", detail));
        Vec::new()
    });
    CallFilter {
        states,
        direction: query
            .one("direction", "inbound or outbound", faults, |text| serde_json::from_value(json!(text)).ok()),
        number: query.one("number", "a telephone number such as +15551234567", faults, |text| {
            text.parse::<PhoneNumber>().ok().filter(|number| number.as_str() == text).map(|_| text.to_owned())
        }),
        since: query.one("since", time, faults, |text| text.parse().ok()),
        until: query.one("until", time, faults, |text| text.parse().ok()),
        contact: query.one("contact_id", "an id", faults, |text| text.parse().ok()),
        campaign: query.one("campaign_id", "an id", faults, |text| text.parse().ok()),
    }
}

/// The live and the stored calls in one page.
async fn both(app: &App, tenant: TenantId, filter: CallFilter, page: PageRequest) -> Result<Page<Call>, Problem> {
    // The live ones first: a call that ends in between is then in both rather than in neither.
    let live = live(app, tenant);
    let stored = app.store.calls(tenant, filter.clone(), page).await?;
    Ok(merge(live, stored, &filter, page))
}

fn merge(live: Vec<Call>, stored: Page<Call>, filter: &CallFilter, page: PageRequest) -> Page<Call> {
    let is_live = |call: &Call| live.iter().any(|live| live.id == call.id);
    // Stored ones beyond this page come with the next one; live ones must not overtake them.
    let last = stored.next.map(|cursor| cursor.0);
    let mut calls: Vec<Call> = stored.items.into_iter().filter(|call| !is_live(call)).collect();
    let on_page = |call: &&Call| {
        page.after.is_none_or(|after| call.id.0 < after.0)
            && last.is_none_or(|last| call.id.0 >= last)
            && fits(filter, call)
    };
    calls.extend(live.iter().filter(on_page).cloned());
    calls.sort_by_key(|call| Reverse(call.id));
    let limit = page.limit as usize;
    let more = calls.len() > limit;
    calls.truncate(limit);
    let next = if more { calls.last().map(|call| Cursor(call.id.0)) } else { stored.next };
    Page { items: calls, next }
}

fn fits(filter: &CallFilter, call: &Call) -> bool {
    (filter.states.is_empty() || filter.states.contains(&call.state))
        && filter.direction.is_none_or(|direction| direction == call.direction)
        && filter.number.as_ref().is_none_or(|number| *number == call.from || *number == call.to)
        && filter.since.is_none_or(|since| call.started_at >= since)
        && filter.until.is_none_or(|until| call.started_at < until)
        && filter.contact.is_none_or(|contact| call.contact_id == Some(contact))
        && filter.campaign.is_none_or(|campaign| call.campaign_id == Some(campaign))
}

/// Shows a call with its timeline and quality.
#[utoipa::path(get, path = "/tenants/{tenant_id}/calls/{call_id}", tag = "Calls",
    responses((status = 200, description = "The call.", body = ref("CallDetail"))))]
async fn get_call(asked: Asked) -> Result<Response, Problem> {
    let (tenant, id) = (asked.tenant(Role::ReadOnly)?, asked.call_id()?);
    asked.no_query()?;
    let call = find(&asked.app, tenant, id).await?;
    let events = events(&asked.app, tenant, id, PageRequest { limit: TIMELINE_MAX, after: None }).await?;
    let mut detail = serde_json::to_value(&call).map_err(|error| Problem::internal(&error))?;
    let timeline = in_order(events.items.into_iter().rev().collect());
    let timeline = timeline.iter().map(serde_json::to_value).collect::<Result<Vec<Value>, _>>();
    detail["timeline"] = timeline.map_err(|error| Problem::internal(&error))?.into();
    shown::one(asked.caller, &detail)
}

/// What the carrier reported stands in its own order, however it came; everything else where it happened.
fn in_order(mut events: Vec<CallEvent>) -> Vec<CallEvent> {
    let place = |event: &CallEvent| event.data.get("sequence").and_then(Value::as_u64);
    let at: Vec<usize> = (0..events.len()).filter(|at| place(&events[*at]).is_some()).collect();
    let mut reports: Vec<CallEvent> = at.iter().map(|at| events[*at].clone()).collect();
    reports.sort_by_key(place);
    for (at, report) in at.into_iter().zip(reports) {
        events[at] = report;
    }
    events
}

/// Lists what happened on a call.
#[utoipa::path(get, path = "/tenants/{tenant_id}/calls/{call_id}/events", tag = "Calls",
    responses((status = 200, description = "A page of events.", body = ref("CallEventPage"))))]
async fn list_call_events(asked: Asked) -> Result<Response, Problem> {
    let (tenant, id) = (asked.tenant(Role::ReadOnly)?, asked.call_id()?);
    let page = asked.page()?;
    find(&asked.app, tenant, id).await?;
    shown::page(asked.caller, &events(&asked.app, tenant, id, page).await?)
}

/// The call as it is now.
pub(super) async fn find(app: &App, tenant: TenantId, id: CallId) -> Result<Call, Problem> {
    match live_one(app, tenant, id) {
        Some(call) => Ok(call),
        None => Ok(app.store.call(tenant, id).await?),
    }
}

pub(super) fn live_one(app: &App, tenant: TenantId, id: CallId) -> Option<Call> {
    live(app, tenant).into_iter().find(|call| call.id == id)
}

/// A live call may not be stored yet: then it has no events.
async fn events(app: &App, tenant: TenantId, id: CallId, page: PageRequest) -> Result<Page<CallEvent>, Problem> {
    match app.store.call_events(tenant, id, page).await {
        Err(StoreError::NotFound) => Ok(Page { items: Vec::new(), next: None }),
        events => Ok(events?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CallDetails, Direction, ProviderType, Timestamp};

    fn call(n: u128, state: CallState) -> Call {
        Call {
            id: CallId(uuid::Uuid::from_u128(n)),
            tenant_id: TenantId::DEFAULT,
            carrier_call_id: Some(format!("CA{n}")),
            provider_type: ProviderType::Twilio,
            account_id: None,
            contact_id: None,
            campaign_id: None,
            answered_at: None,
            details: CallDetails::default(),
            direction: Direction::Inbound,
            from: "+15551234567".into(),
            to: "+15557654321".into(),
            phone_number_id: None,
            profile_id: None,
            state,
            started_at: Timestamp(0),
            ended_at: None,
            ended_by: None,
            quality: None,
        }
    }

    fn ids(page: &Page<Call>) -> (Vec<u128>, Option<u128>) {
        (page.items.iter().map(|call| call.id.0.as_u128()).collect(), page.next.map(|cursor| cursor.0.as_u128()))
    }

    #[test]
    fn what_the_carrier_reported_stands_in_its_own_order() {
        let event = |kind, data| CallEvent {
            id: crate::model::EventId::new(),
            tenant_id: TenantId::DEFAULT,
            call_id: CallId::new(),
            at: Timestamp(0),
            kind,
            data,
            carrier_key: None,
        };
        use crate::model::CallEventKind::{CarrierStatus, Queued, Said};
        let came = [
            event(Queued, json!({})),
            event(CarrierStatus, json!({"sequence": 2})),
            event(CarrierStatus, json!({"sequence": 0})),
            event(Said, json!({})),
            event(CarrierStatus, json!({"sequence": 1})),
        ];
        let shown: Vec<_> = in_order(came.to_vec()).into_iter().map(|event| event.data["sequence"].as_u64()).collect();
        assert_eq!(shown, [None, Some(0), Some(1), None, Some(2)]);
    }

    #[test]
    fn live_and_stored_calls_are_one_list() {
        use CallState::{Answered, Completed, Streaming};
        let stored = |ids: &[u128], next| Page {
            items: ids.iter().map(|n| call(*n, Completed)).collect(),
            next: (next > 0).then(|| Cursor(uuid::Uuid::from_u128(next))),
        };
        let all = CallFilter::default();
        let page =
            |limit, after| PageRequest { limit, after: (after > 0).then(|| Cursor(uuid::Uuid::from_u128(after))) };
        let live = || vec![call(9, Streaming), call(6, Streaming), call(3, Streaming)];
        assert_eq!(ids(&merge(live(), stored(&[6, 5, 4], 0), &all, page(9, 0))), (vec![9, 6, 5, 4, 3], None));
        assert_eq!(ids(&merge(live(), stored(&[8, 7], 7), &all, page(2, 0))), (vec![9, 8], Some(8)));
        assert_eq!(ids(&merge(live(), stored(&[7, 5], 5), &all, page(2, 8))), (vec![7, 6], Some(6)));
        assert_eq!(ids(&merge(live(), stored(&[5, 4], 0), &all, page(2, 6))), (vec![5, 4], Some(4)));
        assert_eq!(ids(&merge(live(), stored(&[], 0), &all, page(2, 4))), (vec![3], None));
        let answered = CallFilter { states: vec![Answered], ..CallFilter::default() };
        let shown = merge(live(), Page { items: vec![call(6, Answered)], next: None }, &answered, page(9, 0));
        assert_eq!(ids(&shown), (vec![], None), "a live call is where it is now");
    }
}

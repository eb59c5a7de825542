//! Placing a call: the wish, and what keeps it from being placed.

use std::sync::LazyLock;
use std::time::Duration;

use axum::response::Response;
use http::header::ETAG;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Routes;
use super::asked::Asked;
use super::fault::{Fault, Faults};
use super::problem::Problem;
use super::shape::{Object, Shape};
use super::shown;
use super::text::Text;
use crate::app::App;
use crate::calls::placing::{self, NotPlaced, Terms, Wish};
use crate::calls::registry::NoPlace;
use crate::carrier::MachineDetection;
use crate::model::{CampaignId, ContactId, ProfileId, Role, TenantId};

/// Of what is to be remembered with a call, in bytes of JSON.
const METADATA_BYTES_MAX: usize = 4_096;
const DETECTIONS: &[&str] = &["off", "enable", "detect_message_end"];
/// When calls may be placed again, of a tenant that has as many as it may have.
const PLACE_RETRY: Duration = Duration::from_secs(5);
/// The same for new calls in a second.
const RATE_RETRY: Duration = Duration::from_secs(1);
/// Carriers let a call ring no longer, in seconds.
const RING_S_MAX: i64 = 600;
const DURATION_S_MAX: i64 = 86_400;

/// A call to be placed.
pub(super) static NEW: LazyLock<Object> = LazyLock::new(|| {
    let id = || Shape::Text(Text::ID).or_null();
    let object = Object::new("A call to be placed.");
    let doc = "Whom to call; may be left out where a contact is named.";
    let object = object.may("to", Shape::Text(Text::PHONE).or_null(), Value::Null, doc);
    let doc = "From which of the tenant's active numbers; null: its default one.";
    let object = object.may("from", Shape::Text(Text::PHONE).or_null(), Value::Null, doc);
    let doc = "Who talks; null: the profile that answers calls to the number.";
    let object = object.may("profile_id", id(), Value::Null, doc);
    let doc = "Which contact is called: its state follows the call's.";
    let object = object.may("contact_id", id(), Value::Null, doc);
    let object = object.may("campaign_id", id(), Value::Null, "Of which campaign it is: an id of yours.");
    let doc = "What you want to remember with it, at most 4,096 bytes.";
    let object = object.may("metadata", Shape::Open.or_null(), Value::Null, doc);
    let doc = "Whether the carrier finds out if a person or a machine answers.";
    let object = object.may("machine_detection", Shape::Word(DETECTIONS), json!("off"), doc);
    let object = object.may("ring_s", Shape::Whole(5, RING_S_MAX), json!(60), "How long it may ring, in seconds.");
    let doc = "How long it may last, in seconds; null: as long as any call may.";
    let object = object.may("duration_max_s", Shape::Whole(10, DURATION_S_MAX).or_null(), Value::Null, doc);
    object.rules(rules).example(json!({"to": "+15551230001", "metadata": {"order": 4711}}))
});

fn rules(members: &Map<String, Value>, faults: &mut Faults) {
    let is_said = |name: &str| members.get(name).is_some_and(|value| !value.is_null());
    if !is_said("to") && !is_said("contact_id") {
        faults.of("to", "missing", "is missing: name a number, or a contact_id");
    }
    if members.get("metadata").is_some_and(|metadata| metadata.to_string().len() > METADATA_BYTES_MAX) {
        faults.of("metadata", "too_long", format!("has more than {METADATA_BYTES_MAX} bytes"));
    }
}

#[derive(Debug, Deserialize)]
struct NewCall {
    to: Option<String>,
    from: Option<String>,
    profile_id: Option<ProfileId>,
    contact_id: Option<ContactId>,
    campaign_id: Option<CampaignId>,
    metadata: Option<Value>,
    machine_detection: MachineDetection,
    ring_s: u32,
    duration_max_s: Option<u32>,
}

pub(super) fn routes() -> Routes {
    OpenApiRouter::new().routes(routes!(create_call))
}

/// Places a call.
///
/// It is answered when the carrier has answered, or after ten seconds: `state` says how the call stands, and `error` what
/// the carrier said where it did not take it. What the carrier may have taken without our hearing it is `unknown` until
/// it is found, and is never asked for again.
#[utoipa::path(post, path = "/tenants/{tenant_id}/calls", tag = "Calls", request_body = ref("NewCall"),
    responses((status = 201, description = "Wanted, and written down; as it stands.", body = ref("Call"))))]
async fn create_call(asked: Asked) -> Result<Response, Problem> {
    let tenant = asked.tenant(Role::Operator)?;
    let (app, caller) = (asked.app.clone(), asked.caller);
    let (new, once) = asked.posted::<NewCall>(&NEW).await?;
    let wish = wish(&app, tenant, new).await?;
    let made = placing::place(&app, caller.actor, tenant, wish, once).await?;
    let mut response = shown::created(caller, &made, &format!("/api/tenants/{tenant}/calls/{}", made.value.id))?;
    // A call changes by itself: it has no version.
    response.headers_mut().remove(ETAG);
    Ok(response)
}

async fn wish(app: &App, tenant: TenantId, new: NewCall) -> Result<Wish, Problem> {
    let contact = match new.contact_id {
        Some(id) => Some(app.store.contact(tenant, id).await.map_err(|error| match error {
            crate::db::StoreError::NotFound => Problem::from(crate::db::StoreError::NoSuch("contact_id")),
            other => other.into(),
        })?),
        None => None,
    };
    let to = new.to.or(contact.map(|contact| contact.phone_number)).unwrap_or_default();
    let longest = u32::try_from(app.config.limits.call_max.as_secs()).unwrap_or(u32::MAX);
    let terms = Terms {
        machine_detection: new.machine_detection,
        ring_s: new.ring_s,
        duration_max_s: new.duration_max_s.map_or(longest, |wanted| wanted.min(longest)),
    };
    let (from, profile, contact) = (new.from, new.profile_id, new.contact_id);
    Ok(Wish { to, from, profile, contact, campaign: new.campaign_id, metadata: new.metadata, terms })
}

impl From<NotPlaced> for Problem {
    fn from(why: NotPlaced) -> Self {
        let at = |field: &str, detail: &str| {
            Self::invalid(vec![Fault::at(&format!("/{field}"), "refers_to_nothing", detail)])
        };
        match why {
            NotPlaced::Draining => Self::draining(),
            NotPlaced::Stopped => {
                let detail = "the tenant is not active, or its setting outbound_stopped is on";
                Self::conflict("calls_stopped", detail)
            }
            NotPlaced::NoCarrier => {
                let detail = "there is no carrier: set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, or give the tenant a \
                              provider config";
                Self::conflict("no_carrier", detail)
            }
            NotPlaced::NoNumber => {
                let detail = "the tenant has no active number to call from: make one, or name it in from";
                Self::conflict("no_number", detail)
            }
            NotPlaced::NotOurs => at("from", "is not an active number of this tenant"),
            NotPlaced::NoProfile => at("profile_id", "refers to nothing that this tenant has"),
            NotPlaced::Denied(why) => Self::conflict("number_denied", why.to_string()),
            NotPlaced::NoPlace(NoPlace::Full) => {
                Self::full("so many places of the service are taken that the rest is for callers", PLACE_RETRY)
            }
            NotPlaced::NoPlace(NoPlace::Strained) => {
                Self::full("the service has as many calls as it can serve in time", PLACE_RETRY)
            }
            NotPlaced::NoPlace(NoPlace::TenantAtOnce) => {
                Self::full("the tenant has as many calls as concurrent_calls_max allows", PLACE_RETRY)
            }
            NotPlaced::NoPlace(NoPlace::TenantPerSecond) => {
                Self::full("the tenant has had as many new calls as calls_per_second_max allows", RATE_RETRY)
            }
            NotPlaced::NoMinutes => {
                let detail = "the tenant has used its minutes_per_day_max up; the day begins at midnight UTC";
                Self::conflict("no_minutes", detail)
            }
            NotPlaced::Store(error) => error.into(),
        }
    }
}

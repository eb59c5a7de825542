//! Phone numbers: what is dialled, which profile answers there, and what became of each at its carrier.

use std::sync::{Arc, LazyLock};

use axum::response::Response;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Routes;
use super::asked::Asked;
use super::body::parsed;
use super::problem::Problem;
use super::refresh;
use super::shape::{Object, Shape};
use super::shown;
use super::text::Text;
use crate::app::App;
use crate::carrier::registrar::{self, AtCarrier, Standing};
use crate::db::Created;
use crate::model::{NewPhoneNumber, PhoneNumberPatch, PhoneNumberRecord, Role};

pub(super) const PROVIDERS: &[&str] = &["generic", "twilio", "telnyx", "asterisk", "mock"];
const FIXED: &[&str] = &["id", "tenant_id", "did_number", "carrier_account", "created_at", "updated_at"];

/// A number to be made.
pub(super) static NEW: LazyLock<Object> = LazyLock::new(|| {
    let object = Object::new("A phone number to be made.");
    let object = object.must("did_number", Shape::Text(Text::PHONE), "What is dialled; unique among all tenants.");
    changeable(object).example(json!({"did_number": "+15557654321", "provider_type": "twilio"}))
});

/// What may be changed of it.
pub(super) static PATCH: LazyLock<Object> = LazyLock::new(|| {
    changeable(Object::new("")).patch("What may be changed of a phone number.", FIXED, json!({"is_active": false}))
});

/// As it is shown.
pub(super) static SHOWN: LazyLock<Object> = LazyLock::new(|| {
    let first = Object::new("").must("id", Shape::Text(Text::ID), "Its id.");
    let first = first.must("tenant_id", Shape::Text(Text::ID), "Whose it is.");
    let shown = NEW.clone().shown("A phone number.", first);
    let doc = "The account at its carrier where the service has pointed it here; null: nowhere.";
    let shown = shown.must("carrier_account", Shape::Text(Text::ANY).or_null(), doc);
    let shown = shown.must("created_at", Shape::Text(Text::TIME), "When it was made.");
    shown.must("updated_at", Shape::Text(Text::TIME), "When it was changed last.")
});

/// As it is shown when it was made or changed.
pub(super) static SETTLED: LazyLock<Object> = LazyLock::new(|| {
    let object = Object::new("What became of a number at its carrier.");
    let doc = "In a word. `away`: the carrier could not be reached; it is tried again every ten minutes.";
    let object = object.must("state", Shape::Word(Standing::WORDS), doc);
    let object = object.must("detail", Shape::Text(Text::ANY), "For people: why, and what to do.");
    let doc = "What became of it at its carrier. Active numbers of the type `twilio` are pointed at this service, at the \
               tenant's own account or else the service's; others are left alone, or put back to what they were.";
    SHOWN.clone().must("carrier", Shape::Object(object), doc)
});

/// A number, and what became of it at its carrier.
#[derive(Debug, Serialize)]
struct Settled {
    #[serde(flatten)]
    number: PhoneNumberRecord,
    carrier: AtCarrier,
}

impl Settled {
    /// Has it lead where it is to: what was asked for is done already, whatever the carrier says.
    async fn of(app: &Arc<App>, mut number: PhoneNumberRecord) -> Self {
        let carrier = registrar::settled(app, &number).await;
        number.carrier_account.clone_from(&carrier.account);
        Self { number, carrier }
    }
}

fn changeable(object: Object) -> Object {
    let doc = "Which carrier has it; generic is the deployment's default carrier.";
    let object = object.may("provider_type", Shape::Word(PROVIDERS), json!("generic"), doc);
    let object = object.may("is_active", Shape::Flag, json!(true), "Whether calls to it are answered.");
    let doc = "Which of the tenant's profiles answers; null: the tenant's default profile.";
    object.may("profile_id", Shape::Text(Text::ID).or_null(), Value::Null, doc)
}

pub(super) fn routes() -> Routes {
    OpenApiRouter::new().routes(routes!(create_phone_number, list_phone_numbers)).routes(routes!(
        get_phone_number,
        patch_phone_number,
        delete_phone_number
    ))
}

/// Registers a phone number for a tenant.
///
/// Calls to it are the tenant's from then on. A number that any tenant has already is refused with 409. One of the type
/// `twilio` is pointed at this service: `carrier` says what came of that. A carrier that is away does not keep it from being
/// made.
#[utoipa::path(post, path = "/tenants/{tenant_id}/phone-numbers", tag = "Phone numbers",
    request_body = ref("NewPhoneNumber"),
    responses((status = 201, description = "Made.", body = ref("SettledPhoneNumber"))))]
async fn create_phone_number(asked: Asked) -> Result<Response, Problem> {
    let tenant = asked.tenant(Role::TenantAdmin)?;
    let (app, caller) = (asked.app.clone(), asked.caller);
    let (new, once) = asked.posted::<NewPhoneNumber>(&NEW).await?;
    let made = app.store.create_number(caller.actor, tenant, new, once).await?;
    refresh(&app, tenant).await;
    let location = format!("/api/tenants/{tenant}/phone-numbers/{}", made.value.id);
    let number = if made.replayed { app.store.number(tenant, made.value.id).await? } else { made.value };
    let made = Created { value: Settled::of(&app, number).await, replayed: made.replayed };
    shown::created(caller, &made, &location)
}

/// Lists a tenant's phone numbers.
#[utoipa::path(get, path = "/tenants/{tenant_id}/phone-numbers", tag = "Phone numbers",
    responses((status = 200, description = "A page of them.", body = ref("PhoneNumberPage"))))]
async fn list_phone_numbers(asked: Asked) -> Result<Response, Problem> {
    let tenant = asked.existing_tenant(Role::ReadOnly).await?;
    let page = asked.page()?;
    shown::page(asked.caller, &asked.app.store.numbers(tenant, page).await?)
}

/// Shows a phone number.
#[utoipa::path(get, path = "/tenants/{tenant_id}/phone-numbers/{phone_number_id}", tag = "Phone numbers",
    responses((status = 200, description = "The phone number.", body = ref("PhoneNumber"))))]
async fn get_phone_number(asked: Asked) -> Result<Response, Problem> {
    let (tenant, id) = (asked.tenant(Role::ReadOnly)?, asked.number_id()?);
    asked.no_query()?;
    let number = asked.app.store.number(tenant, id).await?;
    shown::versioned(asked.caller, &number, number.version)
}

/// Changes a phone number.
///
/// One that is no longer active, or no longer Twilio's, is put back at its carrier to what it was before.
#[utoipa::path(patch, path = "/tenants/{tenant_id}/phone-numbers/{phone_number_id}", tag = "Phone numbers",
    request_body = ref("PhoneNumberPatch"),
    responses((status = 200, description = "As it is now.", body = ref("SettledPhoneNumber"))))]
async fn patch_phone_number(asked: Asked) -> Result<Response, Problem> {
    let (tenant, id) = (asked.tenant(Role::TenantAdmin)?, asked.number_id()?);
    let (app, caller) = (asked.app.clone(), asked.caller);
    let (value, if_match) = asked.changes(&PATCH).await?;
    let now = app.store.number(tenant, id).await?;
    let expected = if_match.expects(now.version)?;
    let number = app.store.patch_number(caller.actor, tenant, id, patch(&value)?, expected).await?;
    refresh(&app, tenant).await;
    let version = number.version;
    shown::versioned(caller, &Settled::of(&app, number).await, version)
}

fn patch(value: &Value) -> Result<PhoneNumberPatch, Problem> {
    let member = |name: &str| value.get(name).cloned();
    Ok(PhoneNumberPatch {
        provider_type: member("provider_type").map(parsed).transpose()?,
        is_active: member("is_active").map(parsed).transpose()?,
        profile_id: member("profile_id").map(parsed).transpose()?,
    })
}

/// Takes a phone number away from a tenant.
///
/// One that was pointed here is put back at its carrier first. While the carrier is away it is not deleted: 503.
#[utoipa::path(delete, path = "/tenants/{tenant_id}/phone-numbers/{phone_number_id}", tag = "Phone numbers",
    responses((status = 204, description = "Gone.")))]
async fn delete_phone_number(asked: Asked) -> Result<Response, Problem> {
    let (tenant, id) = (asked.tenant(Role::TenantAdmin)?, asked.number_id()?);
    let if_match = asked.if_match()?;
    let now = asked.app.store.number(tenant, id).await?;
    let expected = if_match.expects(now.version)?;
    let app = &asked.app;
    registrar::let_go(app, &now).await.map_err(|error| Problem::carrier_away(&error))?;
    let there = app.store.delete_number(asked.actor(), tenant, id, expected).await?;
    refresh(app, tenant).await;
    if let Some(there) = there {
        registrar::put_back_gone(app, &now, &there).await;
    }
    Ok(shown::nothing())
}

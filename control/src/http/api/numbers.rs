//! Phone numbers: what is dialled, and which profile answers there.

use std::sync::LazyLock;

use axum::response::Response;
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
use crate::model::{NewPhoneNumber, PhoneNumberPatch, Role};

pub(super) const PROVIDERS: &[&str] = &["generic", "twilio", "telnyx", "asterisk", "mock"];
const FIXED: &[&str] = &["id", "tenant_id", "did_number", "created_at", "updated_at"];

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
    let shown = shown.must("created_at", Shape::Text(Text::TIME), "When it was made.");
    shown.must("updated_at", Shape::Text(Text::TIME), "When it was changed last.")
});

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
/// Calls to it are the tenant's from then on. A number that any tenant has already is refused with 409.
#[utoipa::path(post, path = "/tenants/{tenant_id}/phone-numbers", tag = "Phone numbers",
    request_body = ref("NewPhoneNumber"),
    responses((status = 201, description = "Made.", body = ref("PhoneNumber"))))]
async fn create_phone_number(asked: Asked) -> Result<Response, Problem> {
    let tenant = asked.tenant(Role::TenantAdmin)?;
    let (app, caller) = (asked.app.clone(), asked.caller);
    let (new, once) = asked.posted::<NewPhoneNumber>(&NEW).await?;
    let made = app.store.create_number(caller.actor, tenant, new, once).await?;
    refresh(&app, tenant).await;
    shown::created(caller, &made, &format!("/api/tenants/{tenant}/phone-numbers/{}", made.value.id))
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
#[utoipa::path(patch, path = "/tenants/{tenant_id}/phone-numbers/{phone_number_id}", tag = "Phone numbers",
    request_body = ref("PhoneNumberPatch"),
    responses((status = 200, description = "As it is now.", body = ref("PhoneNumber"))))]
async fn patch_phone_number(asked: Asked) -> Result<Response, Problem> {
    let (tenant, id) = (asked.tenant(Role::TenantAdmin)?, asked.number_id()?);
    let (app, caller) = (asked.app.clone(), asked.caller);
    let (value, if_match) = asked.changes(&PATCH).await?;
    let now = app.store.number(tenant, id).await?;
    let expected = if_match.expects(now.version)?;
    let number = app.store.patch_number(caller.actor, tenant, id, patch(&value)?, expected).await?;
    refresh(&app, tenant).await;
    shown::versioned(caller, &number, number.version)
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
#[utoipa::path(delete, path = "/tenants/{tenant_id}/phone-numbers/{phone_number_id}", tag = "Phone numbers",
    responses((status = 204, description = "Gone.")))]
async fn delete_phone_number(asked: Asked) -> Result<Response, Problem> {
    let (tenant, id) = (asked.tenant(Role::TenantAdmin)?, asked.number_id()?);
    let if_match = asked.if_match()?;
    let now = asked.app.store.number(tenant, id).await?;
    let expected = if_match.expects(now.version)?;
    asked.app.store.delete_number(asked.actor(), tenant, id, expected).await?;
    refresh(&asked.app, tenant).await;
    Ok(shown::nothing())
}

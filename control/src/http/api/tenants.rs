//! Tenants and their settings: whom the service serves, and within which bounds.

use std::sync::LazyLock;

use axum::response::Response;
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::asked::Asked;
use super::body::parsed;
use super::etag::IfMatch;
use super::problem::Problem;
use super::refresh;
use super::shape::{Object, Shape};
use super::shown;
use super::text::Text;
use super::{Routes, TRIES};
use crate::app::App;
use crate::calls::placing;
use crate::db::StoreError;
use crate::model::{NewTenant, Role, Tenant, TenantId, TenantPatch, TenantSettings, TenantStatus};

const STATUSES: &[&str] = &["active", "suspended", "deleted"];
const PLANS: &[&str] = &["starter", "growth", "custom"];
const FIXED: &[&str] = &["id", "name", "created_at", "updated_at"];
const DIAL_PREFIXES_MAX: usize = 100;

/// A tenant to be made.
pub(super) static NEW: LazyLock<Object> = LazyLock::new(|| {
    let object = Object::new("A tenant to be made; it begins active.");
    let object = object.must("name", Shape::Text(Text::line(1, 200)), "What it is called.");
    let object = object.may("plan", Shape::Word(PLANS), json!("starter"), "What it has bought.");
    object.example(json!({"name": "Bright Smile Dental", "plan": "growth"}))
});

/// What may be changed of it.
pub(super) static PATCH: LazyLock<Object> = LazyLock::new(|| {
    let object = Object::new("").must("status", Shape::Word(STATUSES), "Whether it is served. Deleted is for good.");
    let object = object.must("plan", Shape::Word(PLANS), "What it has bought.");
    object.patch("What may be changed of a tenant.", FIXED, json!({"status": "suspended"}))
});

/// As it is shown.
pub(super) static SHOWN: LazyLock<Object> = LazyLock::new(|| {
    let object = Object::new("A tenant.").must("id", Shape::Text(Text::ID), "Its id.");
    let object = object.must("name", Shape::Text(Text::ANY), "What it is called.");
    let object = object.must("status", Shape::Word(STATUSES), "Whether it is served.");
    let object = object.must("plan", Shape::Word(PLANS), "What it has bought.");
    let object = object.must("created_at", Shape::Text(Text::TIME), "When it was made.");
    object.must("updated_at", Shape::Text(Text::TIME), "When it was changed last.")
});

/// A tenant's settings, as they are sent and shown.
pub(super) static SETTINGS: LazyLock<Object> = LazyLock::new(|| {
    let object = Object::new("A tenant's bounds and policies.").may(
        "concurrent_calls_max",
        Shape::Whole(1, 100_000).or_null(),
        Value::Null,
        "Calls at once; null: as many as the service has places. Only an admin may change it.",
    );
    let object = object.may(
        "calls_per_second_max",
        Shape::Whole(1, 10_000).or_null(),
        Value::Null,
        "New calls per second; null: unbounded. Only an admin may change it.",
    );
    let words = Shape::Word(&["off", "with_consent", "always"]);
    let object = object.may("recording", words, json!("off"), "Whether calls are recorded.");
    let days = Shape::Whole(1, 36_500).or_null();
    let doc = "Days after which calls and their events are deleted; null: kept.";
    let object = object.may("retention_days", days, Value::Null, doc);
    outbound(object).example(json!({
        "concurrent_calls_max": 20, "calls_per_second_max": 5, "recording": "off", "retention_days": 90,
        "dial_prefixes": ["+1", "+44"], "minutes_per_day_max": 600, "outbound_stopped": false,
    }))
});

/// What holds for calls that it places.
fn outbound(object: Object) -> Object {
    let doc = "The only numbers that calls may be connected to, transfers included, by their beginnings; null: the country \
               of the tenant's own number, and what the operator opened (OFFHOOK_DIAL_PREFIXES). The list narrows that, and \
               opens nothing; a country code alone means its main country.";
    let prefixes = Shape::Text(Text::PREFIX).list(DIAL_PREFIXES_MAX).or_null();
    let object = object.may("dial_prefixes", prefixes, Value::Null, doc);
    let object = object.may(
        "minutes_per_day_max",
        Shape::Whole(0, 10_000_000).or_null(),
        Value::Null,
        "Minutes of calls that may be placed in a day (UTC), counted from when they are answered; a call that is under way \
         then goes on. null: unbounded. Only an admin may change it.",
    );
    let doc = "Whether no call is placed any more. Calls that are under way go on.";
    object.may("outbound_stopped", Shape::Flag, json!(false), doc)
}

pub(super) fn routes() -> Routes {
    OpenApiRouter::new()
        .routes(routes!(create_tenant, list_tenants))
        .routes(routes!(get_tenant, patch_tenant))
        .routes(routes!(get_settings, put_settings))
}

/// Makes a tenant.
///
/// For admins. A tenant has its own numbers, profiles, keys and calls, which no other tenant sees.
#[utoipa::path(post, path = "/tenants", tag = "Tenants", request_body = ref("NewTenant"),
    responses((status = 201, description = "Made.", body = ref("Tenant"))))]
async fn create_tenant(asked: Asked) -> Result<Response, Problem> {
    asked.caller.at_least(Role::Admin)?;
    let (app, caller) = (asked.app.clone(), asked.caller);
    let (new, once) = asked.posted::<NewTenant>(&NEW).await?;
    let made = app.store.create_tenant(caller.actor, new, once).await?;
    refresh(&app, made.value.id).await;
    shown::created(caller, &made, &format!("/api/tenants/{}", made.value.id))
}

/// Lists the tenants.
///
/// For admins.
#[utoipa::path(get, path = "/tenants", tag = "Tenants",
    responses((status = 200, description = "A page of them.", body = ref("TenantPage"))))]
async fn list_tenants(asked: Asked) -> Result<Response, Problem> {
    asked.caller.at_least(Role::Admin)?;
    let page = asked.page()?;
    shown::page(asked.caller, &asked.app.store.tenants(page).await?)
}

/// Shows a tenant.
#[utoipa::path(get, path = "/tenants/{tenant_id}", tag = "Tenants",
    responses((status = 200, description = "The tenant.", body = ref("Tenant"))))]
async fn get_tenant(asked: Asked) -> Result<Response, Problem> {
    let id = asked.tenant(Role::ReadOnly)?;
    asked.no_query()?;
    let tenant = asked.app.store.tenant(id).await?;
    shown::versioned(asked.caller, &tenant, tenant.version)
}

/// Changes a tenant's status or plan.
///
/// For admins. Calls of a suspended or deleted tenant get a polite answer; deleted is for good.
#[utoipa::path(patch, path = "/tenants/{tenant_id}", tag = "Tenants", request_body = ref("TenantPatch"),
    responses((status = 200, description = "As it is now.", body = ref("Tenant"))))]
async fn patch_tenant(asked: Asked) -> Result<Response, Problem> {
    let id = asked.tenant(Role::Admin)?;
    let (app, caller) = (asked.app.clone(), asked.caller);
    let (value, if_match) = asked.changes(&PATCH).await?;
    let tenant = change(&app, caller.actor, id, parsed(value)?, &if_match).await?;
    refresh(&app, id).await;
    shown::versioned(caller, &tenant, tenant.version)
}

async fn change(
    app: &App,
    actor: crate::model::Actor,
    id: TenantId,
    patch: TenantPatch,
    if_match: &IfMatch,
) -> Result<Tenant, Problem> {
    for _ in 0..TRIES {
        let tenant = app.store.tenant(id).await?;
        if_match.expects(tenant.version)?;
        let revives = patch.status.is_some_and(|status| status != TenantStatus::Deleted);
        if tenant.status == TenantStatus::Deleted && revives {
            return Err(Problem::conflict("tenant_deleted", "the tenant was deleted, which is for good: make another"));
        }
        // At the version that was looked at, or a deletion in between would be undone.
        match app.store.patch_tenant(actor, id, patch, Some(tenant.version)).await {
            Err(StoreError::Stale) => {}
            result => return Ok(result?),
        }
    }
    Err(Problem::busy())
}

/// Shows a tenant's settings.
///
/// A tenant that set none has the defaults.
#[utoipa::path(get, path = "/tenants/{tenant_id}/settings", tag = "Settings",
    responses((status = 200, description = "The settings.", body = ref("ShownSettings"))))]
async fn get_settings(asked: Asked) -> Result<Response, Problem> {
    let id = asked.existing_tenant(Role::ReadOnly).await?;
    asked.no_query()?;
    let (settings, version) = asked.app.store.settings(id).await?;
    shown::versioned(asked.caller, &settings, version)
}

/// Replaces a tenant's settings.
///
/// What is left out has its default. A tenant_admin sends the caps as they are: only an admin may change them.
#[utoipa::path(put, path = "/tenants/{tenant_id}/settings", tag = "Settings", request_body = ref("Settings"),
    responses((status = 200, description = "As they are now.", body = ref("ShownSettings"))))]
async fn put_settings(asked: Asked) -> Result<Response, Problem> {
    let id = asked.existing_tenant(Role::TenantAdmin).await?;
    let (app, caller) = (asked.app.clone(), asked.caller);
    let (value, if_match) = asked.changes(&SETTINGS).await?;
    let wanted: TenantSettings = parsed(value)?;
    for _ in 0..TRIES {
        let (now, version) = app.store.settings(id).await?;
        if_match.expects(version)?;
        if !caller.is_admin() && caps(&now) != caps(&wanted) {
            return Err(Problem::forbidden("the caps are the admin's to change: send them as they are"));
        }
        match app.store.put_settings(caller.actor, id, wanted.clone(), Some(version)).await {
            Err(StoreError::Stale) => {}
            result => {
                let (settings, version) = result?;
                refresh(&app, id).await;
                if settings.outbound_stopped && !now.outbound_stopped {
                    placing::take_back_all(&app, id).await;
                }
                return shown::versioned(caller, &settings, version);
            }
        }
    }
    Err(Problem::busy())
}

fn caps(settings: &TenantSettings) -> [Option<u32>; 3] {
    [settings.concurrent_calls_max, settings.calls_per_second_max, settings.minutes_per_day_max]
}

//! API keys: made once, shown once, revoked for good.

use std::sync::LazyLock;

use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Routes;
use super::asked::Asked;
use super::keyring::Token;
use super::once;
use super::problem::Problem;
use super::shape::{Object, Shape};
use super::shown;
use super::text::Text;
use crate::app::App;
use crate::db::{Created, Idempotency};
use crate::model::{Actor, ApiKey, KeyId, NewApiKey, Role, TenantId};

const OF_TENANTS: &[&str] = &["tenant_admin", "operator", "read_only"];
const ROLES: &[&str] = &["admin", "tenant_admin", "operator", "read_only"];

/// A tenant's key to be made.
pub(super) static NEW: LazyLock<Object> = LazyLock::new(|| {
    let object = named("A key to be made.");
    let object = object.must("role", Shape::Word(OF_TENANTS), "What it may do: see the roles above.");
    object.example(json!({"name": "Booking system", "role": "operator"}))
});

/// An admin's key to be made.
pub(super) static NEW_ADMIN: LazyLock<Object> =
    LazyLock::new(|| named("An admin's key to be made.").example(json!({"name": "Provisioning"})));

/// As it is shown.
pub(super) static SHOWN: LazyLock<Object> = LazyLock::new(|| members(Object::new("A key, without its secret.")));

/// As it is shown once.
pub(super) static MADE: LazyLock<Object> = LazyLock::new(|| {
    let doc = "The whole key, for Authorization: Bearer. Shown this once: null where the request was a repeat.";
    members(Object::new("A new key.")).must("token", Shape::Text(Text::ANY).or_null(), doc)
});

fn named(doc: &'static str) -> Object {
    Object::new(doc).must("name", Shape::Text(Text::line(1, 200)), "What it is called.")
}

fn members(object: Object) -> Object {
    let object = object.must("id", Shape::Text(Text::ID), "The public half.");
    let object = object.must("tenant_id", Shape::Text(Text::ID).or_null(), "Whose it is; null: an admin's.");
    let object = object.must("name", Shape::Text(Text::ANY), "What it is called.");
    let object = object.must("role", Shape::Word(ROLES), "What it may do.");
    let object = object.must("created_at", Shape::Text(Text::TIME), "When it was made.");
    object.must("revoked_at", Shape::Text(Text::TIME).or_null(), "When it was revoked; then it opens nothing.")
}

#[derive(Debug, Deserialize)]
struct Wanted {
    name: String,
    #[serde(default = "admin")]
    role: Role,
}

fn admin() -> Role {
    Role::Admin
}

pub(super) fn routes() -> Routes {
    OpenApiRouter::new()
        .routes(routes!(create_api_key, list_api_keys))
        .routes(routes!(get_api_key, revoke_api_key))
        .routes(routes!(create_admin_key, list_all_keys))
        .routes(routes!(get_any_key, revoke_any_key))
}

/// Makes a key of a tenant.
///
/// The answer has the whole key, once. Only its hash is kept.
#[utoipa::path(post, path = "/tenants/{tenant_id}/api-keys", tag = "API keys", request_body = ref("NewApiKey"),
    responses((status = 201, description = "Made.", body = ref("MadeApiKey"))))]
async fn create_api_key(asked: Asked) -> Result<Response, Problem> {
    let tenant = asked.existing_tenant(Role::TenantAdmin).await?;
    create(asked, &NEW, Some(tenant)).await
}

/// Lists a tenant's keys, revoked ones included.
#[utoipa::path(get, path = "/tenants/{tenant_id}/api-keys", tag = "API keys",
    responses((status = 200, description = "A page of them.", body = ref("ApiKeyPage"))))]
async fn list_api_keys(asked: Asked) -> Result<Response, Problem> {
    let tenant = asked.existing_tenant(Role::ReadOnly).await?;
    let page = asked.page()?;
    shown::page(asked.caller, &asked.app.store.keys(Some(tenant), page).await?)
}

/// Shows a key, without its secret.
#[utoipa::path(get, path = "/tenants/{tenant_id}/api-keys/{key_id}", tag = "API keys",
    responses((status = 200, description = "The key.", body = ref("ApiKey"))))]
async fn get_api_key(asked: Asked) -> Result<Response, Problem> {
    let tenant = asked.tenant(Role::ReadOnly)?;
    get(&asked, Some(tenant)).await
}

/// Revokes a key.
///
/// It opens nothing from then on: at once here, within three seconds in other processes.
#[utoipa::path(delete, path = "/tenants/{tenant_id}/api-keys/{key_id}", tag = "API keys",
    responses((status = 204, description = "Revoked.")))]
async fn revoke_api_key(asked: Asked) -> Result<Response, Problem> {
    let tenant = asked.tenant(Role::TenantAdmin)?;
    revoke(&asked, Some(tenant)).await
}

/// Makes an admin's key.
///
/// For admins. It opens everything of every tenant.
#[utoipa::path(post, path = "/api-keys", tag = "All keys", request_body = ref("NewAdminKey"),
    responses((status = 201, description = "Made.", body = ref("MadeApiKey"))))]
async fn create_admin_key(asked: Asked) -> Result<Response, Problem> {
    asked.caller.at_least(Role::Admin)?;
    create(asked, &NEW_ADMIN, None).await
}

/// Lists all keys, of every tenant and of the admins, revoked ones included.
///
/// For admins.
#[utoipa::path(get, path = "/api-keys", tag = "All keys",
    responses((status = 200, description = "A page of them.", body = ref("ApiKeyPage"))))]
async fn list_all_keys(asked: Asked) -> Result<Response, Problem> {
    asked.caller.at_least(Role::Admin)?;
    let page = asked.page()?;
    shown::page(asked.caller, &asked.app.store.keys(None, page).await?)
}

/// Shows any key, without its secret.
///
/// For admins.
#[utoipa::path(get, path = "/api-keys/{key_id}", tag = "All keys",
    responses((status = 200, description = "The key.", body = ref("ApiKey"))))]
async fn get_any_key(asked: Asked) -> Result<Response, Problem> {
    asked.caller.at_least(Role::Admin)?;
    get(&asked, None).await
}

/// Revokes any key.
///
/// For admins.
#[utoipa::path(delete, path = "/api-keys/{key_id}", tag = "All keys",
    responses((status = 204, description = "Revoked.")))]
async fn revoke_any_key(asked: Asked) -> Result<Response, Problem> {
    asked.caller.at_least(Role::Admin)?;
    revoke(&asked, None).await
}

async fn create(asked: Asked, shape: &Object, tenant: Option<TenantId>) -> Result<Response, Problem> {
    let (app, caller) = (asked.app.clone(), asked.caller);
    let (wanted, once) = asked.posted::<Wanted>(shape).await?;
    // Idempotency keys are kept by tenant; the admins' own with the tenant that is always there.
    let keeper = tenant.unwrap_or(TenantId::DEFAULT);
    let made = match once::claim(&app, keeper, once.as_ref()).await? {
        Some(value) => Created { value, replayed: true },
        None => Created { value: make(&app, caller.actor, tenant, wanted, once.as_ref()).await?, replayed: false },
    };
    let id = made.value["id"].as_str().unwrap_or_default();
    let location = match tenant {
        Some(tenant) => format!("/api/tenants/{tenant}/api-keys/{id}"),
        None => format!("/api/api-keys/{id}"),
    };
    shown::created(caller, &made, &location)
}

/// What is kept for a repeat has no secret: that is shown once, whatever happens.
async fn make(
    app: &App,
    actor: Actor,
    tenant: Option<TenantId>,
    Wanted { name, role }: Wanted,
    once: Option<&Idempotency>,
) -> Result<Value, Problem> {
    let secret = Token::new_secret().map_err(|error| Problem::internal(&error))?;
    let new = NewApiKey { tenant_id: tenant, name, role, hash: Token::hash(&secret) };
    let key = app.store.create_key(actor, new).await?;
    let mut value = serde_json::to_value(&key).map_err(|error| Problem::internal(&error))?;
    value["token"] = Value::Null;
    once::finish(app, tenant.unwrap_or(TenantId::DEFAULT), once, &value).await;
    value["token"] = json!(Token::show(key.id, &secret));
    Ok(value)
}

async fn get(asked: &Asked, tenant: Option<TenantId>) -> Result<Response, Problem> {
    let id = asked.key_id()?;
    asked.no_query()?;
    shown::one(asked.caller, &find(&asked.app, tenant, id).await?)
}

async fn find(app: &App, tenant: Option<TenantId>, id: KeyId) -> Result<ApiKey, Problem> {
    let key = app.store.key(id).await?;
    if tenant.is_none() || key.tenant_id == tenant { Ok(key) } else { Err(Problem::not_found()) }
}

async fn revoke(asked: &Asked, tenant: Option<TenantId>) -> Result<Response, Problem> {
    let id = asked.key_id()?;
    asked.no_query()?;
    // Revoking it again is no fault: it is revoked.
    if find(&asked.app, tenant, id).await?.revoked_at.is_none() {
        asked.app.store.revoke_key(asked.actor(), tenant, id).await?;
    }
    asked.app.keyring.revoke(id);
    Ok(shown::nothing())
}

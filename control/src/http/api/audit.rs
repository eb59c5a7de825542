//! The audit log: who changed what.

use std::sync::LazyLock;

use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Routes;
use super::asked::Asked;
use super::problem::Problem;
use super::shape::{Object, Shape};
use super::shown;
use super::text::Text;
use crate::model::Role;

/// As it is shown.
pub(super) static SHOWN: LazyLock<Object> = LazyLock::new(|| {
    let object = Object::new("One change.").must("id", Shape::Text(Text::ID), "Its id.");
    let object = object.must("tenant_id", Shape::Text(Text::ID), "Whose thing was changed.");
    let doc = "Who: `key:` and its id, `admin-key`, `development`, `command-line` or `system`.";
    let object = object.must("actor", Shape::Text(Text::ANY), doc);
    let object = object.must("action", Shape::Text(Text::ANY), "What, such as `profile.update`.");
    let object = object.must("subject", Shape::Text(Text::ANY), "The id of what was changed.");
    let object = object.must("before", Shape::Open.or_null(), "How it was; null where it was made.");
    let object = object.must("after", Shape::Open.or_null(), "How it is; null where it was deleted.");
    object.must("at", Shape::Text(Text::TIME), "When.")
});

pub(super) fn routes() -> Routes {
    OpenApiRouter::new().routes(routes!(list_audit_log))
}

/// Lists what was changed of a tenant.
#[utoipa::path(get, path = "/tenants/{tenant_id}/audit-log", tag = "Audit log",
    responses((status = 200, description = "A page of it.", body = ref("AuditEntryPage"))))]
async fn list_audit_log(asked: Asked) -> Result<Response, Problem> {
    let tenant = asked.existing_tenant(Role::ReadOnly).await?;
    let page = asked.page()?;
    shown::page(asked.caller, &asked.app.store.audit_log(tenant, page).await?)
}

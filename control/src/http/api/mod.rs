//! The REST API, `/api`: tenants, their settings, numbers, profiles, contacts, keys and calls, for programs with a key.
//!
//! ```text
//! request ─► caller (key, role) ─► asked (path, query, headers) ─► body (shape) ─► store ─► directory ─► shown
//!                 └────────────────────┴──── problem (RFC 9457) ────┴───────────────┘
//! ```
//! A [`shape`] is what checks a body and what `/openapi.json` says about it, so the two cannot differ. A file per
//! resource has its shapes, routes and handlers.

mod actions;
mod asked;
mod audit;
mod body;
mod caller;
mod calls;
mod contacts;
mod docs;
mod etag;
mod fault;
mod keyring;
mod keys;
mod numbers;
mod once;
mod openapi;
mod placing;
mod problem;
mod profile;
mod profiles;
mod provider_configs;
mod query;
mod schema;
mod shape;
mod shown;
mod tenants;
mod text;

use std::sync::Arc;

use axum::routing::get;
use axum::{Router, middleware};
use bytes::Bytes;
use utoipa_axum::router::OpenApiRouter;

#[allow(unused_imports, reason = "the command line makes keys")]
pub(crate) use keyring::{DEVELOPMENT_KEY, Keyring, Token};
pub(crate) use problem::Problem;

use crate::app::App;
use crate::model::TenantId;

/// Under which everything here lies.
pub(crate) const PREFIX: &str = "/api";
/// The description for programs.
pub(crate) const OPENAPI: &str = "/openapi.json";
/// And for people.
pub(crate) const DOCS: &str = "/docs";

/// How often a change is laid on what others have just changed, before it is given up.
const TRIES: u32 = 32;

type Routes = OpenApiRouter<Arc<App>>;

/// The routes of a resource with what describes them.
fn routes() -> Routes {
    OpenApiRouter::new()
        .merge(tenants::routes())
        .merge(numbers::routes())
        .merge(profiles::routes())
        .merge(provider_configs::routes())
        .merge(contacts::routes())
        .merge(calls::routes())
        .merge(placing::routes())
        .merge(actions::routes())
        .merge(keys::routes())
        .merge(audit::routes())
}

/// Everything under [`PREFIX`], and the two descriptions.
pub(crate) fn router(app: &Arc<App>) -> Router<Arc<App>> {
    let api = routes();
    let description = openapi::describe(api.get_openapi());
    let page = Bytes::from(docs::page(&description));
    let text = Bytes::from(description.to_string());
    let (api, _) = api.split_for_parts();
    let api = api
        .fallback(problem::no_such_path)
        .method_not_allowed_fallback(problem::no_such_method)
        .layer(middleware::from_fn_with_state(Arc::clone(app), caller::authenticate))
        .layer(middleware::from_fn_with_state(Arc::clone(app), problem::render_all));
    Router::new()
        .route(OPENAPI, get(move || openapi::answer(text.clone())))
        .route(DOCS, get(move || docs::answer(page.clone())))
        .nest(PREFIX, api.clone())
        // Which the router does not take for a path below it.
        .route_service("/api/", api.with_state(Arc::clone(app)))
}

/// The change is written: now the directory shows it. Where that fails, the directory's own look-out finds it later.
async fn refresh(app: &App, tenant: TenantId) {
    if let Err(error) = app.directory.refresh(&app.store, tenant).await {
        tracing::warn!(%error, "the directory shows a change later");
    }
}

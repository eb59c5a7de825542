//! Who asks: the bearer key of a request, checked before anything else of it is looked at.
//!
//! ```text
//! 401 no key that opens anything ─► 429 too often ─► 403 not with this role ─► 404 not there, or another tenant's ─► the rest
//! ```

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use secrecy::ExposeSecret as _;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use super::keyring::{DEVELOPMENT_KEY, Token};
use super::problem::Problem;
use crate::app::App;
use crate::db::StoreError;
use crate::http::answer::Accounted;
use crate::http::client::{Peer, is_direct_loopback};
use crate::model::{Actor, ApiKey, KeyId, Role, TenantId};

/// Who holds the key of a request, and what it opens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller {
    /// For the audit log.
    pub(super) actor: Actor,
    role: Role,
    tenant: Option<TenantId>,
}

impl Caller {
    const fn admin(actor: Actor) -> Self {
        Self { actor, role: Role::Admin, tenant: None }
    }

    /// Whether it is for every tenant.
    pub(super) fn is_admin(&self) -> bool {
        self.role == Role::Admin
    }

    /// Whether telephone numbers are masked for it.
    pub(super) fn sees_masked(&self) -> bool {
        self.role == Role::ReadOnly
    }

    /// Refuses every role that is less than `least`.
    pub(super) fn at_least(&self, least: Role) -> Result<(), Problem> {
        if rank(self.role) >= rank(least) {
            return Ok(());
        }
        Err(Problem::forbidden(match least {
            Role::Admin => "this needs a key of the role admin",
            Role::TenantAdmin => "this needs a key of the role tenant_admin or admin",
            _ => "this needs a key of the role operator, tenant_admin or admin",
        }))
    }

    /// Whether it may look at that tenant at all.
    pub(super) fn is_for(&self, tenant: TenantId) -> bool {
        self.tenant.is_none_or(|own| own == tenant)
    }

    /// Under which name its idempotency keys are kept.
    pub(super) fn scope(&self) -> String {
        self.actor.to_string()
    }
}

fn rank(role: Role) -> u8 {
    match role {
        Role::ReadOnly => 0,
        Role::Operator => 1,
        Role::TenantAdmin => 2,
        Role::Admin => 3,
    }
}

/// Lets a request in whose key opens something, and notes who it is. What a key asks is never charged to its address.
pub(super) async fn authenticate(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip());
    let caller = match identify(&app, request.headers(), peer).await {
        Ok(caller) => caller,
        Err(problem) => return problem.into_response(),
    };
    let mut response = match charge(&app, caller.actor) {
        Ok(()) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    };
    response.extensions_mut().insert(Accounted::Signed);
    response
}

/// Each key has its own allowance. This machine's own programs in development have none, as elsewhere.
fn charge(app: &App, actor: Actor) -> Result<(), Problem> {
    let id = match actor {
        Actor::Key(id) => id,
        Actor::Development => return Ok(()),
        _ => KeyId(Uuid::nil()),
    };
    app.keyring.charge(id).map_err(Problem::too_many)
}

async fn identify(app: &App, headers: &HeaderMap, peer: Option<IpAddr>) -> Result<Caller, Problem> {
    let Some(given) = bearer(headers) else {
        return Err(refusal(app));
    };
    if let Some(key) = &app.config.admin_key
        && bool::from(given.as_bytes().ct_eq(key.expose_secret().as_bytes()))
    {
        return Ok(Caller::admin(Actor::AdminKey));
    }
    if given == DEVELOPMENT_KEY && !app.config.mode.is_production() {
        let here = peer.is_some_and(|peer| is_direct_loopback(peer, headers));
        return if here { Ok(Caller::admin(Actor::Development)) } else { Err(refusal(app)) };
    }
    let token = Token::parse(given).ok_or_else(|| refusal(app))?;
    let key = find(app, token.id).await?.filter(|key| token.opens(key)).ok_or_else(|| refusal(app))?;
    Ok(Caller { actor: Actor::Key(key.id), role: key.role, tenant: key.tenant_id })
}

/// The key of that id, from memory or else from the store.
async fn find(app: &App, id: KeyId) -> Result<Option<ApiKey>, Problem> {
    let (known, before) = app.keyring.recall(id);
    if known.is_some() {
        return Ok(known);
    }
    let asked = app.clock.now();
    match app.store.key(id).await {
        Ok(key) => {
            app.keyring.remember(key.clone(), asked, before);
            Ok(Some(key))
        }
        Err(StoreError::NotFound) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The one bearer key of a request; two are one too many to know which was meant.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let (Some(one), None) = (given.next(), given.next()) else { return None };
    let (scheme, key) = one.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

fn refusal(app: &App) -> Problem {
    Problem::unauthorized(if app.config.mode.is_production() {
        "send a key as Authorization: Bearer; `offhook keys create` makes one"
    } else {
        "send a key as Authorization: Bearer; in development mode, from this machine: offhook-development-key"
    })
}

//! One request of the API, on its way from its path to its body: every handler asks it for what it needs, in that order.

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts as _, Path, Request};
use http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::body;
use super::caller::Caller;
use super::etag::{self, IfMatch};
use super::fault::{Fault, Faults};
use super::problem::Problem;
use super::query::Query;
use super::shape::Object;
use super::text;
use crate::app::App;
use crate::db::Idempotency;
use crate::model::{
    Actor, CallId, ContactId, KeyId, PageRequest, PhoneNumberId, ProfileId, ProviderConfigId, Role, TenantId,
};

/// Longer ones are refused.
const IDEMPOTENCY_KEY_CHARS_MAX: usize = 255;

/// A request whose key opens something.
pub(crate) struct Asked {
    pub(super) app: Arc<App>,
    pub(super) caller: Caller,
    params: Vec<(String, String)>,
    parts: Parts,
    /// Never locked: this makes the whole shareable between the threads that a handler may move over.
    body: Mutex<Body>,
}

impl FromRequest<Arc<App>> for Asked {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        // Fails only for a path that is no UTF-8: nothing has such an id.
        let params = Path::<Vec<(String, String)>>::from_request_parts(&mut parts, app).await;
        let Path(params) = params.map_err(|_| Problem::not_found())?;
        let caller = parts.extensions.get::<Caller>().copied();
        let caller = caller.ok_or_else(|| Problem::internal(&"a route of the API without authentication"))?;
        Ok(Self { app: Arc::clone(app), caller, params, parts, body: Mutex::new(body) })
    }
}

impl Asked {
    /// For the audit log.
    pub(super) fn actor(&self) -> Actor {
        self.caller.actor
    }

    /// The tenant of the path, where the key has at least this role and is for that tenant. Whether the tenant exists is
    /// still to be seen, for a key that is for all.
    pub(super) fn tenant(&self, least: Role) -> Result<TenantId, Problem> {
        self.caller.at_least(least)?;
        let tenant = TenantId(self.id("tenant_id")?);
        if self.caller.is_for(tenant) { Ok(tenant) } else { Err(Problem::not_found()) }
    }

    /// The same, and the tenant exists: what lists need, which would be empty otherwise.
    pub(super) async fn existing_tenant(&self, least: Role) -> Result<TenantId, Problem> {
        let tenant = self.tenant(least)?;
        if self.caller.is_admin() {
            self.app.store.tenant(tenant).await?;
        }
        Ok(tenant)
    }

    pub(super) fn number_id(&self) -> Result<PhoneNumberId, Problem> {
        self.id("phone_number_id").map(PhoneNumberId)
    }

    pub(super) fn profile_id(&self) -> Result<ProfileId, Problem> {
        self.id("ai_profile_id").map(ProfileId)
    }

    pub(super) fn call_id(&self) -> Result<CallId, Problem> {
        self.id("call_id").map(CallId)
    }

    pub(super) fn contact_id(&self) -> Result<ContactId, Problem> {
        self.id("contact_id").map(ContactId)
    }

    pub(super) fn provider_config_id(&self) -> Result<ProviderConfigId, Problem> {
        self.id("provider_config_id").map(ProviderConfigId)
    }

    pub(super) fn key_id(&self) -> Result<KeyId, Problem> {
        self.id("key_id").map(KeyId)
    }

    /// What is no id is the id of nothing.
    fn id(&self, name: &str) -> Result<uuid::Uuid, Problem> {
        let text = self.params.iter().find(|(param, _)| param == name).map(|(_, value)| value.as_str());
        text.and_then(text::id).ok_or_else(Problem::not_found)
    }

    /// The parameters of the query, of which `known` may be there.
    pub(super) fn query(&self, known: &'static [&'static str]) -> (Query, Faults) {
        Query::parse(self.parts.uri.query().unwrap_or_default(), known)
    }

    /// Which page is wanted, and nothing else.
    pub(super) fn page(&self) -> Result<PageRequest, Problem> {
        let (query, mut faults) = self.query(&["limit", "cursor"]);
        let page = query.page(&mut faults);
        faults.into_result()?;
        Ok(page)
    }

    /// Refuses whatever stands in the query: for what takes nothing.
    pub(super) fn no_query(&self) -> Result<(), Problem> {
        let (_, faults) = self.query(&[]);
        Ok(faults.into_result()?)
    }

    /// The version that the client knows, for what has no body.
    pub(super) fn if_match(&self) -> Result<IfMatch, Problem> {
        self.no_query()?;
        Ok(etag::if_match(&self.parts.headers))
    }

    /// The body of a POST, and the key under which it is done once.
    pub(super) async fn posted<T: DeserializeOwned>(self, shape: &Object) -> Result<(T, Option<Idempotency>), Problem> {
        let (_, mut faults) = self.query(&[]);
        let key = idempotency_key(&self.parts, &mut faults);
        let bytes = body::read(&self.app, &self.parts, unwrap(self.body)).await?;
        let value = body::checked(&self.parts, &bytes, shape, faults)?;
        let once = key.map(|key| Idempotency {
            scope: self.caller.scope(),
            key,
            fingerprint: fingerprint(&self.parts, &bytes),
        });
        Ok((body::parsed(value)?, once))
    }

    /// The body of a PATCH or PUT, and the version that the client knows.
    pub(super) async fn changes(self, shape: &Object) -> Result<(Value, IfMatch), Problem> {
        let (_, faults) = self.query(&[]);
        let if_match = etag::if_match(&self.parts.headers);
        let bytes = body::read(&self.app, &self.parts, unwrap(self.body)).await?;
        Ok((body::checked(&self.parts, &bytes, shape, faults)?, if_match))
    }
}

fn unwrap(body: Mutex<Body>) -> Body {
    body.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn idempotency_key(parts: &Parts, faults: &mut Faults) -> Option<String> {
    const NAME: &str = "Idempotency-Key";
    let mut given = parts.headers.get_all("idempotency-key").iter();
    let key = given.next()?;
    let plain = |text: &&str| {
        (1..=IDEMPOTENCY_KEY_CHARS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    match key.to_str().ok().filter(plain) {
        Some(key) if given.next().is_none() => Some(key.to_owned()),
        _ => {
            faults.push(Fault::parameter(
                NAME,
                "bad_format",
                "must be one key of 1 to 255 printable ASCII characters, no spaces",
            ));
            None
        }
    }
}

/// Method, path and body in one number: a key stands for one request.
fn fingerprint(parts: &Parts, body: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("{} {}\n", parts.method, parts.uri.path()));
    hash.update(body);
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

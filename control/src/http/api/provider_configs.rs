//! Tenants' own accounts at carriers. Their tokens come in and never go out; whoever has them may have the account.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::response::Response;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::asked::Asked;
use super::body::parsed;
use super::fault::Faults;
use super::problem::Problem;
use super::shape::{Field, Object, Shape};
use super::shown;
use super::text::Text;
use super::{Routes, refresh};
use crate::app::App;
use crate::carrier::{CarrierError, ErrorCode, registrar};
use crate::db::{Created, StoreError};
use crate::model::{
    Credentials, NewProviderConfig, ProviderConfig, ProviderConfigId, ProviderConfigPatch, ProviderType, Role, TenantId,
};
use crate::secrets::Owner;

/// The carriers at which a tenant may have an account of its own.
const PROVIDERS: &[&str] = &["twilio", "mock"];
/// How long whoever names an account waits for its carrier.
const ANSWER_WAIT: Duration = Duration::from_secs(10);
/// While one is replaced there are two.
const TOKENS_MAX: usize = 5;
const TOKENS: &str = "auth_tokens";
const FIXED: &[&str] = &["id", "tenant_id", "provider_type", "account_id", "key_id", "created_at", "updated_at"];

/// An account to be made.
pub(super) static NEW: LazyLock<Object> = LazyLock::new(|| {
    let object = Object::new("An account at a carrier to be made.");
    let doc = "At which carrier; one account per carrier.";
    let object = object.must("provider_type", Shape::Word(PROVIDERS), doc);
    let doc = "The carrier's id of it: `AC` and 32 hex digits; unique among all tenants.";
    let object = object.must("account_id", Shape::Text(Text::ACCOUNT), doc);
    let object = object.must("name", Shape::Text(Text::line(1, 200)), "What it is called.");
    let object = object.field(tokens(true));
    changeable(object).rules(check_tokens).example(example())
});

/// What may be changed of it.
pub(super) static PATCH: LazyLock<Object> = LazyLock::new(|| {
    let object = Object::new("").must("name", Shape::Text(Text::line(1, 200)), "What it is called.");
    let object = changeable(object.field(tokens(false)));
    let doc = "What may be changed of an account at a carrier.";
    object.patch(doc, FIXED, json!({"max_concurrent_calls": 20})).rules(check_tokens)
});

/// As it is shown.
pub(super) static SHOWN: LazyLock<Object> = LazyLock::new(|| {
    let object = Object::new("A tenant's own account at a carrier.").must("id", Shape::Text(Text::ID), "Its id.");
    let object = object.must("tenant_id", Shape::Text(Text::ID), "Whose it is.");
    let object = object.must("provider_type", Shape::Word(PROVIDERS), "At which carrier.");
    let object = object.must("account_id", Shape::Text(Text::ANY), "The carrier's id of it.");
    let object = object.must("name", Shape::Text(Text::ANY), "What it is called.");
    let object = object.must(TOKENS, Shape::Whole(1, 5), "How many tokens it has. They themselves are never shown.");
    let doc = "With which key they are encrypted: the first 8 hex digits of its SHA-256.";
    let object = object.must("key_id", Shape::Text(Text::ANY), doc);
    let doc = "The number that calls where a call names none.";
    let object = object.must("outbound_number", Shape::Text(Text::PHONE).or_null(), doc);
    let doc = "Calls at once that are placed over it; null: as many as the tenant may have.";
    let object = object.must("max_concurrent_calls", Shape::Whole(1, 100_000).or_null(), doc);
    let object = object.must("created_at", Shape::Text(Text::TIME), "When it was made.");
    object.must("updated_at", Shape::Text(Text::TIME), "When it was changed last.")
});

/// As it is shown when it was made or changed.
pub(super) static VERIFIED: LazyLock<Object> = LazyLock::new(|| {
    let object = Object::new("What the carrier says of an account's tokens.");
    let doc = "In a word. `away`: it could not be reached, and they were taken unseen; `left_alone`: it was not asked.";
    let object = object.must("state", Shape::Word(&["verified", "away", "left_alone"]), doc);
    let object = object.must("detail", Shape::Text(Text::ANY), "For people.");
    SHOWN.clone().must("carrier", Shape::Object(object), "What the carrier says of its tokens.")
});

/// An account, and what the carrier said of its tokens.
#[derive(Debug, Serialize)]
struct Verified {
    #[serde(flatten)]
    config: ProviderConfig,
    carrier: Verdict,
}

#[derive(Debug, Serialize)]
struct Verdict {
    state: &'static str,
    detail: String,
}

/// Asks the carrier whether these tokens open that account. One that is away keeps nobody from naming it.
async fn verify(app: &App, provider: ProviderType, account: &str, tokens: &Tokens) -> Result<Verdict, Problem> {
    if provider != ProviderType::Twilio {
        return Ok(left_alone("there is nobody to ask"));
    }
    let asked = tokio::time::timeout(ANSWER_WAIT, app.carriers.verify(account, &tokens.0)).await;
    let slow = || Err(CarrierError::new(ErrorCode::NetworkError, "the carrier did not answer in time"));
    match asked.unwrap_or_else(|_| slow()) {
        Ok(()) => Ok(Verdict { state: "verified", detail: "the carrier takes the tokens".to_owned() }),
        Err(error) if registrar::is_away(&error) => {
            tracing::warn!(account, %error, "an account's tokens were taken unseen");
            let detail = format!("{}; the tokens were taken unseen", error.message);
            Ok(Verdict { state: "away", detail })
        }
        Err(error) => {
            let code = error.carrier_code.map_or(String::new(), |code| format!(" ({code})"));
            let detail = format!(
                "the carrier does not take these tokens for {account}{code}: copy account and token from its console, of \
                 the region that this service speaks with"
            );
            Err(Problem::conflict("credentials_refused", detail))
        }
    }
}

fn left_alone(why: &str) -> Verdict {
    Verdict { state: "left_alone", detail: why.to_owned() }
}

fn tokens(required: bool) -> Field {
    let doc = "The account's auth tokens, newest first, 1 to 5: the first is used, all may sign, so that one can be \
               replaced while calls go on. They are kept encrypted and never shown; a change names all of them.";
    let shape = Shape::Text(Text::SECRET).list(TOKENS_MAX);
    Field { name: TOKENS, shape, doc: doc.to_owned(), required, default: None }
}

fn changeable(object: Object) -> Object {
    let doc = "The number that calls where a call names none; null: each call names one.";
    let object = object.may("outbound_number", Shape::Text(Text::PHONE).or_null(), Value::Null, doc);
    let doc = "Calls at once that are placed over it; null: as many as the tenant may have.";
    object.may("max_concurrent_calls", Shape::Whole(1, 100_000).or_null(), Value::Null, doc)
}

fn check_tokens(members: &Map<String, Value>, faults: &mut Faults) {
    if members.get(TOKENS).and_then(Value::as_array).is_some_and(Vec::is_empty) {
        faults.of(TOKENS, "too_few", "is empty: at least one token is needed");
    }
}

fn example() -> Value {
    json!({
        "provider_type": "twilio",
        "account_id": format!("AC{}", "0".repeat(32)),
        "name": "Our own account",
        "auth_tokens": ["f".repeat(32)],
        "outbound_number": "+15557654321",
    })
}

/// What was sent, until its tokens are sealed.
#[derive(Debug, Deserialize)]
struct Sent {
    provider_type: ProviderType,
    account_id: String,
    name: String,
    auth_tokens: Tokens,
    outbound_number: Option<String>,
    max_concurrent_calls: Option<u32>,
}

/// Tokens in the clear, for as long as it takes to seal them.
#[derive(Deserialize)]
#[serde(from = "Vec<String>")]
struct Tokens(Vec<SecretString>);

impl From<Vec<String>> for Tokens {
    fn from(texts: Vec<String>) -> Self {
        Self(texts.into_iter().map(SecretString::from).collect())
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} tokens", self.0.len())
    }
}

pub(super) fn routes() -> Routes {
    OpenApiRouter::new().routes(routes!(create_provider_config, list_provider_configs)).routes(routes!(
        get_provider_config,
        patch_provider_config,
        delete_provider_config
    ))
}

/// Makes a tenant's own account at a carrier.
///
/// Its tokens are encrypted before they are written, which needs `OFFHOOK_SECRETS_KEY`. From then on they alone sign what
/// comes from that account. The carrier is asked whether it takes them, and they are refused where it does not.
#[utoipa::path(post, path = "/tenants/{tenant_id}/provider-configs", tag = "Provider configs",
    request_body = ref("NewProviderConfig"),
    responses((status = 201, description = "Made.", body = ref("VerifiedProviderConfig"))))]
async fn create_provider_config(asked: Asked) -> Result<Response, Problem> {
    let tenant = asked.tenant(Role::TenantAdmin)?;
    let (app, caller) = (asked.app.clone(), asked.caller);
    let (sent, once) = asked.posted::<Sent>(&NEW).await?;
    app.store.tenant(tenant).await?;
    if app.config.account_sid.as_ref() == Some(&sent.account_id) {
        // The deployment's own: nobody but the operator has its tokens.
        return Err(StoreError::Conflict("account_id").into());
    }
    let id = ProviderConfigId::new();
    let credentials = sealed(&app, tenant, id, &sent.auth_tokens)?;
    let carrier = verify(&app, sent.provider_type, &sent.account_id, &sent.auth_tokens).await?;
    let new = NewProviderConfig {
        id,
        provider_type: sent.provider_type,
        name: sent.name,
        account_id: sent.account_id,
        credentials,
        outbound_number: sent.outbound_number,
        max_concurrent_calls: sent.max_concurrent_calls,
    };
    let made = app.store.create_provider_config(caller.actor, tenant, new, once).await?;
    refresh(&app, tenant).await;
    tokio::spawn(registrar::settle_all(Arc::clone(&app), tenant));
    let location = format!("/api/tenants/{tenant}/provider-configs/{}", made.value.id);
    let made = Created { value: Verified { config: made.value, carrier }, replayed: made.replayed };
    shown::created(caller, &made, &location)
}

/// Lists a tenant's own accounts at carriers.
#[utoipa::path(get, path = "/tenants/{tenant_id}/provider-configs", tag = "Provider configs",
    responses((status = 200, description = "A page of them.", body = ref("ProviderConfigPage"))))]
async fn list_provider_configs(asked: Asked) -> Result<Response, Problem> {
    let tenant = asked.existing_tenant(Role::ReadOnly).await?;
    let page = asked.page()?;
    shown::page(asked.caller, &asked.app.store.provider_configs(tenant, page).await?)
}

/// Shows a tenant's own account at a carrier.
#[utoipa::path(get, path = "/tenants/{tenant_id}/provider-configs/{provider_config_id}", tag = "Provider configs",
    responses((status = 200, description = "The account.", body = ref("ProviderConfig"))))]
async fn get_provider_config(asked: Asked) -> Result<Response, Problem> {
    let (tenant, id) = (asked.tenant(Role::ReadOnly)?, asked.provider_config_id()?);
    asked.no_query()?;
    let config = asked.app.store.provider_config(tenant, id).await?;
    shown::versioned(asked.caller, &config, config.version)
}

/// Changes a tenant's own account at a carrier.
///
/// To replace a token, send the new one in front of the old; when the carrier uses the new one, send it alone.
#[utoipa::path(patch, path = "/tenants/{tenant_id}/provider-configs/{provider_config_id}", tag = "Provider configs",
    request_body = ref("ProviderConfigPatch"),
    responses((status = 200, description = "As it is now.", body = ref("VerifiedProviderConfig"))))]
async fn patch_provider_config(asked: Asked) -> Result<Response, Problem> {
    let (tenant, id) = (asked.tenant(Role::TenantAdmin)?, asked.provider_config_id()?);
    let (app, caller) = (asked.app.clone(), asked.caller);
    let (value, if_match) = asked.changes(&PATCH).await?;
    let now = app.store.provider_config(tenant, id).await?;
    let expected = if_match.expects(now.version)?;
    let member = |name: &str| value.get(name).cloned();
    let tokens: Option<Tokens> = member(TOKENS).map(parsed).transpose()?;
    let credentials = tokens.as_ref().map(|tokens| sealed(&app, tenant, id, tokens)).transpose()?;
    let carrier = match &tokens {
        Some(tokens) => verify(&app, now.provider_type, &now.account_id, tokens).await?,
        None => left_alone("its tokens were not changed"),
    };
    let patch = ProviderConfigPatch {
        name: member("name").map(parsed).transpose()?,
        credentials,
        outbound_number: member("outbound_number").map(parsed).transpose()?,
        max_concurrent_calls: member("max_concurrent_calls").map(parsed).transpose()?,
    };
    let config = app.store.patch_provider_config(caller.actor, tenant, id, patch, expected).await?;
    refresh(&app, tenant).await;
    let version = config.version;
    shown::versioned(caller, &Verified { config, carrier }, version)
}

/// Deletes a tenant's own account at a carrier.
///
/// Its tokens are gone. Numbers and calls stay; numbers that were pointed here at this account are put back, as far as
/// the carrier can be reached.
#[utoipa::path(delete, path = "/tenants/{tenant_id}/provider-configs/{provider_config_id}", tag = "Provider configs",
    responses((status = 204, description = "Gone.")))]
async fn delete_provider_config(asked: Asked) -> Result<Response, Problem> {
    let (tenant, id) = (asked.tenant(Role::TenantAdmin)?, asked.provider_config_id()?);
    let if_match = asked.if_match()?;
    let now = asked.app.store.provider_config(tenant, id).await?;
    let expected = if_match.expects(now.version)?;
    // Made of its tokens, which are about to go.
    let carrier = asked.app.carriers.of_account_id(tenant, &now.account_id);
    asked.app.store.delete_provider_config(asked.actor(), tenant, id, expected).await?;
    refresh(&asked.app, tenant).await;
    if let Some(carrier) = carrier {
        tokio::spawn(registrar::leave(Arc::clone(&asked.app), tenant, carrier));
    }
    Ok(shown::nothing())
}

fn sealed(app: &App, tenant: TenantId, record: ProviderConfigId, tokens: &Tokens) -> Result<Credentials, Problem> {
    let Some(keys) = &app.config.secrets else {
        let detail = "tokens are only kept encrypted, and this service has no key for that: make one with `openssl rand \
                      -base64 32`, set it as OFFHOOK_SECRETS_KEY, and start the service anew";
        return Err(Problem::conflict("no_secrets_key", detail));
    };
    let sealed = keys.seal(Owner { tenant, record }, &tokens.0).map_err(|error| Problem::internal(&error))?;
    Ok(Credentials { sealed, count: u32::try_from(tokens.0.len()).unwrap_or(u32::MAX) })
}

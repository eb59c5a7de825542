//! A webhook on its way in: read within bounds, proven to be the carrier's, then its parameters.

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use engine::wire::Sid;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use std::net::IpAddr;
use std::time::Duration;

use super::signature::{self, Algorithm, Signed};
use super::signer::Signer;
use crate::app::App;
use crate::http::answer::{Accounted, text, too_many};
use crate::http::client::{Peer, client_ip};
use crate::metrics::{SignatureResult, WebhookFault};

/// More parameters than any carrier sends; beyond it the request is refused.
const PARAMETERS_MAX: usize = 200;
/// Of a body that is too large, this much is still read and thrown away, so that the sender reads our answer instead
/// of a reset connection.
const DISCARD_BYTES_MAX: usize = 1024 * 1024;
const DISCARD_TIME: Duration = Duration::from_secs(1);

/// Names and values in the order received.
#[derive(Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// The first value of `name`; an empty one is none.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, v)| n == name && !v.is_empty()).map(|(_, v)| v.as_str())
    }

    /// The first value of `name` as an identifier.
    pub(crate) fn sid(&self, name: &str) -> Option<Sid> {
        self.get(name).and_then(Sid::parse)
    }

    /// All of them.
    pub(crate) fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    fn parse(encoded: &[u8]) -> Option<Self> {
        let pairs: Vec<_> = form_urlencoded::parse(encoded).into_owned().take(PARAMETERS_MAX + 1).collect();
        (pairs.len() <= PARAMETERS_MAX).then_some(Self(pairs))
    }
}

/// A webhook that may be acted upon.
pub(crate) struct Webhook {
    /// The call that it is about.
    pub(crate) call: Sid,
    /// The account that it names.
    pub(crate) account: Sid,
    /// What it says.
    pub(crate) params: Params,
    /// What our own URL said: a POST's query, which the signature covers too.
    pub(crate) query: Params,
    /// Whether it was proven.
    pub(crate) accounted: Option<Accounted>,
}

impl Webhook {
    /// Marks the answer to this webhook with how the webhook stands with the rate limit.
    pub(crate) fn answer(&self, response: Response) -> Response {
        mark(response, self.accounted)
    }
}

/// Reads a webhook. The error is the answer.
pub(crate) async fn receive(app: &App, request: Request) -> Result<Webhook, Box<Response>> {
    let (parts, body) = request.into_parts();
    // Without a signature there is nothing to read for.
    if app.config.mode.is_production() && !parts.headers.contains_key(signature::HEADER) {
        let url = app.public.join(parts.uri.path());
        return Err(refuse_signature(app, &parts, SignatureResult::Missing, &url));
    }
    let body = read(app, &parts, body).await.map_err(|fault| refuse(app, fault))?;
    let payload = Payload::parse(&parts, &body).ok_or_else(|| refuse(app, WebhookFault::Malformed))?;
    let url = app.public.join(parts.uri.path_and_query().map_or("/", |p| p.as_str()));
    let signer = Signer::of(app, payload.named().get("AccountSid"));
    let result = check_signature(app, &signer, &parts.headers, &url, payload.signed(&body));
    if result == SignatureResult::Invalid
        && let Payload::Form(params) = &payload
    {
        hint_left_out(app, &signer, &parts.headers, &url, params);
    }
    let accounted = admit(app, &parts, result, &url)?;
    identify(app, &signer, &parts, payload.params(), accounted).map_err(|refusal| Box::new(mark(*refusal, accounted)))
}

/// Whose call a proven webhook is about.
fn identify(
    app: &App,
    signer: &Signer,
    parts: &Parts,
    params: Params,
    accounted: Option<Accounted>,
) -> Result<Webhook, Box<Response>> {
    let query = Params::parse(parts.uri.query().unwrap_or_default().as_bytes()).unwrap_or_default();
    let (Some(call), Some(account)) = (params.sid("CallSid"), params.sid("AccountSid")) else {
        tracing::warn!("webhook without a usable CallSid or AccountSid");
        return Err(refuse(app, WebhookFault::Malformed));
    };
    check_account(app, signer, &account)?;
    check_owner(app, signer, &call, &params)?;
    Ok(Webhook { call, account, params, query, accounted })
}

/// Notes on an answer how its request stands with the rate limit.
fn mark(mut response: Response, accounted: Option<Accounted>) -> Response {
    if let Some(accounted) = accounted {
        response.extensions_mut().insert(accounted);
    }
    response
}

/// What a request carries besides its URL.
enum Payload {
    /// A form: signed with its pairs.
    Form(Params),
    /// GET: everything is in the URL.
    Query(Params),
    /// Anything else: signed by its hash. JSON's plain members are its parameters.
    Body(Params),
}

impl Payload {
    fn parse(parts: &Parts, body: &[u8]) -> Option<Self> {
        if parts.method == Method::GET || parts.method == Method::HEAD {
            return Params::parse(parts.uri.query().unwrap_or_default().as_bytes()).map(Self::Query);
        }
        let content_type = parts.headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let content_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match content_type.as_str() {
            "application/x-www-form-urlencoded" => Params::parse(body).map(Self::Form),
            "" if body.is_empty() => Some(Self::Form(Params::default())),
            "application/json" => json_params(body).map(Self::Body),
            _ => None,
        }
    }

    fn signed<'a>(&'a self, body: &'a [u8]) -> Signed<'a> {
        match self {
            Self::Form(params) => Signed::Form(&params.0),
            Self::Query(_) => Signed::UrlOnly,
            Self::Body(_) => Signed::Body(body),
        }
    }

    fn named(&self) -> &Params {
        match self {
            Self::Form(params) | Self::Query(params) | Self::Body(params) => params,
        }
    }

    fn params(self) -> Params {
        match self {
            Self::Form(params) | Self::Query(params) | Self::Body(params) => params,
        }
    }
}

fn json_params(body: &[u8]) -> Option<Params> {
    let members: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(body).ok()?;
    let plain = members.into_iter().filter_map(|(name, value)| match value {
        serde_json::Value::String(text) => Some((name, text)),
        serde_json::Value::Number(number) => Some((name, number.to_string())),
        serde_json::Value::Bool(yes) => Some((name, yes.to_string())),
        _ => None,
    });
    let pairs: Vec<_> = plain.take(PARAMETERS_MAX + 1).collect();
    (pairs.len() <= PARAMETERS_MAX).then_some(Params(pairs))
}

async fn read(app: &App, parts: &Parts, body: Body) -> Result<Bytes, WebhookFault> {
    let limits = &app.config.limits;
    let claimed = parts.headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if claimed.is_some_and(|claimed| claimed > limits.body_max_bytes as u64) {
        discard(body).await;
        return Err(WebhookFault::TooLarge);
    }
    let mut limited = Limited::new(body, limits.body_max_bytes);
    let collected = tokio::time::timeout(limits.body_timeout, (&mut limited).collect()).await;
    match collected {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(WebhookFault::TooLarge),
        Ok(Err(_)) => Err(WebhookFault::Broken),
        Err(_) => Err(WebhookFault::TooSlow),
    }
}

/// Reads a body that is too large for a moment and throws it away.
pub(crate) async fn discard(mut body: Body) {
    let throw_away = async {
        let mut bytes = 0;
        while let Some(Ok(frame)) = body.frame().await {
            bytes += frame.data_ref().map_or(0, Bytes::len);
            if bytes > DISCARD_BYTES_MAX {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(DISCARD_TIME, throw_away).await;
}

/// What the signature of a request turns out to be; used for webhooks and media sockets alike.
pub(crate) fn check_signature(
    app: &App,
    signer: &Signer,
    headers: &HeaderMap,
    url: &str,
    signed: Signed<'_>,
) -> SignatureResult {
    let mut signatures = headers.get_all(signature::HEADER).iter();
    let result = match (signatures.next(), signatures.next()) {
        (None, _) => SignatureResult::Missing,
        // Two signatures are one too many to know which was meant.
        (Some(_), Some(_)) => SignatureResult::Invalid,
        (Some(_), None) if !signer.can_check(app) => SignatureResult::Unchecked,
        (Some(signature), None) => {
            let request = signature::Request { url, signed, signature: signature.as_bytes() };
            let valid = match headers.get(signature::SETTINGS_HEADER) {
                None => signature::verify(signer.tokens(app), Algorithm::HmacSha1, &request),
                Some(settings) => verify_shared(app, signer, settings, &request),
            };
            if valid { SignatureResult::Valid } else { SignatureResult::Invalid }
        }
    };
    app.metrics.signatures.count(result);
    result
}

/// The same for a request that says it was signed with a shared key.
fn verify_shared(app: &App, signer: &Signer, settings: &HeaderValue, request: &signature::Request<'_>) -> bool {
    let named = settings.to_str().ok().and_then(signature::parse_settings);
    // The shared keys are the operator's.
    named.filter(|_| matches!(signer, Signer::Operator)).is_some_and(|(id, algorithm)| {
        let keys = app.config.shared_keys.iter().filter(|(known, _)| known == id).map(|(_, key)| key);
        signature::verify(keys, algorithm, request)
    })
}

/// Some say that Twilio signs without these two parameters. Its documentation says otherwise and so do we; were it true
/// after all, this line would show it.
fn hint_left_out(app: &App, signer: &Signer, headers: &HeaderMap, url: &str, params: &Params) {
    let kept: Vec<_> =
        params.0.iter().filter(|(name, _)| name != "CallToken" && name != "StirVerstat").cloned().collect();
    let Some(signature) = headers.get(signature::HEADER).filter(|_| kept.len() < params.0.len()) else { return };
    let request = signature::Request { url, signed: Signed::Form(&kept), signature: signature.as_bytes() };
    if signature::verify(signer.tokens(app), Algorithm::HmacSha1, &request) {
        tracing::error!("the signature would fit without CallToken and StirVerstat; please report this");
    }
}

/// Lets a valid signature pass; others only in development, counted against their sender.
fn admit(app: &App, parts: &Parts, result: SignatureResult, url: &str) -> Result<Option<Accounted>, Box<Response>> {
    if result == SignatureResult::Valid {
        return Ok(Some(Accounted::Signed));
    }
    if app.config.mode.is_production() {
        return Err(refuse_signature(app, parts, result, url));
    }
    if app.config.can_check_signatures() {
        tracing::warn!(
            result = result.text(),
            url = without_query(url),
            "DEVELOPMENT MODE: webhook accepted although its signature is not valid"
        );
    }
    match client(app, parts).map(|client| app.charge(client)) {
        Some(Err(wait)) => Err(Box::new(too_many(wait))),
        _ => Ok(Some(Accounted::Charged)),
    }
}

/// 403 for a wrong and for a missing signature alike: who cannot sign learns nothing from the difference.
fn refuse_signature(app: &App, parts: &Parts, result: SignatureResult, url: &str) -> Box<Response> {
    if result == SignatureResult::Missing {
        app.metrics.signatures.count(result);
    }
    app.metrics.webhooks_refused.count(WebhookFault::Signature);
    let client = client(app, parts);
    if let Some(Err(wait)) = client.map(|client| app.charge(client)) {
        return Box::new(too_many(wait));
    }
    tracing::warn!(
        result = result.text(),
        url = without_query(url),
        client = client.map(tracing::field::display),
        "webhook refused: signature"
    );
    let line = "the signature is missing or does not fit; check OFFHOOK_PUBLIC_URL and TWILIO_AUTH_TOKEN";
    let mut response = text(StatusCode::FORBIDDEN, line);
    response.extensions_mut().insert(Accounted::Charged);
    Box::new(response)
}

/// What of a checked URL may be logged: a query may hold a GET webhook's numbers.
fn without_query(url: &str) -> &str {
    url.split('?').next().unwrap_or_default()
}

/// The account must be the one whose numbers and calls the webhook is about.
fn check_owner(app: &App, signer: &Signer, call: &Sid, params: &Params) -> Result<(), Box<Response>> {
    if signer.may_tell(app, call, params) {
        return Ok(());
    }
    tracing::warn!(%call, ?signer, "webhook is about another tenant's number or call than its account's");
    if app.config.mode.is_production() {
        return Err(refuse(app, WebhookFault::Account));
    }
    Ok(())
}

fn check_account(app: &App, signer: &Signer, account: &Sid) -> Result<(), Box<Response>> {
    if matches!(signer, Signer::Tenant(_)) {
        return Ok(());
    }
    let Some(expected) = &app.config.account_sid else { return Ok(()) };
    if expected == account.as_str() {
        return Ok(());
    }
    tracing::warn!(%account, "webhook names an account that is not TWILIO_ACCOUNT_SID");
    if app.config.mode.is_production() {
        return Err(refuse(app, WebhookFault::Account));
    }
    Ok(())
}

fn client(app: &App, parts: &Parts) -> Option<IpAddr> {
    let peer = parts.extensions.get::<Peer>()?.0.ip();
    Some(client_ip(peer, &parts.headers, &app.config.trusted_proxies))
}

fn refuse(app: &App, fault: WebhookFault) -> Box<Response> {
    app.metrics.webhooks_refused.count(fault);
    Box::new(match fault {
        WebhookFault::TooLarge => text(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large"),
        WebhookFault::TooSlow => text(StatusCode::REQUEST_TIMEOUT, "the body took too long"),
        WebhookFault::Broken => text(StatusCode::BAD_REQUEST, "the body ended early"),
        WebhookFault::Account | WebhookFault::Signature => {
            text(StatusCode::FORBIDDEN, "this account is not served here")
        }
        WebhookFault::Malformed => text(
            StatusCode::BAD_REQUEST,
            "not a carrier's webhook: send form fields (or JSON) with at least CallSid and AccountSid",
        ),
    })
}

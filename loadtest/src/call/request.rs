//! A webhook request, complete with its signature: what the shell only has to put on the wire.

use crate::twilio::executor::Fetch;
use crate::twilio::form::{self, Fields};
use crate::twilio::signature;
use crate::twilio::url::Url;

/// The name under which Twilio fetches webhooks.
pub const USER_AGENT: &str = "TwilioProxy/1.1";

/// An HTTP request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Where; for a GET the fields are in the query.
    pub url: Url,
    /// Empty for a GET.
    pub body: String,
    /// `X-Twilio-Signature`; a stranger has none.
    pub signature: Option<String>,
    /// `I-Twilio-Idempotency-Token`.
    pub idempotency_token: String,
}

impl Request {
    /// Signs `fetch` with the fields of the call and its own.
    #[must_use]
    pub fn new(fetch: &Fetch, mut fields: Fields, auth_token: &str, idempotency_token: String) -> Self {
        fields.extend(fetch.extra.iter().cloned());
        let mut url = fetch.url.clone();
        let (method, body, signed) = if fetch.get && fields.is_empty() {
            ("GET", String::new(), Vec::new())
        } else if fetch.get {
            let query = form::encode(&fields);
            url.query = Some(url.query.map_or_else(|| query.clone(), |old| format!("{old}&{query}")));
            ("GET", String::new(), Vec::new())
        } else {
            ("POST", form::encode(&fields), fields)
        };
        let signature = Some(signature::sign(auth_token, &url.signed(), &signed));
        Self { method, url, body, signature, idempotency_token }
    }
}

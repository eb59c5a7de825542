//! One HTTP request to the API, read but not judged.

use super::given::Given;

/// The longest body that is read; a longer one is refused. Twilio's own limit is not published; the largest request
/// here is a call with 4,000 letters of TwiML and a handful of URLs.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// A request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST`, `DELETE` or another.
    pub method: String,
    /// Without the query.
    pub path: String,
    /// The query.
    pub query: Given,
    /// The form in the body.
    pub form: Given,
    /// The `Authorization` header.
    pub authorization: Option<String>,
}

impl Request {
    /// A request for `target` (path and query) with this form as its body.
    #[must_use]
    pub fn new(method: &str, target: &str, body: &str, authorization: Option<String>) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: Given::parse(query),
            form: Given::parse(body),
            authorization,
        }
    }
}

//! What the API answers: JSON with Twilio's codes, sound, or nothing.

use serde_json::{Value, json};

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`; empty when there is no body.
    pub content_type: &'static str,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// JSON with this status.
    #[must_use]
    pub fn json(status: u16, value: &Value) -> Self {
        Self::new(status, "application/json", value.to_string().into_bytes())
    }

    /// 204, what a DELETE gets.
    #[must_use]
    pub const fn gone() -> Self {
        Self::new(204, "", Vec::new())
    }

    /// What stands before the API answers when it cannot be reached.
    #[must_use]
    pub fn html(status: u16, body: &str) -> Self {
        Self::new(status, "text/html", body.as_bytes().to_vec())
    }

    /// A body of this type.
    #[must_use]
    pub const fn new(status: u16, content_type: &'static str, body: Vec<u8>) -> Self {
        Self { status, content_type, headers: Vec::new(), body }
    }
}

/// Why a request is not carried out, in Twilio's numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// Twilio's number.
    pub code: u32,
    /// What was wrong.
    pub message: String,
}

impl Refusal {
    /// A parameter is wrong: 400 with this code.
    pub fn bad(code: u32, message: impl Into<String>) -> Self {
        Self { status: 400, code, message: message.into() }
    }

    /// A parameter is wrong for which there is no code of its own.
    pub fn parameter(message: impl Into<String>) -> Self {
        Self::bad(20_001, message)
    }

    /// Nobody whom this account knows.
    #[must_use]
    pub fn authenticate() -> Self {
        Self { status: 401, code: 20_003, message: "Authenticate".into() }
    }

    /// There is nothing at this path, or it is another account's.
    #[must_use]
    pub fn not_found(path: &str) -> Self {
        Self { status: 404, code: 20_404, message: format!("The requested resource {path} was not found") }
    }

    /// There is something, but it cannot be asked like this.
    #[must_use]
    pub fn method() -> Self {
        Self { status: 405, code: 20_004, message: "Method not allowed".into() }
    }

    /// Too many requests at once. It was not processed: asking again is safe.
    #[must_use]
    pub fn too_many() -> Self {
        Self { status: 429, code: 20_429, message: "Too Many Requests".into() }
    }

    /// As the body has it.
    #[must_use]
    pub fn answer(&self) -> Answer {
        let more_info = format!("https://www.twilio.com/docs/errors/{}", self.code);
        let body = json!({
            "code": self.code, "message": self.message, "more_info": more_info, "status": self.status,
        });
        Answer::json(self.status, &body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_has_the_four_fields_of_twilios_with_numbers_as_numbers() {
        let answer = Refusal::not_found("/x").answer();
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(body["code"], 20_404);
        assert_eq!(body["status"], 404);
        assert_eq!(body["more_info"], "https://www.twilio.com/docs/errors/20404");
        assert_eq!(body["message"], "The requested resource /x was not found");
    }
}

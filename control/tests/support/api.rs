//! A client of the REST API: JSON in, JSON out, a key in every request.

use serde_json::Value;

use super::{Host, Reply};

/// The development server's own key.
pub const DEVELOPMENT: &str = "offhook-development-key";

/// Asks one server with one key.
#[derive(Clone, Copy)]
pub struct Client<'a> {
    pub host: &'a Host,
    pub key: &'a str,
}

impl<'a> Client<'a> {
    /// With development's key.
    pub fn new(host: &'a Host) -> Self {
        Self { host, key: DEVELOPMENT }
    }

    /// With another key.
    pub fn with(self, key: &'a str) -> Self {
        Self { key, ..self }
    }

    /// Any request; `headers` end with a line end each.
    pub async fn ask(&self, method: &str, path: &str, headers: &str, body: Option<&str>) -> Answer {
        let key = if self.key.is_empty() { String::new() } else { format!("Authorization: Bearer {}\r\n", self.key) };
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{key}{headers}");
        if let Some(body) = body {
            if !headers.to_ascii_lowercase().contains("content-type:") {
                request += "Content-Type: application/json\r\n";
            }
            request += &format!("Content-Length: {}\r\n", body.len());
        }
        request += "\r\n";
        request += body.unwrap_or_default();
        Answer::of(self.host.send(&request).await)
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "", None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask("POST", path, "", Some(&body.to_string())).await
    }

    /// The same on a client of its own making: for many at once.
    pub async fn post_again(self, path: &str, body: Value) -> Answer {
        self.post(path, body).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.ask("PATCH", path, "", Some(&body.to_string())).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.ask("PUT", path, "", Some(&body.to_string())).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.ask("DELETE", path, "", None).await
    }

    /// Makes something, and says where it is.
    pub async fn make(&self, path: &str, body: Value) -> (String, Value) {
        let made = self.post(path, body).await;
        assert_eq!(made.status, 201, "{made:?}");
        (made.header("location").unwrap().to_owned(), made.body)
    }

    /// Makes a tenant: its path.
    pub async fn tenant(&self, name: &str) -> String {
        self.make("/api/tenants", serde_json::json!({"name": name})).await.0
    }

    /// Makes a key of a tenant: its token.
    pub async fn key_of(&self, tenant: &str, role: &str) -> String {
        let new = serde_json::json!({"name": role, "role": role});
        let (_, made) = self.make(&format!("{tenant}/api-keys"), new).await;
        made["token"].as_str().unwrap().to_owned()
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub reply: Reply,
    pub body: Value,
}

impl Answer {
    fn of(reply: Reply) -> Self {
        let body = serde_json::from_str(&reply.body).unwrap_or_default();
        Self { status: reply.status, reply, body }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        // The head was read in lower case, so what has letters of its own is read again from the body where it matters.
        self.reply.header(name)
    }

    /// The code of a problem, which is checked to be one.
    pub fn code(&self) -> &str {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        assert_eq!(self.body["status"], self.status, "{self:?}");
        assert!(self.header("x-request-id").is_some());
        for member in ["type", "title", "detail", "instance"] {
            assert!(self.body[member].is_string(), "{member}: {self:?}");
        }
        self.body["code"].as_str().unwrap()
    }

    /// The places and codes of every fault.
    pub fn faults(&self) -> Vec<(String, String)> {
        assert_eq!((self.status, self.code()), (400, "invalid"), "{self:?}");
        let place = |fault: &Value| fault["pointer"].as_str().or(fault["parameter"].as_str()).unwrap().to_owned();
        let faults = self.body["errors"].as_array().unwrap();
        faults.iter().map(|fault| (place(fault), fault["code"].as_str().unwrap().to_owned())).collect()
    }
}

//! What is bound to a statement's placeholders.

use serde::Serialize;

use crate::model::{
    AttemptId, AuditId, CallId, CampaignId, ContactId, EventId, KeyId, PhoneNumberId, ProfileId, ProviderConfigId,
    TenantId, Timestamp,
};

use super::StoreError;

/// One value. A NULL has a type: PostgreSQL wants to know it.
#[derive(Debug)]
pub(super) enum Arg {
    Text(Option<String>),
    Int(Option<i64>),
    Bool(bool),
    Bytes(Vec<u8>),
}

impl Arg {
    /// For a table in JSON. No such table has bytes.
    pub(super) fn into_json(self) -> serde_json::Value {
        match self {
            Self::Text(text) => text.into(),
            Self::Int(number) => number.into(),
            Self::Bool(flag) => flag.into(),
            Self::Bytes(_) => serde_json::Value::Null,
        }
    }
}

/// The values of `$1`, `$2` …
macro_rules! args {
    ($($value:expr),* $(,)?) => {
        vec![$($crate::db::arg::Arg::from($value)),*]
    };
}
pub(super) use args;

/// A value as JSON.
pub(super) fn json<T: Serialize>(value: &T) -> Result<serde_json::Value, StoreError> {
    serde_json::to_value(value).map_err(|_| StoreError::Fault("a value that JSON cannot hold".to_owned()))
}

/// The word that the API has for a unit variant, such as `tenant_admin`.
pub(super) fn word<T: Serialize>(value: &T) -> Result<String, StoreError> {
    match json(value)? {
        serde_json::Value::String(word) => Ok(word),
        _ => Err(StoreError::Fault("a value that is no word".to_owned())),
    }
}

impl From<String> for Arg {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<&str> for Arg {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<&String> for Arg {
    fn from(text: &String) -> Self {
        Self::Text(Some(text.clone()))
    }
}

impl From<Option<String>> for Arg {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Arg {
    fn from(number: i64) -> Self {
        Self::Int(Some(number))
    }
}

impl From<u32> for Arg {
    fn from(number: u32) -> Self {
        Self::Int(Some(number.into()))
    }
}

impl From<Option<u32>> for Arg {
    fn from(number: Option<u32>) -> Self {
        Self::Int(number.map(i64::from))
    }
}

impl From<Timestamp> for Arg {
    fn from(at: Timestamp) -> Self {
        Self::Int(Some(at.0))
    }
}

impl From<Option<Timestamp>> for Arg {
    fn from(at: Option<Timestamp>) -> Self {
        Self::Int(at.map(|at| at.0))
    }
}

impl From<bool> for Arg {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl From<Vec<u8>> for Arg {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<&serde_json::Value> for Arg {
    fn from(value: &serde_json::Value) -> Self {
        Self::Text(Some(value.to_string()))
    }
}

impl From<Option<&serde_json::Value>> for Arg {
    fn from(value: Option<&serde_json::Value>) -> Self {
        Self::Text(value.map(ToString::to_string))
    }
}

macro_rules! ids {
    ($($id:ty),*) => {$(
        impl From<$id> for Arg {
            fn from(id: $id) -> Self {
                Self::Text(Some(id.to_string()))
            }
        }

        impl From<Option<$id>> for Arg {
            fn from(id: Option<$id>) -> Self {
                Self::Text(id.map(|id| id.to_string()))
            }
        }
    )*};
}

ids!(
    TenantId,
    PhoneNumberId,
    ProfileId,
    KeyId,
    CallId,
    EventId,
    AuditId,
    ContactId,
    CampaignId,
    AttemptId,
    ProviderConfigId
);

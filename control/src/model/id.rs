//! Ids: UUID version 7, so that they sort by the time they were made. Each noun has a type of its own.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new one, later than those made before it.
            #[must_use]
            #[allow(clippy::new_without_default, reason = "each is another")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                text.parse().map(Self)
            }
        }
    )*};
}

ids! {
    /// Of a tenant.
    TenantId;
    /// Of a phone number's record.
    PhoneNumberId;
    /// Of an agent's profile.
    ProfileId;
    /// Of an API key; its public half.
    KeyId;
    /// Of a call: ours, not the carrier's.
    CallId;
    /// Of something that happened on a call.
    EventId;
    /// Of a row in the audit log.
    AuditId;
    /// Of somebody who is called.
    ContactId;
    /// Of a campaign; whose it is is its maker's business.
    CampaignId;
    /// Of a call that was placed to a contact.
    AttemptId;
    /// Of a tenant's account at a carrier.
    ProviderConfigId;
}

impl TenantId {
    /// The tenant that is always there: it has the calls to numbers that nobody registered.
    pub const DEFAULT: Self = Self(Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0000));
}

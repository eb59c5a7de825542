//! Carriers: who places calls, moves and ends them, and owns the numbers.
//!
//! ```text
//! calls ─► TelephonyProvider ─┬─ twilio   REST, over HTTPS
//!                             └─ mock     a scripted life, in this process
//! ```
//! A new carrier is one folder here and one line in `factory.rs`. What a carrier reports comes back as webhooks, which its
//! adapter reads into a [`CallReport`].

mod call;
mod error;
mod factory;
mod mock;
mod owners;
pub(crate) mod registrar;
mod set;
mod start;
mod twilio;

pub use call::{
    CallEvent, CallInitiationRequest, CallInitiationResponse, CallMetadata, CallReport, CallStatus, EventKind, Found,
    HangUp, MachineDetection,
};
pub use error::{CarrierError, ErrorCode};
pub use factory::{Credentials, Factory, TwilioSettings, Webhooks};
pub use mock::{Asked, Mock, Party};
pub use owners::Owners;
pub(crate) use set::Carriers;
pub(crate) use start::start;
pub use twilio::{Pointing, Twilio};

use std::fmt::Debug;
use std::pin::Pin;

pub use crate::model::Registration;
use crate::model::{PhoneNumberId, ProviderType, TenantId};

/// What a carrier does, under way.
pub type Doing<'a, T> = Pin<Box<dyn Future<Output = Result<T, CarrierError>> + Send + 'a>>;

/// Where a carrier explains a number of its own, where it does.
pub(crate) fn explained(provider: ProviderType, code: u32) -> Option<String> {
    (provider == ProviderType::Twilio).then(|| format!("https://www.twilio.com/docs/api/errors/{code}"))
}

/// A carrier, with the credentials of one account. Every call of it is bounded in time.
pub trait TelephonyProvider: Debug + Send + Sync {
    /// Which carrier it is.
    fn provider_type(&self) -> ProviderType;

    /// The account that it works for, such as Twilio's `AC…`.
    fn account(&self) -> &str;

    /// Waits until the account may place another call: to be awaited right before each [`initiate_call`].
    ///
    /// # Errors
    /// [`ErrorCode::RateLimit`]: so many wait already that this one's turn is too far away.
    ///
    /// [`initiate_call`]: Self::initiate_call
    fn turn(&self) -> Doing<'_, ()>;

    /// Places a call. Never tried again where it may have been taken: [`CarrierError::may_have_happened`] says so.
    fn initiate_call(&self, request: CallInitiationRequest) -> Doing<'_, CallInitiationResponse>;

    /// Reads what the carrier reports of a call: the fields of a webhook whose signature was checked.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidWebhook`]: a field that it always has is missing or makes no sense.
    fn parse_webhook_event(&self, fields: &[(String, String)]) -> Result<CallReport, CarrierError>;

    /// Points a number of the tenant at this service; gives what it was before, for [`unregister_number`]. `None`: the
    /// account has no such number.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidConfig`]: the number is not the tenant's, or takes no calls.
    ///
    /// [`unregister_number`]: Self::unregister_number
    fn register_number<'a>(
        &'a self,
        tenant: TenantId,
        number: PhoneNumberId,
        did_number: &'a str,
    ) -> Doing<'a, Option<Registration>>;

    /// Puts a number back to what it was, unless somebody has pointed it elsewhere meanwhile or the account has it no more.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidConfig`]: the number is another tenant's by now.
    fn unregister_number<'a>(
        &'a self,
        tenant: TenantId,
        number: PhoneNumberId,
        did_number: &'a str,
        before: Option<&'a Registration>,
    ) -> Doing<'a, ()>;

    /// Looks at a call that came in before it is answered: its number must be the tenant's, its account this one.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidWebhook`]: it is not.
    fn on_inbound_call(&self, call: &CallMetadata) -> Result<(), CarrierError>;

    /// Ends a call, or takes back one that nobody answered yet. One that is over already is no error.
    fn hang_up<'a>(&'a self, carrier_call_id: &'a str, how: HangUp) -> Doing<'a, ()>;

    /// Has the carrier ask `url` what to do with a live call; its stream ends.
    fn transfer<'a>(&'a self, carrier_call_id: &'a str, url: &'a str) -> Doing<'a, ()>;

    /// How a call stands; `None`: the carrier knows no such call.
    fn call<'a>(&'a self, carrier_call_id: &'a str) -> Doing<'a, Option<Found>>;

    /// Calls from `from` to `to` that were begun at or after `since` (whole seconds count), newest first, at most 50.
    fn calls<'a>(&'a self, from: &'a str, to: &'a str, since: crate::model::Timestamp) -> Doing<'a, Vec<Found>>;

    /// Whether the carrier answers and takes the credentials.
    fn health(&self) -> Doing<'_, ()>;
}

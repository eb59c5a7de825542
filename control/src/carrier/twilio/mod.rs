//! Twilio: its REST API (2010-04-01) for one account, and what its webhooks report.
//!
//! ```text
//! calls, numbers ─► pace (new calls only) ─► client ─► HTTPS
//!                                              └─ errors: what a no means, and whether the thing may be done all the same
//! webhooks ─► event ─► CallReport
//! ```
//! Nobody's number and no token is in a message or in what `Debug` shows.

mod calls;
mod client;
mod errors;
mod event;
mod numbers;
mod pace;
mod retry;

use std::sync::Arc;

pub(super) use client::{Door, http};
pub(super) use event::parse;
pub use numbers::Pointing;
pub(super) use pace::Pacer;
pub(super) use retry::Retry;

use super::owners::Ownership;
use super::{
    CallInitiationRequest, CallInitiationResponse, CallMetadata, CallReport, CarrierError, Doing, ErrorCode, Found,
    HangUp, Registration, TelephonyProvider, Webhooks,
};
use crate::model::{PhoneNumberId, ProviderType, TenantId, Timestamp};
use client::Client;

/// One account at Twilio.
#[derive(Debug)]
pub struct Twilio {
    client: Client,
    pacer: Arc<Pacer>,
    webhooks: Webhooks,
    owners: Ownership,
}

impl Twilio {
    /// The account behind this door. Two of one account share a pacer.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidConfig`]: it is no account, or has no token.
    pub(super) fn new(
        door: Door,
        pacer: Arc<Pacer>,
        webhooks: Webhooks,
        owners: Ownership,
    ) -> Result<Self, CarrierError> {
        Ok(Self { client: Client::new(door)?, pacer, webhooks, owners })
    }

    /// Where the account's number leads now.
    ///
    /// # Errors
    /// As for every question to the carrier.
    pub async fn pointing(&self, did_number: &str) -> Result<Pointing, CarrierError> {
        numbers::pointing(&self.client, &self.webhooks, did_number).await
    }
}

impl TelephonyProvider for Twilio {
    fn provider_type(&self) -> ProviderType {
        ProviderType::Twilio
    }

    fn account(&self) -> &str {
        self.client.account()
    }

    fn turn(&self) -> Doing<'_, ()> {
        Box::pin(self.pacer.turn())
    }

    fn initiate_call(&self, request: CallInitiationRequest) -> Doing<'_, CallInitiationResponse> {
        Box::pin(async move {
            let fields = calls::wanted(&request)?;
            calls::create(&self.client, &fields).await
        })
    }

    fn parse_webhook_event(&self, fields: &[(String, String)]) -> Result<CallReport, CarrierError> {
        parse(fields).map_err(|wrong| CarrierError::new(ErrorCode::TwilioInvalidWebhook, wrong))
    }

    fn register_number<'a>(
        &'a self,
        tenant: TenantId,
        number: PhoneNumberId,
        did_number: &'a str,
    ) -> Doing<'a, Option<Registration>> {
        Box::pin(async move {
            self.owners.has(tenant, number, did_number)?;
            numbers::register(&self.client, &self.webhooks, did_number).await
        })
    }

    fn unregister_number<'a>(
        &'a self,
        tenant: TenantId,
        _: PhoneNumberId,
        did_number: &'a str,
        before: Option<&'a Registration>,
    ) -> Doing<'a, ()> {
        Box::pin(async move {
            self.owners.is_no_others(tenant, did_number)?;
            numbers::unregister(&self.client, &self.webhooks, did_number, before).await
        })
    }

    fn on_inbound_call(&self, call: &CallMetadata) -> Result<(), CarrierError> {
        call.belongs_to(self.account()).map_err(|wrong| CarrierError::new(ErrorCode::TwilioInvalidWebhook, wrong))
    }

    fn hang_up<'a>(&'a self, carrier_call_id: &'a str, how: HangUp) -> Doing<'a, ()> {
        Box::pin(calls::hang_up(&self.client, carrier_call_id, how))
    }

    fn transfer<'a>(&'a self, carrier_call_id: &'a str, url: &'a str) -> Doing<'a, ()> {
        Box::pin(calls::redirect(&self.client, carrier_call_id, url))
    }

    fn call<'a>(&'a self, carrier_call_id: &'a str) -> Doing<'a, Option<Found>> {
        Box::pin(calls::fetch(&self.client, carrier_call_id))
    }

    fn calls<'a>(&'a self, from: &'a str, to: &'a str, since: Timestamp) -> Doing<'a, Vec<Found>> {
        Box::pin(calls::list(&self.client, from, to, since))
    }

    fn health(&self) -> Doing<'_, ()> {
        Box::pin(self.client.health())
    }
}

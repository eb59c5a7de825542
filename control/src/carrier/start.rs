//! What happens at the start, beside the service: is the carrier there, does its number lead here, what does it report?
//!
//! None of it keeps the service from starting: calls come in whether or not they can be placed.

use std::sync::{Arc, Weak};

use engine::wire::Sid;
use tokio::sync::mpsc;

use super::registrar::{self, without_secrets};
use super::{CallReport, TelephonyProvider};
use crate::app::App;
use crate::calls::hearing;
use crate::mask::Masked;
use crate::model::{PhoneNumberId, TenantId};

/// Does it all in the background.
pub(crate) fn start(app: &Arc<App>) {
    if let Some(reports) = app.carriers.take_reports() {
        tokio::spawn(hear(Arc::downgrade(app), reports));
    }
    tokio::spawn(registrar::keep_walking(Arc::downgrade(app)));
    let Some(carrier) = app.carriers.for_tenant(TenantId::DEFAULT) else { return };
    let settings = &app.config.carrier;
    let number = settings.number.as_ref().filter(|_| settings.register_numbers).map(|number| number.as_str());
    // What a tenant has is the registrar's.
    let number = number.filter(|number| app.directory.line(number).number.is_none()).map(str::to_owned);
    tokio::spawn(async move {
        let name = carrier.provider_type();
        match carrier.health().await {
            Ok(()) => tracing::info!(carrier = ?name, account = carrier.account(), "the carrier answers"),
            Err(error) => tracing::warn!(carrier = ?name, %error, "the carrier is not there: no calls can be placed"),
        }
        if let Some(number) = number {
            register(carrier.as_ref(), &number).await;
        }
    });
}

async fn register(carrier: &dyn TelephonyProvider, number: &str) {
    let shown = Masked(number);
    // The operator's own number has a record of the service's only where a tenant has it.
    match carrier.register_number(TenantId::DEFAULT, PhoneNumberId::new(), number).await {
        Ok(None) => tracing::error!(number = %shown, "the account has no such number: buy or port it there"),
        Ok(Some(before)) if before.0.is_empty() => {
            tracing::info!(number = %shown, "the number leads here, as it did before")
        }
        Ok(Some(before)) => {
            let before = before.0.get("voice_url").map_or("", |url| without_secrets(url));
            tracing::warn!(number = %shown, before, "the number was pointed here (OFFHOOK_REGISTER_NUMBERS)");
        }
        Err(error) => tracing::error!(number = %shown, %error, "the number could not be pointed here"),
    }
}

/// Has what a carrier of this process reports written down, as a webhook's report is.
async fn hear(app: Weak<App>, mut reports: mpsc::Receiver<CallReport>) {
    while let Some(report) = reports.recv().await {
        let Some(app) = app.upgrade() else { return };
        let Some(sid) = Sid::parse(&report.carrier_call_id) else { continue };
        let named = super::mock::call_id(&report.carrier_call_id);
        match hearing::hear(&app, || app.chronicle.report(&sid, named, &report)).await {
            Ok(heard) if report.status.is_final() => hearing::over(&app, &sid, heard),
            Ok(_) => {}
            Err(why) => tracing::error!(call = report.carrier_call_id, ?why, "a report is on no disk"),
        }
    }
}

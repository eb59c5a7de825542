//! Tenants' numbers at their carriers: pointed here while they are active and Twilio's, put back to what they were before
//! when they are not.
//!
//! ```text
//! created, changed ─► settle, for as long as somebody waits ─► what became of it, in the answer
//! start, every 10 min ─► every number that is not where it is to be, one after another
//! deleted ─► put back, and only then deleted
//! ```
//! *Away:* a carrier that cannot be reached keeps nobody from making a number; the next walk finds it. *Twice:* a number that
//! leads here already is left as it is, and what was remembered of it stays.

use std::collections::HashSet;
use std::sync::{Arc, Weak};
use std::time::Duration;

use serde::Serialize;

use super::{CarrierError, ErrorCode, Registration, TelephonyProvider};
use crate::app::{App, Phase};
use crate::db::StoreError;
use crate::mask::Masked;
use crate::model::{PhoneNumberRecord, ProviderType, Registered, TenantId};

/// How long whoever makes or changes a number waits for its carrier, which is asked all the same.
const ANSWER_WAIT: Duration = Duration::from_secs(10);
/// From the end of one walk to the next.
const WALK: Duration = Duration::from_secs(10 * 60);
/// Between two numbers of a walk: other questions come first.
const STEP: Duration = Duration::from_millis(100);
/// Numbers that are read at once.
const PAGE: u32 = 100;

/// What became of a number at its carrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Standing {
    /// Calls to it come here.
    Registered,
    /// It is what it was before.
    PutBack,
    /// The account has no such number.
    Missing,
    /// The carrier could not be reached.
    Away,
    /// The carrier said no.
    Refused,
    /// Nothing was asked of any carrier.
    LeftAlone,
}

impl Standing {
    /// Their words.
    pub(crate) const WORDS: &'static [&'static str] =
        &["registered", "put_back", "missing", "away", "refused", "left_alone"];
}

/// What became of a number at its carrier, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct AtCarrier {
    /// In a word.
    pub(crate) state: Standing,
    /// For people.
    pub(crate) detail: String,
    /// The account where it leads here now.
    #[serde(skip)]
    pub(crate) account: Option<String>,
}

impl AtCarrier {
    fn new(state: Standing, detail: impl Into<String>, account: Option<String>) -> Self {
        Self { state, detail: detail.into(), account }
    }

    fn failed(error: &CarrierError, account: Option<String>) -> Self {
        let state = if is_away(error) { Standing::Away } else { Standing::Refused };
        Self::new(state, format!("{}. {LATER}", error.message), account)
    }
}

const LATER: &str = "It is tried again every ten minutes and at every start";
const MISSING: &str = "the account has no such number: buy or port it there, or make the account that has it the tenant's \
                       own. It is looked for again every ten minutes and at every start";
const SLOW: &str = "the carrier has not answered yet: it is asked all the same";
const NO_URL: &str = "OFFHOOK_PUBLIC_URL is not set, so there is nothing that it could be pointed at";
const NO_ACCOUNT: &str = "neither the tenant nor the service has an account at Twilio that can be used";
const NOT_WANTED: &str = "only active numbers of Twilio's are pointed here by the service";

/// Whether the same may fare better soon, without anybody doing anything.
pub(crate) fn is_away(error: &CarrierError) -> bool {
    matches!(error.code.general(), ErrorCode::NetworkError | ErrorCode::RateLimit)
}

/// Has a number lead where it is to, as far as its carrier answers in time.
pub(crate) async fn settled(app: &Arc<App>, number: &PhoneNumberRecord) -> AtCarrier {
    let (app, wanted) = (Arc::clone(app), number.clone());
    let work = tokio::spawn(async move { settle(&app, &wanted).await });
    match tokio::time::timeout(ANSWER_WAIT, work).await {
        Ok(Ok(at)) => at,
        _ => AtCarrier::new(Standing::Away, SLOW, number.carrier_account.clone()),
    }
}

/// Puts a number back that is about to be deleted. A carrier that refuses it, for ever perhaps, keeps nobody from deleting it.
///
/// # Errors
/// The carrier is away, and the number still leads here.
pub(crate) async fn let_go(app: &Arc<App>, number: &PhoneNumberRecord) -> Result<(), CarrierError> {
    let (shared, its) = (Arc::clone(app), number.clone());
    let work = tokio::spawn(async move { put_back(&shared, &its).await });
    match tokio::time::timeout(ANSWER_WAIT, work).await {
        Ok(Ok(Err(error))) if is_away(&error) => Err(error),
        Ok(Ok(_)) => Ok(()),
        _ => Err(CarrierError::new(ErrorCode::NetworkError, "the carrier did not answer in time")),
    }
}

/// Puts a number back that was pointed here again while it was deleted.
pub(crate) async fn put_back_gone(app: &App, number: &PhoneNumberRecord, there: &Registered) {
    if let Some(carrier) = app.carriers.of_account_id(number.tenant_id, &there.account) {
        let _ = undo(carrier.as_ref(), number, &there.before).await;
    }
}

/// Puts back what leads here at an account that its tenant no longer has: the last time that anybody can.
pub(crate) async fn leave(app: Arc<App>, tenant: TenantId, carrier: Arc<dyn TelephonyProvider>) {
    loop {
        let numbers = app.store.numbers_at(tenant, carrier.account(), PAGE).await.unwrap_or_default();
        if numbers.is_empty() {
            return;
        }
        for number in numbers {
            if let Ok(Some(there)) = app.store.registration(tenant, number.id).await {
                let _ = undo(carrier.as_ref(), &number, &there.before).await;
            }
            if app.store.forget_registration(tenant, number.id).await.is_err() {
                return;
            }
            app.clock.sleep_until(app.clock.now() + STEP).await;
        }
    }
}

/// Has a tenant's numbers lead where they are to: it has another account now.
pub(crate) async fn settle_all(app: Arc<App>, tenant: TenantId) {
    walk(&app, Some(tenant)).await;
}

/// Walks through the numbers that are not where they are to be, now and every ten minutes, until the service goes.
pub(crate) async fn keep_walking(app: Weak<App>) {
    loop {
        let Some(app) = app.upgrade() else { return };
        walk(&app, None).await;
        let clock = app.clock.clone();
        drop(app);
        clock.sleep_until(clock.now() + WALK).await;
    }
}

async fn walk(app: &App, tenant: Option<TenantId>) {
    if app.config.public.is_none() {
        return;
    }
    let operators = app.config.account_sid.clone().unwrap_or_default();
    let (mut after, mut away) = (None, HashSet::new());
    loop {
        let numbers = match app.store.numbers_elsewhere(tenant, &operators, after, PAGE).await {
            Ok(numbers) => numbers,
            Err(error) => return tracing::warn!(%error, "numbers wait for the database to be pointed here"),
        };
        let Some(last) = numbers.last() else { return };
        after = Some(last.id);
        for number in numbers {
            let account = carrier_of(app, &number).map(|carrier| carrier.account().to_owned());
            let account = account.or_else(|| number.carrier_account.clone()).unwrap_or_default();
            if away.contains(&account) {
                continue;
            }
            if app.phase() != Phase::Open {
                return;
            }
            if settle(app, &number).await.state == Standing::Away {
                away.insert(account);
            }
            app.clock.sleep_until(app.clock.now() + STEP).await;
        }
    }
}

/// Whether a number is to lead here.
fn is_wanted(number: &PhoneNumberRecord) -> bool {
    number.is_active && number.provider_type == ProviderType::Twilio
}

/// Where a number is to be registered, if anywhere.
fn carrier_of(app: &App, number: &PhoneNumberRecord) -> Option<Arc<dyn TelephonyProvider>> {
    let carrier = app.carriers.for_tenant(number.tenant_id).filter(|_| is_wanted(number));
    carrier.filter(|carrier| carrier.provider_type() == ProviderType::Twilio)
}

async fn settle(app: &App, number: &PhoneNumberRecord) -> AtCarrier {
    let there = || number.carrier_account.clone();
    if !is_wanted(number) {
        return match (there(), put_back(app, number).await) {
            (None, _) => AtCarrier::new(Standing::LeftAlone, NOT_WANTED, None),
            (Some(_), Ok(())) => AtCarrier::new(Standing::PutBack, "it is again what it was before it came here", None),
            (account, Err(error)) => AtCarrier::failed(&error, account),
        };
    }
    let Some(carrier) = carrier_of(app, number) else {
        return AtCarrier::new(Standing::LeftAlone, NO_ACCOUNT, there());
    };
    if app.config.public.is_none() {
        return AtCarrier::new(Standing::LeftAlone, NO_URL, there());
    }
    let (account, is_here) = (carrier.account(), "calls to it come here");
    if number.carrier_account.as_deref() == Some(account) {
        return AtCarrier::new(Standing::Registered, is_here, there());
    }
    match register(app, carrier.as_ref(), number).await {
        Ok(true) => AtCarrier::new(Standing::Registered, is_here, Some(account.to_owned())),
        Ok(false) => AtCarrier::new(Standing::Missing, MISSING, there()),
        Err(error) => AtCarrier::failed(&error, there()),
    }
}

/// Points a number here, and remembers what it was; false where the account has it not.
async fn register(
    app: &App,
    carrier: &dyn TelephonyProvider,
    number: &PhoneNumberRecord,
) -> Result<bool, CarrierError> {
    let (tenant, id, account, shown) = (number.tenant_id, number.id, carrier.account(), Masked(&number.did_number));
    let asked = carrier.register_number(tenant, id, &number.did_number).await;
    let asked =
        asked.inspect_err(|error| tracing::warn!(number = %shown, %tenant, %error, "a number is not pointed here"));
    let Some(before) = asked? else {
        tracing::warn!(number = %shown, %tenant, account, "a number is not at its account");
        return Ok(false);
    };
    match app.store.keep_registration(tenant, id, account, &before).await {
        Ok(true) => {
            let was = before.0.get("voice_url").map(|url| without_secrets(url));
            tracing::info!(number = %shown, %tenant, account, was, "a number leads here");
            return Ok(true);
        }
        Ok(false) => tracing::info!(number = %shown, %tenant, "a number was taken away while it was pointed here"),
        Err(error) => tracing::error!(number = %shown, %tenant, %error, "what a number was cannot be written down"),
    }
    // What is not remembered could not be put back later.
    if !before.0.is_empty() {
        undo(carrier, number, &before).await?;
    }
    Err(CarrierError::new(ErrorCode::NetworkError, "it could not be written down what the number was before"))
}

/// Puts a number back where it leads here, and forgets what it was.
async fn put_back(app: &App, number: &PhoneNumberRecord) -> Result<(), CarrierError> {
    let (tenant, id) = (number.tenant_id, number.id);
    let away = |error: StoreError| CarrierError::new(ErrorCode::NetworkError, error.to_string());
    let Some(there) = app.store.registration(tenant, id).await.map_err(away)? else { return Ok(()) };
    let Some(carrier) = app.carriers.of_account_id(tenant, &there.account) else {
        let message = format!("the account {}, where it was pointed here, is not known any more", there.account);
        return Err(CarrierError::new(ErrorCode::InvalidConfig, message));
    };
    undo(carrier.as_ref(), number, &there.before).await?;
    app.store.forget_registration(tenant, id).await.map_err(away)
}

async fn undo(
    carrier: &dyn TelephonyProvider,
    number: &PhoneNumberRecord,
    before: &Registration,
) -> Result<(), CarrierError> {
    let (tenant, account, shown) = (number.tenant_id, carrier.account(), Masked(&number.did_number));
    let before = Some(before).filter(|before| !before.0.is_empty());
    let done = carrier.unregister_number(tenant, number.id, &number.did_number, before).await;
    let to = before.and_then(|before| before.0.get("voice_url")).map(|url| without_secrets(url));
    match &done {
        Ok(()) => tracing::info!(number = %shown, %tenant, account, to, "a number was put back"),
        Err(error) => tracing::warn!(number = %shown, %tenant, account, to, %error, "a number was not put back"),
    }
    done
}

/// A URL's host and path: before them may be a password, behind them a token.
pub(super) fn without_secrets(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    rest.rsplit_once('@').map_or(rest, |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_secret_in_a_url_is_not_logged() {
        assert_eq!(without_secrets("https://user:pass@a.example/voice?key=1#rt"), "a.example/voice");
        assert_eq!(without_secrets("https://a.example/v@x"), "x", "rather too little than too much");
        assert_eq!(without_secrets(""), "");
    }
}

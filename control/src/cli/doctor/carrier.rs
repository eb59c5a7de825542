//! Does the carrier answer and take the credentials, and does the account's number lead here?

use tokio::sync::mpsc;

use super::finding::Finding;
use crate::carrier::{
    CarrierError, Credentials, ErrorCode, Factory, Pointing, TelephonyProvider as _, Twilio, TwilioSettings, Webhooks,
};
use crate::clock::Clock;
use crate::config::{Config, PublicUrl, settings};
use crate::mask::Masked;

const SUBJECT: &str = "carrier";

/// Asks it; nothing is changed there.
pub(super) async fn carrier(config: &Config) -> Vec<Finding> {
    let Credentials::Twilio { account_sid, auth_tokens } = Credentials::of(config) else {
        return vec![Finding::ok(SUBJECT, "none: calls that are placed live in this process and reach nobody")];
    };
    let public = config.public.clone().unwrap_or_else(|| PublicUrl::of_address(config.listen, config.tls.is_some()));
    // Who waits for the doctor is told at once.
    let settings = TwilioSettings { retries_max: 0, ..config.twilio.clone() };
    let (report, _) = mpsc::channel(1);
    let webhooks = Webhooks::under(&public, settings.fallback_url.as_deref());
    let factory = Factory::new(settings, webhooks, Clock::machine(), report);
    let twilio = match factory.and_then(|factory| factory.twilio(account_sid, auth_tokens)) {
        Ok(twilio) => twilio,
        Err(error) => return vec![refused(&error)],
    };
    if let Err(error) = twilio.health().await {
        return vec![refused(&error)];
    }
    let found = format!("{} answers, and takes the credentials of {}", config.twilio.base_url, twilio.account());
    vec![Finding::ok(SUBJECT, found), number(config, &twilio).await]
}

/// The service runs without it, as far as calls come in; wrong credentials check no signatures either.
fn refused(error: &CarrierError) -> Finding {
    let (found, fix) = error.message.split_once(": ").unwrap_or((&error.message, "run `offhook doctor` again"));
    let code = error.carrier_code.map_or(String::new(), |code| format!(" (carrier's code {code})"));
    let found = format!("{found}{code}");
    match error.code {
        ErrorCode::TwilioNetworkError | ErrorCode::TwilioTimeout | ErrorCode::TwilioRateLimit => {
            Finding::warn(SUBJECT, found, fix)
        }
        _ => Finding::fail(SUBJECT, found, fix),
    }
}

async fn number(config: &Config, twilio: &Twilio) -> Finding {
    let name = settings::PHONE_NUMBER.name;
    let Some(number) = &config.carrier.number else {
        return Finding::ok(SUBJECT, format!("{name} is not set: calls are placed from tenants' own numbers"));
    };
    let shown = format!("{name} {}", Masked(number.as_str()));
    let point = "point it at OFFHOOK_PUBLIC_URL/twilio/voice in Twilio's console, or set OFFHOOK_REGISTER_NUMBERS=true";
    match twilio.pointing(number.as_str()).await {
        Ok(Pointing::Here) => Finding::ok(SUBJECT, format!("{shown} leads here")),
        Ok(Pointing::Elsewhere) => Finding::warn(SUBJECT, format!("{shown} leads to another URL"), point),
        Ok(Pointing::Nowhere) => {
            Finding::warn(SUBJECT, format!("{shown} leads nowhere: who calls it hears a fault"), point)
        }
        Ok(Pointing::Captured) => {
            Finding::warn(SUBJECT, format!("{shown} belongs to an application or a trunk, not to a URL"), point)
        }
        Ok(Pointing::NotOurs) => {
            let fix = "buy or port it there, or name the account that has it: no call can be placed from it";
            Finding::fail(SUBJECT, format!("{shown} is no number of the account's"), fix)
        }
        Err(error) => refused(&error),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn wrong_credentials_are_a_failure_and_a_carrier_that_is_away_is_a_warning() {
        let check = |code, verdict| {
            let finding = refused(&CarrierError::new(code, "it is so: do that"));
            let shown = (finding.verdict, finding.found.as_str(), finding.fix.as_deref());
            assert_eq!(shown, (verdict, "it is so", Some("do that")), "{code}");
        };
        check(ErrorCode::TwilioAuthError, Verdict::Fail);
        check(ErrorCode::InvalidConfig, Verdict::Fail);
        check(ErrorCode::TwilioNetworkError, Verdict::Warn);
        check(ErrorCode::TwilioTimeout, Verdict::Warn);
    }
}

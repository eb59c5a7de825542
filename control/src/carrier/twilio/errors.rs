//! What a no of Twilio's means, and whether what was asked for may have been done all the same.
//!
//! ```text
//! no connection, 3xx, 4xx, 429     it was not done
//! time-out, broken connection      nobody knows
//! 5xx, 2xx that makes no sense     nobody knows
//! ```
//! The HTTP status decides; Twilio's code, which it splits and adds to, only makes the message better. Twilio's own words
//! repeat what it was given, telephone numbers included, so digits are hidden in them.

use serde::Deserialize;

use super::super::{CarrierError, ErrorCode};

/// Of Twilio's own words and links, so many letters at most.
const WORDS_MAX: usize = 200;

/// The body of a refusal, in either of the forms that Twilio's products have.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Body {
    code: Option<u32>,
    #[serde(alias = "detail")]
    message: Option<String>,
    #[serde(alias = "type")]
    more_info: Option<String>,
}

/// An answer that is not 2xx.
pub(super) fn refused(status: u16, body: &[u8]) -> CarrierError {
    let body: Body = serde_json::from_slice(body).unwrap_or_default();
    let (code, message) = match (status, body.code.and_then(meaning)) {
        (401 | 403, _) => (ErrorCode::TwilioAuthError, credentials(status, body.code).to_owned()),
        (429, _) => (ErrorCode::TwilioRateLimit, "Twilio takes no more requests at once: ask again later".to_owned()),
        (400..=499, Some((code, message))) => (code, message.to_owned()),
        (404, None) => (ErrorCode::SessionNotFound, "Twilio knows no such thing in this account".to_owned()),
        (400..=499, None) => (ErrorCode::TwilioCallFailed, unknown(status, body.message.as_deref())),
        (300..=399, _) => (ErrorCode::InvalidConfig, REDIRECTED.to_owned()),
        _ => (ErrorCode::TwilioNetworkError, format!("Twilio is in trouble (it answered {status}): ask again later")),
    };
    let link = body.more_info.filter(|link| link.starts_with("https://") && link.len() <= WORDS_MAX);
    CarrierError {
        carrier_code: body.code,
        http_status: Some(status),
        link,
        may_have_happened: !(300..=499).contains(&status),
        ..CarrierError::new(code, message)
    }
}

const REDIRECTED: &str = "what answers at TWILIO_BASE_URL sends us elsewhere, and credentials do not follow: name the \
                          place itself, as a rule https://api.twilio.com";

fn credentials(status: u16, code: Option<u32>) -> &'static str {
    match (status, code) {
        (_, Some(20_005 | 10_001)) => {
            "the account is not active: see in Twilio's console why it is suspended or closed"
        }
        (401, _) => {
            "Twilio does not take the credentials: see that TWILIO_AUTH_TOKEN is a token of the account of \
             TWILIO_ACCOUNT_SID, and that TWILIO_BASE_URL is of the account's region"
        }
        _ => "the account may not do this: see its permissions, and those of the token, in Twilio's console",
    }
}

/// What Twilio's codes say of a request that was ours to make right.
fn meaning(code: u32) -> Option<(ErrorCode, &'static str)> {
    use ErrorCode::{InvalidConfig, SessionNotFound, TwilioCallFailed};
    Some(match code {
        20_404 => (SessionNotFound, "Twilio knows no such thing in this account"),
        21_201 | 21_211 | 21_217 => {
            (TwilioCallFailed, "the called number is none: write it in E.164, such as + and country code")
        }
        21_205 => (InvalidConfig, "Twilio cannot use the URL that it was given: see OFFHOOK_PUBLIC_URL"),
        21_402 | 21_403 | 21_405 => (InvalidConfig, "Twilio cannot use a webhook's URL: see OFFHOOK_PUBLIC_URL"),
        21_609 => {
            let fix = "Twilio cannot use the URL for reports: OFFHOOK_PUBLIC_URL must have no underscore in its host";
            (InvalidConfig, fix)
        }
        21_210 | 21_212 | 21_213 => (
            TwilioCallFailed,
            "the calling number is not the account's: call from a number that was bought or verified there",
        ),
        21_214 => (TwilioCallFailed, "the called number cannot be reached by this carrier"),
        21_215 | 21_216 | 13_225 | 13_227 => (
            TwilioCallFailed,
            "the account may not call there: open the country in Twilio's console (Voice, Geo Permissions)",
        ),
        21_219 => {
            (TwilioCallFailed, "a trial account calls verified numbers only: verify the number, or upgrade the account")
        }
        21_220 => (SessionNotFound, "the call is not in a state for that: it is over, or was not answered yet"),
        _ => return None,
    })
}

fn unknown(status: u16, words: Option<&str>) -> String {
    match words.map(str::trim).filter(|words| !words.is_empty()) {
        Some(words) => format!("Twilio refused it ({status}): {}", without_digits(words)),
        None => format!("Twilio refused it ({status}) and does not say why: see the account's debugger"),
    }
}

/// Words with every run of three and more digits hidden.
fn without_digits(words: &str) -> String {
    let mut shown = String::new();
    let mut run = String::new();
    for letter in words.chars().take(WORDS_MAX).chain(['\n']) {
        if letter.is_ascii_digit() {
            run.push(letter);
            continue;
        }
        shown.push_str(if run.len() >= 3 { "•••" } else { &run });
        run.clear();
        shown.extend(Some(letter).filter(|letter| !letter.is_control()));
    }
    shown
}

/// No answer, or none that is whole.
pub(super) fn unreached(error: &reqwest::Error) -> CarrierError {
    if error.is_builder() {
        return CarrierError::new(
            ErrorCode::InvalidConfig,
            "TWILIO_BASE_URL and the account make no URL: correct them",
        );
    }
    if error.is_connect() {
        // The time for connecting is over before the one for the whole, so nothing was sent.
        let message = "no connection to Twilio: see that its name resolves, that a firewall lets HTTPS out, that its \
                       certificate is taken, and that TWILIO_BASE_URL and HTTPS_PROXY are what they should be";
        return CarrierError::new(ErrorCode::TwilioNetworkError, message);
    }
    let (code, message) = if error.is_timeout() {
        (ErrorCode::TwilioTimeout, "Twilio did not answer in time: it may have done what it was asked for")
    } else {
        (ErrorCode::TwilioNetworkError, "the connection to Twilio broke: it may have done what it was asked for")
    };
    CarrierError { may_have_happened: true, ..CarrierError::new(code, message) }
}

/// An answer of 2xx that is not what Twilio answers.
pub(super) fn senseless(status: u16, why: &str) -> CarrierError {
    let message = format!("the answer to Twilio's {status} {why}: see that TWILIO_BASE_URL is Twilio's");
    CarrierError {
        http_status: Some(status),
        may_have_happened: true,
        ..CarrierError::new(ErrorCode::TwilioNetworkError, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, body: &str) -> CarrierError {
        refused(status, body.as_bytes())
    }

    #[test]
    fn the_status_decides_and_whether_it_happened_hangs_on_it_alone() {
        let check = |status, code: ErrorCode, maybe| {
            for body in ["", "<html>", "{}", r#"{"code": 99999, "message": "x", "status": 1}"#] {
                let error = of(status, body);
                assert_eq!(
                    (error.code, error.may_have_happened, error.http_status),
                    (code, maybe, Some(status)),
                    "{body}"
                );
            }
        };
        check(301, ErrorCode::InvalidConfig, false);
        check(400, ErrorCode::TwilioCallFailed, false);
        check(401, ErrorCode::TwilioAuthError, false);
        check(403, ErrorCode::TwilioAuthError, false);
        check(429, ErrorCode::TwilioRateLimit, false);
        check(500, ErrorCode::TwilioNetworkError, true);
        check(503, ErrorCode::TwilioNetworkError, true);
    }

    #[test]
    fn twilios_code_and_link_are_kept_and_its_words_never_hold_a_number() {
        let said = r#"{"code": 21211, "status": 400, "message": "The number +15551234567 is not valid.",
            "more_info": "https://www.twilio.com/docs/errors/21211"}"#;
        let error = of(400, said);
        assert_eq!((error.code, error.carrier_code), (ErrorCode::TwilioCallFailed, Some(21_211)));
        assert_eq!(error.link.as_deref(), Some("https://www.twilio.com/docs/errors/21211"));
        let unknown = of(400, &said.replace("21211", "21999").replace("+15551234567", "+1 (555) 123-4567"));
        assert!(unknown.message.contains("The number +1 (•••) •••-••• is not valid."), "{unknown}");
        for error in [error, unknown] {
            assert!(!error.to_string().contains("4567"), "{error}");
        }
        assert_eq!(of(400, r#"{"code": 1, "more_info": "javascript:x"}"#).link, None);
    }

    #[test]
    fn the_newer_form_of_a_refusal_is_read_too() {
        let error =
            of(400, r#"{"type": "https://www.twilio.com/docs/errors/20001", "code": 20001, "detail": "PageSize"}"#);
        assert_eq!((error.carrier_code, error.link.is_some()), (Some(20_001), true));
        assert!(error.message.ends_with("PageSize"), "{error}");
    }
}

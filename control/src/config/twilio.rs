//! How Twilio's REST API is spoken to.

use std::time::Duration;

use super::build::{number, text_of};
use super::layers::Layers;
use super::settings::{self, Setting};
use super::values::is_loopback_authority;
use crate::carrier::TwilioSettings;

/// Longer pauses than this help nobody.
const RETRY_DELAY_MAX: Duration = Duration::from_secs(30);

/// `None` where something of it is at fault.
pub(super) fn twilio(layers: &mut Layers) -> Option<TwilioSettings> {
    let base_url = base_url(layers);
    let api_version = text_of(layers, &settings::TWILIO_API_VERSION);
    let version_fits = !api_version.is_empty() && api_version.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    if !version_fits {
        layers.fault(&settings::TWILIO_API_VERSION, format!("{api_version:?} is no version"), "write 2010-04-01");
    }
    let calls_per_second = number(layers, &settings::TWILIO_CALLS_PER_SECOND, 1, 1_000);
    let retries_max = number(layers, &settings::TWILIO_MAX_RETRIES, 0, 10);
    let fallback_url = fallback_url(layers);
    let retry_delay = duration(layers, &settings::TWILIO_RETRY_DELAY, RETRY_DELAY_MAX);
    Some(TwilioSettings {
        base_url: base_url?,
        api_version: version_fits.then_some(api_version)?,
        retries_max: u32::try_from(retries_max?).ok()?,
        retry_delay: retry_delay?,
        calls_per_second: u32::try_from(calls_per_second?).ok()?,
        fallback_url: fallback_url?,
        ..TwilioSettings::default()
    })
}

fn base_url(layers: &mut Layers) -> Option<String> {
    let setting = &settings::TWILIO_BASE_URL;
    let text = text_of(layers, setting).trim_end_matches('/').to_owned();
    let wrong = match text.split_once("://") {
        Some((_, rest)) if rest.is_empty() || rest.contains(['?', '#', '@']) => "is no base of URLs",
        Some(("https", _)) => return Some(text),
        Some(("http", rest)) if is_loopback_authority(rest.split('/').next().unwrap_or_default()) => return Some(text),
        Some(("http", _)) => "sends the account's token in the clear over a network",
        _ => "has no https:// in front",
    };
    layers.fault(setting, wrong, "write https://api.twilio.com, or http://127.0.0.1:9080 for a model on this machine");
    None
}

/// The outer `None`: it is at fault.
fn fallback_url(layers: &mut Layers) -> Option<Option<String>> {
    let setting = &settings::TWILIO_FALLBACK_URL;
    let text = text_of(layers, setting);
    if text.is_empty() {
        return Some(None);
    }
    let host = text.strip_prefix("https://").and_then(|rest| rest.split(['/', '?']).next()).unwrap_or_default();
    if host.is_empty() || text.contains(char::is_whitespace) {
        layers.fault(
            setting,
            "is no https:// URL",
            "write such as https://handler.twilio.com/twiml/EH…, or leave it out",
        );
        return None;
    }
    Some(Some(text))
}

/// `30s`, `500ms`, `2m`, or seconds.
pub(super) fn duration(layers: &mut Layers, setting: &'static Setting, max: Duration) -> Option<Duration> {
    let text = text_of(layers, setting);
    let parsed = parse(&text).filter(|duration| *duration <= max);
    if parsed.is_none() {
        let fix = format!("write such as 30s, 500ms or 2m, at most {} s", max.as_secs());
        layers.fault(setting, format!("{text:?} is no length of time that fits"), fix);
    }
    parsed
}

fn parse(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let count: u64 = digits.parse().ok()?;
    match &text[digits.len()..] {
        "ms" => Some(Duration::from_millis(count)),
        "s" | "" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_secs(count.checked_mul(60)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_has_a_unit_or_is_seconds() {
        for (text, ms) in [("30s", 30_000), ("500ms", 500), ("2m", 120_000), ("7", 7_000), ("0s", 0)] {
            assert_eq!(parse(text), Some(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "s", "1h", "-1s", "1.5s", "ms", "99999999999999999999s", "9999999999999999999m"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}

//! Numbers: pointed at this service, and put back to what they were.
//!
//! A trunk or an application takes a number away from its voice URL, so both are cleared with it, and remembered.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::{CarrierError, ErrorCode, Registration, Webhooks};
use super::client::{Client, Fields, is_sid};
use super::errors;

/// Names in the API's answers, and the form's fields that set them, in an order in which each may be set.
const FIELDS: [(&str, &str); 8] = [
    ("voice_url", "VoiceUrl"),
    ("voice_method", "VoiceMethod"),
    ("voice_fallback_url", "VoiceFallbackUrl"),
    ("voice_fallback_method", "VoiceFallbackMethod"),
    ("status_callback", "StatusCallback"),
    ("status_callback_method", "StatusCallbackMethod"),
    ("voice_application_sid", "VoiceApplicationSid"),
    ("trunk_sid", "TrunkSid"),
];

/// Where a number leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pointing {
    /// To this service.
    Here,
    /// To an application or a trunk, whatever its voice URL says.
    Captured,
    /// To another URL.
    Elsewhere,
    /// Nowhere: whoever calls it hears that the call cannot be completed.
    Nowhere,
    /// The account has no such number.
    NotOurs,
}

#[derive(Deserialize)]
struct NumbersBody {
    incoming_phone_numbers: Vec<NumberBody>,
}

/// A number, as much of it as is looked at.
#[derive(Deserialize)]
struct NumberBody {
    sid: String,
    phone_number: String,
    capabilities: Option<Capabilities>,
    #[serde(flatten)]
    rest: BTreeMap<String, serde_json::Value>,
}

#[derive(Deserialize)]
struct Capabilities {
    voice: Option<bool>,
}

impl NumberBody {
    /// A field's text; nothing where it is null or absent.
    fn text(&self, name: &str) -> &str {
        self.rest.get(name).and_then(serde_json::Value::as_str).unwrap_or_default()
    }

    fn is_captured(&self) -> bool {
        !self.text("trunk_sid").is_empty() || !self.text("voice_application_sid").is_empty()
    }

    fn points_at(&self, webhooks: &Webhooks) -> bool {
        self.text("voice_url") == webhooks.voice && !self.is_captured()
    }

    fn path(&self) -> Result<String, CarrierError> {
        if !is_sid("PN", &self.sid) {
            return Err(errors::senseless(200, "names no number"));
        }
        Ok(format!("/IncomingPhoneNumbers/{}.json", self.sid))
    }
}

/// Where a number leads now.
pub(super) async fn pointing(client: &Client, webhooks: &Webhooks, did_number: &str) -> Result<Pointing, CarrierError> {
    let number = find(client, did_number).await?;
    Ok(number.map_or(Pointing::NotOurs, |number| match number.text("voice_url") {
        _ if number.is_captured() => Pointing::Captured,
        "" => Pointing::Nowhere,
        url if url == webhooks.voice => Pointing::Here,
        _ => Pointing::Elsewhere,
    }))
}

/// Points a number here; what it was before, empty where it pointed here already. `None`: the account has no such number.
pub(super) async fn register(
    client: &Client,
    webhooks: &Webhooks,
    did_number: &str,
) -> Result<Option<Registration>, CarrierError> {
    let Some(number) = find(client, did_number).await? else { return Ok(None) };
    if number.capabilities.as_ref().is_some_and(|can| can.voice == Some(false)) {
        return Err(CarrierError::new(
            ErrorCode::InvalidConfig,
            "the number takes no calls: Twilio sold it without voice",
        ));
    }
    let before = before(&number, webhooks);
    let wanted = wanted(&number, webhooks);
    if wanted.is_empty() {
        return Ok(Some(before));
    }
    let now: NumberBody = client.set(&number.path()?, &wanted).await?;
    if !now.points_at(webhooks) {
        let message = "Twilio took the change, and the number still leads elsewhere: see it in Twilio's console";
        return Err(CarrierError::new(ErrorCode::InvalidConfig, message));
    }
    Ok(Some(before))
}

/// Puts a number back, unless somebody has pointed it elsewhere meanwhile or the account has it no more. Without a memory
/// of what it was it leads nowhere.
pub(super) async fn unregister(
    client: &Client,
    webhooks: &Webhooks,
    did_number: &str,
    before: Option<&Registration>,
) -> Result<(), CarrierError> {
    let Some(number) = find(client, did_number).await? else { return Ok(()) };
    if !number.points_at(webhooks) {
        return Ok(());
    }
    let _: NumberBody = client.set(&number.path()?, &theirs(before)).await?;
    Ok(())
}

/// Twilio's filter is a pattern: only the very number is taken.
async fn find(client: &Client, did_number: &str) -> Result<Option<NumberBody>, CarrierError> {
    let query = vec![("PhoneNumber", did_number.to_owned()), ("PageSize", "20".to_owned())];
    let listed: NumbersBody = client.get("/IncomingPhoneNumbers.json", &query).await?;
    Ok(listed.incoming_phone_numbers.into_iter().find(|number| number.phone_number == did_number))
}

fn before(number: &NumberBody, webhooks: &Webhooks) -> Registration {
    if number.points_at(webhooks) {
        return Registration::default();
    }
    Registration(FIELDS.iter().map(|(name, _)| ((*name).to_owned(), number.text(name).to_owned())).collect())
}

/// What is to be set at a number: everything, or, of one that leads here already, what nobody has set. Whatever else it
/// has then was wanted so, and would be remembered by nobody.
fn wanted(number: &NumberBody, webhooks: &Webhooks) -> Fields {
    let mut fields = ours(webhooks);
    if number.points_at(webhooks) {
        let is_unset = |field: &str| {
            let text = FIELDS.iter().find(|(_, of)| *of == field).map_or("", |(name, _)| number.text(name));
            match field {
                // A fallback to the same URL is what we set where there is no other.
                "VoiceFallbackUrl" => (text.is_empty() || text == webhooks.voice) && text != webhooks.fallback,
                "StatusCallback" => text.is_empty(),
                _ => false,
            }
        };
        fields.retain(|(field, _)| is_unset(field));
    }
    fields
}

fn ours(webhooks: &Webhooks) -> Fields {
    let value = |field: &str| match field {
        "VoiceUrl" => webhooks.voice.clone(),
        "VoiceFallbackUrl" => webhooks.fallback.clone(),
        "StatusCallback" => webhooks.status.clone(),
        "VoiceMethod" | "VoiceFallbackMethod" | "StatusCallbackMethod" => "POST".to_owned(),
        _ => String::new(),
    };
    FIELDS.iter().map(|(_, field)| (*field, value(field))).collect()
}

fn theirs(before: Option<&Registration>) -> Fields {
    let was = |name: &str| before.and_then(|before| before.0.get(name)).cloned().unwrap_or_default();
    let leads = !was("voice_url").is_empty() || !was("voice_application_sid").is_empty();
    let value = |name: &str| match was(name) {
        // A method cannot be cleared, and a fallback is not taken where there is nothing to fall back from.
        method if name.ends_with("_method") && method.is_empty() => "POST".to_owned(),
        _ if name == "voice_fallback_url" && !leads => String::new(),
        was => was,
    };
    FIELDS.iter().map(|(name, field)| (*field, value(name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_memory_everything_is_cleared_and_methods_are_posts() {
        let fields = theirs(None);
        assert_eq!(fields.len(), FIELDS.len());
        assert!(
            fields.iter().all(|(name, value)| value == if name.ends_with("Method") { "POST" } else { "" }),
            "{fields:?}"
        );
    }

    #[test]
    fn a_fallback_that_twilio_would_not_take_is_left_out() {
        let registration = |pairs: &[(&str, &str)]| {
            Registration(pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect())
        };
        let fallback = |before: &Registration| {
            theirs(Some(before)).into_iter().find(|(name, _)| *name == "VoiceFallbackUrl").unwrap().1
        };
        assert_eq!(fallback(&registration(&[("voice_fallback_url", "https://f"), ("trunk_sid", "TK1")])), "");
        assert_eq!(
            fallback(&registration(&[("voice_fallback_url", "https://f"), ("voice_url", "https://v")])),
            "https://f"
        );
    }
}

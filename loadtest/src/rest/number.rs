//! The account's numbers (IncomingPhoneNumbers): which webhook answers when one is called.

use serde_json::{Value, json};

use super::answer::Refusal;
use super::given::Given;
use super::phone;
use crate::rng::Rng;
use crate::twilio::url::Url;
use crate::twilio::{date, ids};

/// A number and its webhooks, as configured; empty texts are unset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NumberPlan {
    /// In E.164.
    pub phone_number: String,
    /// By default the number, formatted.
    pub friendly_name: String,
    /// Asked for TwiML when the number is called.
    pub voice_url: String,
    /// By GET instead of POST.
    pub voice_get: bool,
    /// Asked when that fails.
    pub voice_fallback_url: String,
    /// By GET instead of POST.
    pub voice_fallback_get: bool,
    /// Told of the end of each call.
    pub status_callback: String,
    /// By GET instead of POST.
    pub status_callback_get: bool,
    /// While set, Twilio asks the application and not [`Self::voice_url`].
    pub voice_application_sid: String,
    /// While set, calls go to the trunk and not to [`Self::voice_url`].
    pub trunk_sid: String,
    /// Whether `CallerName` is looked up.
    pub voice_caller_id_lookup: bool,
}

/// A number of an account.
#[derive(Clone, Debug)]
pub struct Number {
    /// `PN…`
    pub sid: String,
    /// As it is set now.
    pub plan: NumberPlan,
    created_unix_s: u64,
    updated_unix_s: u64,
}

impl Number {
    /// A number that was bought at that moment.
    #[must_use]
    pub fn new(mut plan: NumberPlan, unix_s: u64, rng: &mut Rng) -> Self {
        if plan.friendly_name.is_empty() {
            plan.friendly_name = phone::formatted(&plan.phone_number);
        }
        Self { sid: ids::sid("PN", rng), plan, created_unix_s: unix_s, updated_unix_s: unix_s }
    }

    /// Changes what `form` gives: an empty value clears, an absent one changes nothing. All of it or, where something
    /// is wrong, nothing.
    ///
    /// # Errors
    /// 21402 for a URL that is none, 21403 for a method, 21405 for a fallback without a URL to fall back from.
    pub fn update(&mut self, form: &Given, unix_s: u64) -> Result<(), Refusal> {
        let mut plan = self.plan.clone();
        set_url(&mut plan.voice_url, form, "VoiceUrl")?;
        set_url(&mut plan.voice_fallback_url, form, "VoiceFallbackUrl")?;
        set_url(&mut plan.status_callback, form, "StatusCallback")?;
        set_method(&mut plan.voice_get, form, "VoiceMethod")?;
        set_method(&mut plan.voice_fallback_get, form, "VoiceFallbackMethod")?;
        set_method(&mut plan.status_callback_get, form, "StatusCallbackMethod")?;
        set_sid(&mut plan.voice_application_sid, form, "VoiceApplicationSid", "AP")?;
        set_sid(&mut plan.trunk_sid, form, "TrunkSid", "TK")?;
        // Twilio: a trunk takes the number away from application and URL, and the other way round.
        if form.filled("TrunkSid").is_some() {
            plan.voice_application_sid.clear();
        } else if form.filled("VoiceApplicationSid").is_some() {
            plan.trunk_sid.clear();
        }
        if let Some(name) = form.get("FriendlyName") {
            if name.chars().count() > 64 {
                return Err(Refusal::parameter("FriendlyName has more than 64 letters"));
            }
            name.clone_into(&mut plan.friendly_name);
        }
        if let Some(lookup) = form.get("VoiceCallerIdLookup") {
            plan.voice_caller_id_lookup = lookup.eq_ignore_ascii_case("true");
        }
        let fallback_given = form.filled("VoiceFallbackUrl").is_some();
        if fallback_given && plan.voice_url.is_empty() && plan.voice_application_sid.is_empty() {
            return Err(Refusal::bad(21_405, "Cannot set VoiceFallbackUrl without setting VoiceUrl"));
        }
        self.plan = plan;
        self.updated_unix_s = unix_s;
        Ok(())
    }

    /// As the API shows it.
    #[must_use]
    pub fn show(&self, account: &str) -> Value {
        let plan = &self.plan;
        let path = format!("/2010-04-01/Accounts/{account}/IncomingPhoneNumbers/{}", self.sid);
        json!({
            "sid": self.sid,
            "account_sid": account,
            "phone_number": plan.phone_number,
            "friendly_name": plan.friendly_name,
            "voice_url": plan.voice_url,
            "voice_method": method(plan.voice_get),
            "voice_fallback_url": plan.voice_fallback_url,
            "voice_fallback_method": method(plan.voice_fallback_get),
            "voice_application_sid": filled(&plan.voice_application_sid),
            "voice_caller_id_lookup": plan.voice_caller_id_lookup,
            "voice_receive_mode": "voice",
            "status_callback": plan.status_callback,
            "status_callback_method": method(plan.status_callback_get),
            "trunk_sid": filled(&plan.trunk_sid),
            "sms_url": "",
            "sms_method": "POST",
            "sms_fallback_url": "",
            "sms_fallback_method": "POST",
            "sms_application_sid": null,
            "address_sid": null,
            "address_requirements": "none",
            "identity_sid": null,
            "bundle_sid": null,
            "emergency_status": "Inactive",
            "emergency_address_sid": null,
            "emergency_address_status": "unregistered",
            "capabilities": { "voice": true, "sms": false, "mms": false, "fax": false },
            "beta": false,
            "origin": "twilio",
            "status": "in-use",
            "type": null,
            "api_version": "2010-04-01",
            "date_created": date::rfc2822(self.created_unix_s),
            "date_updated": date::rfc2822(self.updated_unix_s),
            "uri": format!("{path}.json"),
            "subresource_uris": {
                "assigned_add_ons": format!("{path}/AssignedAddOns.json"),
            },
        })
    }
}

const fn method(get: bool) -> &'static str {
    if get { "GET" } else { "POST" }
}

fn filled(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

fn set_url(kept: &mut String, form: &Given, name: &str) -> Result<(), Refusal> {
    let Some(url) = form.get(name) else { return Ok(()) };
    if !url.is_empty() && !Url::parse(url).is_ok_and(|url| url.scheme.starts_with("http")) {
        return Err(Refusal::bad(21_402, format!("{name} is not a valid URL: {url}")));
    }
    url.clone_into(kept);
    Ok(())
}

fn set_method(kept: &mut bool, form: &Given, name: &str) -> Result<(), Refusal> {
    *kept = match form.filled(name) {
        None => *kept,
        Some("GET" | "get") => true,
        Some("POST" | "post") => false,
        Some(other) => return Err(Refusal::bad(21_403, format!("{name} is not a valid method: {other}"))),
    };
    Ok(())
}

fn set_sid(kept: &mut String, form: &Given, name: &str, prefix: &str) -> Result<(), Refusal> {
    let Some(sid) = form.get(name) else { return Ok(()) };
    if !sid.is_empty() && !ids::is_sid(prefix, sid) {
        return Err(Refusal::parameter(format!("{name} is not valid: {sid}; {prefix} and 32 hexadecimal digits")));
    }
    sid.clone_into(kept);
    Ok(())
}

//! The deployment's carrier, as the operator wants it.

use std::time::Duration;

use super::build::{number, optional, text_of, yes};
use super::layers::Layers;
use super::settings;
use super::twilio::duration;
use super::values::PhoneNumber;
use crate::model::ProviderType;

/// Longer than any caller listens to nothing.
const STREAM_TIMEOUT_MAX: Duration = Duration::from_secs(600);

/// Who places calls where a tenant has no account of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarrierSettings {
    /// Twilio, or nobody ([`ProviderType::Mock`]).
    pub provider: ProviderType,
    /// The number from which calls are placed where nobody names another.
    pub number: Option<PhoneNumber>,
    /// Whether that number is pointed at this service at the start.
    pub register_numbers: bool,
    /// The longest wait from a call's answer to the start of its stream.
    pub stream_timeout: Duration,
    /// What a stream's reader was to have; see the setting.
    pub stream_buffer_bytes: usize,
}

pub(super) fn carrier(layers: &mut Layers) -> Option<CarrierSettings> {
    let provider = provider(layers);
    let phone_number = optional(layers, &settings::PHONE_NUMBER, "write it as +15551234567");
    let register_numbers = yes(layers, &settings::REGISTER_NUMBERS);
    let stream_timeout = duration(layers, &settings::STREAM_TIMEOUT, STREAM_TIMEOUT_MAX);
    if stream_timeout == Some(Duration::ZERO) {
        layers.fault(&settings::STREAM_TIMEOUT, "is 0, in which no stream starts", "write such as 30s");
    }
    let stream_buffer = number(layers, &settings::STREAM_BUFFER_SIZE, 512, 1024 * 1024);
    Some(CarrierSettings {
        provider: provider?,
        number: phone_number,
        register_numbers: register_numbers?,
        stream_timeout: stream_timeout?,
        stream_buffer_bytes: usize::try_from(stream_buffer?).ok()?,
    })
}

/// Which one was said, or the one that there are credentials for.
fn provider(layers: &mut Layers) -> Option<ProviderType> {
    let text = text_of(layers, &settings::PROVIDER_TYPE).to_ascii_lowercase();
    let missing: Vec<_> = [&settings::ACCOUNT_SID, &settings::AUTH_TOKEN]
        .into_iter()
        .filter(|setting| layers.get(setting).is_none())
        .collect();
    match text.as_str() {
        "" if missing.is_empty() => Some(ProviderType::Twilio),
        "" | "mock" => Some(ProviderType::Mock),
        "twilio" => {
            for setting in missing {
                let wrong = "is not set, and TELEPHONY_PROVIDER_TYPE=twilio needs it";
                layers.fault(setting, wrong, "copy it from the Twilio console's front page");
            }
            Some(ProviderType::Twilio)
        }
        _ => {
            layers.fault(&settings::PROVIDER_TYPE, format!("{text:?} is not known"), "write twilio or mock");
            None
        }
    }
}

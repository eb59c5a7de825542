//! How a carrier says no: one code for programs, and whatever the carrier itself said.

use std::fmt;

/// What went wrong, in a word. Codes that begin with `twilio_` are of that carrier; each has a general one behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// Twilio: too many requests, and they were tried again.
    TwilioRateLimit,
    /// Twilio: the credentials are wrong.
    TwilioAuthError,
    /// Twilio: it could not be reached.
    TwilioNetworkError,
    /// Twilio: no answer in time.
    TwilioTimeout,
    /// Twilio: the call was refused.
    TwilioCallFailed,
    /// Twilio: the stream did not come up.
    TwilioStreamFailed,
    /// Twilio: a webhook that makes no sense.
    TwilioInvalidWebhook,
    /// The configuration is incomplete or wrong.
    InvalidConfig,
    /// The credentials are wrong.
    AuthError,
    /// The carrier could not be reached, or did not answer in time.
    NetworkError,
    /// Too many requests.
    RateLimit,
    /// The call was refused.
    CallFailed,
    /// There is no such call or session.
    SessionNotFound,
    /// A session could not be closed.
    CloseFailed,
    /// The shutdown did not go through.
    ShutdownError,
    /// A signature that does not fit.
    InvalidSignature,
    /// A webhook that makes no sense.
    InvalidWebhook,
    /// The stream did not come up.
    StreamFailed,
}

impl ErrorCode {
    /// As programs read it.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::TwilioRateLimit => "twilio_rate_limit",
            Self::TwilioAuthError => "twilio_auth_error",
            Self::TwilioNetworkError => "twilio_network_error",
            Self::TwilioTimeout => "twilio_timeout",
            Self::TwilioCallFailed => "twilio_call_failed",
            Self::TwilioStreamFailed => "twilio_stream_failed",
            Self::TwilioInvalidWebhook => "twilio_invalid_webhook",
            Self::InvalidConfig => "invalid_config",
            Self::AuthError => "auth_error",
            Self::NetworkError => "network_error",
            Self::RateLimit => "rate_limit",
            Self::CallFailed => "call_failed",
            Self::SessionNotFound => "session_not_found",
            Self::CloseFailed => "close_failed",
            Self::ShutdownError => "shutdown_error",
            Self::InvalidSignature => "invalid_signature",
            Self::InvalidWebhook => "invalid_webhook",
            Self::StreamFailed => "stream_failed",
        }
    }

    /// The same, whichever carrier it is.
    #[must_use]
    pub fn general(self) -> Self {
        match self {
            Self::TwilioRateLimit => Self::RateLimit,
            Self::TwilioAuthError => Self::AuthError,
            Self::TwilioNetworkError | Self::TwilioTimeout => Self::NetworkError,
            Self::TwilioCallFailed => Self::CallFailed,
            Self::TwilioStreamFailed => Self::StreamFailed,
            Self::TwilioInvalidWebhook => Self::InvalidWebhook,
            general => general,
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// A carrier's no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarrierError {
    /// In a word.
    pub code: ErrorCode,
    /// For people: what happened and, where that is known, what to do. Names no secret and no telephone number.
    pub message: String,
    /// The carrier's own number of it, such as Twilio's 21211.
    pub carrier_code: Option<u32>,
    /// The HTTP status of the carrier's answer.
    pub http_status: Option<u16>,
    /// Where the carrier explains it.
    pub link: Option<String>,
    /// Whether what was asked for may have been done all the same: then it is not asked for again, it is looked for.
    pub may_have_happened: bool,
}

impl CarrierError {
    /// One that certainly did not happen, with nothing of the carrier's own.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { code, message, carrier_code: None, http_status: None, link: None, may_have_happened: false }
    }
}

impl fmt::Display for CarrierError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)?;
        if let Some(code) = self.carrier_code {
            write!(f, " (carrier's code {code})")?;
        }
        self.link.as_ref().map_or(Ok(()), |link| write!(f, "; see {link}"))
    }
}

impl std::error::Error for CarrierError {}

//! What the carrier reports: the state of calls and streams, recordings, transcriptions. Checked, logged, counted.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;

use super::webhook::{Webhook, receive};
use crate::app::App;
use crate::http::answer::{no_content, text};
use crate::metrics::{Callback, WebhookFault};

/// What a call may be (Twilio's `CallStatus`); the last five are final.
const CALL_STATES: [&str; 9] =
    ["queued", "initiated", "ringing", "in-progress", "completed", "busy", "failed", "no-answer", "canceled"];
const FINAL_STATES_FROM: usize = 4;
const STREAM_EVENTS: [&str; 3] = ["stream-started", "stream-stopped", "stream-error"];
const RECORDING_STATES: [&str; 4] = ["in-progress", "completed", "absent", "failed"];

/// `POST /twilio/status`: a call's state changed, or something happened to a stream.
pub(crate) async fn status(State(app): State<Arc<App>>, request: Request) -> Response {
    handle(&app, request, |webhook| {
        if let Some(event) = webhook.params.get("StreamEvent") {
            let event = known(event, &STREAM_EVENTS);
            // The carrier's own words about a fault, cut short; they name no person.
            let error: String = webhook.params.get("StreamError").unwrap_or_default().chars().take(200).collect();
            tracing::info!(call = %webhook.call, event, ?error, "carrier on the stream");
            return Some(Callback::Stream);
        }
        let status = webhook.params.get("CallStatus")?;
        if CALL_STATES[FINAL_STATES_FROM..].contains(&status) {
            app.calls().over(&webhook.call);
        }
        tracing::info!(call = %webhook.call, status = known(status, &CALL_STATES), "carrier on the call");
        Some(Callback::Status)
    })
    .await
}

/// `POST /twilio/recording`: a recording's state changed.
pub(crate) async fn recording(State(app): State<Arc<App>>, request: Request) -> Response {
    handle(&app, request, |webhook| {
        let recording = webhook.params.sid("RecordingSid")?;
        let status = known(webhook.params.get("RecordingStatus")?, &RECORDING_STATES);
        tracing::info!(call = %webhook.call, %recording, status, "carrier on a recording");
        Some(Callback::Recording)
    })
    .await
}

/// `POST /twilio/transcription`: a transcription, of a recording or while the call runs. What was said is not logged.
pub(crate) async fn transcription(State(app): State<Arc<App>>, request: Request) -> Response {
    handle(&app, request, |webhook| {
        let transcription = webhook.params.sid("TranscriptionSid")?;
        let last = webhook.params.get("Final") == Some("true");
        tracing::info!(call = %webhook.call, %transcription, last, "carrier on a transcription");
        Some(Callback::Transcription)
    })
    .await
}

/// Receives a report; `note` says what it was, or nothing where its own fields are missing.
async fn handle(app: &App, request: Request, note: impl FnOnce(&Webhook) -> Option<Callback>) -> Response {
    let webhook = match receive(app, request).await {
        Ok(webhook) => webhook,
        Err(refusal) => return *refusal,
    };
    webhook.answer(match note(&webhook) {
        Some(callback) => {
            app.metrics.callbacks.count(callback);
            no_content()
        }
        None => {
            app.metrics.webhooks_refused.count(WebhookFault::Malformed);
            text(StatusCode::BAD_REQUEST, "a field that this callback always has is missing or malformed")
        }
    })
}

/// The value if it is one that we know; strangers' words do not get into the log.
fn known(value: &str, all: &[&'static str]) -> &'static str {
    all.iter().find(|known| **known == value).copied().unwrap_or("other")
}

//! What the carrier reports: the state of calls and streams, recordings, transcriptions. Checked, logged, counted.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;

use super::webhook::{Webhook, receive};
use crate::app::App;
use crate::calls::Outcome;
use crate::http::answer::{no_content, text};
use crate::journal::Lost;
use crate::metrics::{Callback, WebhookFault};
use crate::model::EndedBy;

/// What a call may be (Twilio's `CallStatus`); the last five are final.
const CALL_STATES: [&str; 9] =
    ["queued", "initiated", "ringing", "in-progress", "completed", "busy", "failed", "no-answer", "canceled"];
const FINAL_STATES_FROM: usize = 4;
const STREAM_EVENTS: [&str; 3] = ["stream-started", "stream-stopped", "stream-error"];
const RECORDING_STATES: [&str; 4] = ["in-progress", "completed", "absent", "failed"];

/// `POST /twilio/status`: a call's state changed, or something happened to a stream. What is answered 204 is on disk.
pub(crate) async fn status(State(app): State<Arc<App>>, request: Request) -> Response {
    let webhook = match receive(&app, request).await {
        Ok(webhook) => webhook,
        Err(refusal) => return *refusal,
    };
    let callback = match webhook.params.get("StreamEvent") {
        Some(event) => Some(stream_event(&webhook, event)),
        None => match webhook.params.get("CallStatus") {
            Some(status) if call_status(&app, &webhook, status).await.is_err() => {
                let line = "this cannot be written down at the moment; please say it again";
                return webhook.answer(text(StatusCode::SERVICE_UNAVAILABLE, line));
            }
            Some(_) => Some(Callback::Status),
            None => None,
        },
    };
    answer(&app, &webhook, callback)
}

fn stream_event(webhook: &Webhook, event: &str) -> Callback {
    let event = known(event, &STREAM_EVENTS);
    // The carrier's own words about a fault, cut short; they name no person.
    let error: String = webhook.params.get("StreamError").unwrap_or_default().chars().take(200).collect();
    tracing::info!(call = %webhook.call, event, ?error, "carrier on the stream");
    Callback::Stream
}

async fn call_status(app: &App, webhook: &Webhook, status: &str) -> Result<(), Lost> {
    let is_final = CALL_STATES[FINAL_STATES_FROM..].contains(&status);
    let status = known(status, &CALL_STATES);
    tracing::info!(call = %webhook.call, status, "carrier on the call");
    let over = is_final.then(|| match status {
        "completed" => Outcome::completed(EndedBy::Caller, status),
        _ => Outcome::failed(status),
    });
    let recorded = app.chronicle.carrier_status(&webhook.call, status, over).await;
    if is_final {
        app.calls().over(&webhook.call);
    }
    recorded
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
    match receive(app, request).await {
        Ok(webhook) => answer(app, &webhook, note(&webhook)),
        Err(refusal) => *refusal,
    }
}

fn answer(app: &App, webhook: &Webhook, callback: Option<Callback>) -> Response {
    webhook.answer(match callback {
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

//! What the carrier reports: the state of calls and streams, who answered, recordings, transcriptions.
//!
//! What is acknowledged is on disk, once, however often it is reported. A report of a call that is not remembered is
//! looked up; one of a call that is nowhere makes it known.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};

use super::flow;
use super::webhook::{Webhook, receive};
use crate::app::App;
use crate::calls::chronicle::{Note, Told};
use crate::calls::hearing::{self, Heard};
use crate::carrier::{CallEvent, CallReport, CarrierError};
use crate::db::StoreError;
use crate::http::answer::{self, no_content, text};
use crate::metrics::{Callback, WebhookFault};
use crate::model::{CallEventKind, CallId, CampaignId};

const STREAM_EVENTS: [&str; 3] = ["stream-started", "stream-stopped", "stream-error"];
const RECORDING_STATES: [&str; 4] = ["in-progress", "completed", "absent", "failed"];
/// Of what was transcribed in one piece, so many characters are kept.
const TRANSCRIPT_CHARS_MAX: usize = 4_000;
/// A call may be remembered, and forgotten again while a report of it is looked up: not for ever.
const LOOKS: usize = 3;

/// Why a report was not taken: each is the carrier's to repeat.
enum Unheard {
    /// Something that it always has is missing.
    Malformed,
    /// It cannot be written down, or looked up, at the moment.
    Away,
}

/// `POST /twilio/status`: a call's state changed, or something happened to a stream. What is answered 204 is on disk.
pub(crate) async fn status(State(app): State<Arc<App>>, request: Request) -> Response {
    match receive(&app, request).await {
        Ok(webhook) => {
            let heard = hear_status(&app, &webhook).await.map(|_| no_content());
            answered(&app, &webhook, heard)
        }
        Err(refusal) => *refusal,
    }
}

/// `POST /webhooks/telephony/events`: the same, for whoever wants to know what became of it.
pub(crate) async fn events(State(app): State<Arc<App>>, request: Request) -> Response {
    let webhook = match receive(&app, request).await {
        Ok(webhook) => webhook,
        Err(refusal) => return *refusal,
    };
    let heard = hear_status(&app, &webhook).await.map(|heard| {
        let body = match heard {
            Some((Heard::Processed(call), event)) => {
                json!({ "status": "processed", "call_id": call, "event_type": event.name() })
            }
            Some((Heard::Duplicate(_), _)) => json!({ "status": "duplicate" }),
            None => json!({ "status": "processed" }),
        };
        answer::json(StatusCode::OK, &body)
    });
    answered(&app, &webhook, heard)
}

/// What a report of a call's state, or of a stream's, says; `None` for a stream's.
async fn hear_status(app: &Arc<App>, webhook: &Webhook) -> Result<Option<(Heard, CallEvent)>, Unheard> {
    if let Some(event) = webhook.params.get("StreamEvent") {
        stream_event(app, webhook, event);
        return Ok(None);
    }
    let report = match app.carriers.read(webhook.params.pairs()) {
        Ok(report) => report,
        Err(error) => return hear_unread(app, webhook, &error).await.map(|()| None),
    };
    let event = report.status.event();
    let heard = hear(app, webhook, |named| app.chronicle.report(&webhook.call, named, &report)).await?;
    app.metrics.callbacks.count(Callback::Status);
    tell(webhook, &report, &heard);
    if report.status.is_final() {
        hearing::over(app, &webhook.call, heard);
    }
    Ok(Some((heard, event)))
}

/// A state that this version does not know is kept as such: carriers add some.
async fn hear_unread(app: &App, webhook: &Webhook, error: &CarrierError) -> Result<(), Unheard> {
    tracing::warn!(call = %webhook.call, %error, "a report that makes no sense");
    let status = webhook.params.get("CallStatus").ok_or(Unheard::Malformed)?;
    let place = webhook.params.get("SequenceNumber").unwrap_or(status);
    let note = || Note {
        key: format!("{}:{}", webhook.call, word(place)),
        kind: CallEventKind::CarrierStatus,
        data: json!({ "status": word(status) }),
    };
    hear(app, webhook, |named| app.chronicle.note(&webhook.call, named, note())).await?;
    app.metrics.callbacks.count(Callback::Status);
    Ok(())
}

fn tell(webhook: &Webhook, report: &CallReport, heard: &Heard) {
    let (call, event) = (webhook.call, report.status.event().name());
    let campaign = webhook.query.get("campaign_id").and_then(|id| id.parse::<CampaignId>().ok());
    let campaign = campaign.map(tracing::field::display);
    match heard {
        Heard::Processed(_) => tracing::info!(%call, event, campaign, "carrier on the call"),
        Heard::Duplicate(_) => tracing::debug!(%call, event, "carrier on the call, again"),
    }
}

fn stream_event(app: &App, webhook: &Webhook, event: &str) {
    let event = known(event, &STREAM_EVENTS);
    // The carrier's own words about a fault, cut short; they name no person.
    let error: String = webhook.params.get("StreamError").unwrap_or_default().chars().take(200).collect();
    tracing::info!(call = %webhook.call, event, ?error, "carrier on the stream");
    app.metrics.callbacks.count(Callback::Stream);
}

/// `POST /twilio/machine`: who answered, found out while the call went on.
pub(crate) async fn machine(State(app): State<Arc<App>>, request: Request) -> Response {
    keep(app, request, Callback::Machine, |webhook| {
        let answered_by = webhook.params.get("AnsweredBy")?;
        let data = json!({ "answered_by": word(answered_by), "after_ms": number(webhook, "MachineDetectionDuration") });
        Some(Note { key: format!("{}:answered_by", webhook.call), kind: CallEventKind::AnsweredBy, data })
    })
    .await
}

/// `POST /twilio/recording`: a recording's state changed.
pub(crate) async fn recording(State(app): State<Arc<App>>, request: Request) -> Response {
    keep(app, request, Callback::Recording, |webhook| {
        let recording = webhook.params.sid("RecordingSid")?;
        let status = known(webhook.params.get("RecordingStatus")?, &RECORDING_STATES);
        tracing::info!(call = %webhook.call, %recording, status, "carrier on a recording");
        let data = json!({
            "recording": recording.as_str(),
            "status": status,
            "url": webhook.params.get("RecordingUrl").map(|url| cut(url, 500)),
            "duration_s": number(webhook, "RecordingDuration"),
            "channels": number(webhook, "RecordingChannels"),
        });
        Some(Note { key: format!("{recording}:{status}"), kind: CallEventKind::Recording, data })
    })
    .await
}

/// `POST /twilio/transcription`: a transcription, of a recording or while the call runs. What was said is kept, and not
/// logged; what is not final yet is neither.
pub(crate) async fn transcription(State(app): State<Arc<App>>, request: Request) -> Response {
    keep(app, request, Callback::Transcription, |webhook| {
        let (params, transcription) = (&webhook.params, webhook.params.sid("TranscriptionSid")?);
        let event = params.get("TranscriptionEvent").or(params.get("TranscriptionStatus")).map_or("", known_stage);
        tracing::info!(call = %webhook.call, %transcription, event, "carrier on a transcription");
        let heard: Option<Value> = params.get("TranscriptionData").and_then(|data| serde_json::from_str(data).ok());
        let text = params.get("TranscriptionText").or(heard.as_ref().and_then(|heard| heard["transcript"].as_str()));
        let part = params.get("SequenceId").and_then(|part| part.parse::<u64>().ok());
        let data = json!({
            "transcription": transcription.as_str(),
            "event": event,
            "part": part,
            "final": params.get("Final") != Some("false"),
            "track": params.get("Track").map(word),
            "text": text.map(|text| cut(text, TRANSCRIPT_CHARS_MAX)),
            "confidence": heard.as_ref().and_then(|heard| heard["confidence"].as_f64()),
        });
        let key = part.map_or_else(|| format!("{transcription}:{event}"), |part| format!("{transcription}:{part}"));
        Some(Note { key, kind: CallEventKind::Transcription, data })
    })
    .await
}

/// Keeps a report; `read` says what it says, or nothing where its own fields are missing.
async fn keep(
    app: Arc<App>,
    request: Request,
    callback: Callback,
    read: impl Fn(&Webhook) -> Option<Note> + Send + Sync,
) -> Response {
    let webhook = match receive(&app, request).await {
        Ok(webhook) => webhook,
        Err(refusal) => return *refusal,
    };
    let heard = match read(&webhook) {
        Some(note) => {
            let note = &note;
            let again = || Note { key: note.key.clone(), kind: note.kind, data: note.data.clone() };
            hear(&app, &webhook, |named| app.chronicle.note(&webhook.call, named, again())).await
        }
        None => Err(Unheard::Malformed),
    };
    let heard = heard.map(|_| {
        app.metrics.callbacks.count(callback);
        no_content()
    });
    answered(&app, &webhook, heard)
}

/// Gives a report to the chronicle, which may have to be told of the call first.
async fn hear(app: &App, webhook: &Webhook, say: impl Fn(Option<CallId>) -> Told) -> Result<Heard, Unheard> {
    let named = flow::named(webhook);
    for _ in 0..LOOKS {
        match hearing::hear(app, || say(named)).await {
            Ok(heard) => return Ok(heard),
            Err(hearing::Unheard::Stranger) => look_up(app, webhook, named).await?,
            Err(hearing::Unheard::Away) => break,
        }
    }
    Err(Unheard::Away)
}

/// A call that is not remembered: an earlier one, or one that nobody here has heard of.
async fn look_up(app: &App, webhook: &Webhook, named: Option<CallId>) -> Result<(), Unheard> {
    let by_name = match named {
        Some(id) => app.store.call_anywhere(id).await,
        None => Err(StoreError::NotFound),
    };
    let stored = match by_name {
        Err(StoreError::NotFound) => app.store.call_of_carrier(webhook.call.as_str()).await,
        found => found,
    };
    match stored {
        Ok(call) => {
            let keys = app.store.carrier_keys(call.tenant_id, call.id).await.map_err(away)?;
            let line = app.line_again(&call);
            app.chronicle.adopt_one(call, line, keys);
        }
        Err(StoreError::NotFound) => app.chronicle.strange(&webhook.call, &flow::facts(app, webhook)),
        Err(error) => return Err(away(error)),
    }
    Ok(())
}

fn away(error: StoreError) -> Unheard {
    tracing::warn!(%error, "a report of the carrier cannot be looked up: it is asked to repeat it");
    Unheard::Away
}

fn answered(app: &App, webhook: &Webhook, heard: Result<Response, Unheard>) -> Response {
    webhook.answer(match heard {
        Ok(response) => response,
        Err(Unheard::Away) => {
            let line = "this cannot be written down at the moment; please say it again";
            text(StatusCode::SERVICE_UNAVAILABLE, line)
        }
        Err(Unheard::Malformed) => {
            app.metrics.webhooks_refused.count(WebhookFault::Malformed);
            text(StatusCode::BAD_REQUEST, "a field that this callback always has is missing or malformed")
        }
    })
}

/// The value if it is one that we know; strangers' words do not get into the log.
fn known(value: &str, all: &[&'static str]) -> &'static str {
    all.iter().find(|known| **known == value).copied().unwrap_or("other")
}

fn known_stage(value: &str) -> &'static str {
    let stages = [
        "transcription-started",
        "transcription-content",
        "transcription-stopped",
        "transcription-error",
        "completed",
        "failed",
    ];
    known(value, &stages)
}

/// A word of the carrier's, cut short.
fn word(value: &str) -> String {
    cut(value, 50)
}

fn cut(value: &str, chars: usize) -> String {
    value.chars().take(chars).collect()
}

fn number(webhook: &Webhook, name: &str) -> Option<u64> {
    webhook.params.get(name).and_then(|value| value.parse().ok())
}

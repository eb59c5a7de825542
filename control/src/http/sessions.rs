//! The page of live calls, `GET /twilio/sessions`: numbers masked, streams with how they go. Key or loopback.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use engine::{CallView, Progress};
use http::StatusCode;
use serde_json::{Value, json};

use super::answer::json;
use super::pages::admin;
use crate::app::App;
use crate::calls::registry::{Call, State as CallState};
use crate::clock::Moment;
use crate::mask::Masked;
use crate::model::{CallId, TenantId};

/// What is taken from the registry while it is locked; streams that begin and end wait for that lock.
struct Session {
    call: engine::wire::Sid,
    id: CallId,
    tenant: TenantId,
    from: String,
    to: String,
    state: &'static str,
    age_s: u64,
    resumes: u32,
    view: Option<CallView>,
}

/// Every live call, oldest first.
pub(crate) async fn sessions(State(app): State<Arc<App>>, request: Request) -> Response {
    if let Err(refusal) = admin(&app, &request) {
        return *refusal;
    }
    let now = app.clock.now();
    let mut sessions: Vec<Session> = app.calls().iter().map(|(sid, call)| Session::of(*sid, call, now)).collect();
    sessions.sort_by_key(|session| std::cmp::Reverse(session.age_s));
    let shown: Vec<Value> = sessions.iter().map(Session::show).collect();
    json(StatusCode::OK, &json!({"count": shown.len(), "max": app.config.limits.calls_max, "sessions": shown}))
}

impl Session {
    fn of(sid: engine::wire::Sid, call: &Call, now: Moment) -> Self {
        let state = match call.state {
            CallState::Reserved(_) => "reserved",
            CallState::Joining(_) => "joining",
            CallState::Streaming => "streaming",
            CallState::Between { .. } => "between",
        };
        Self {
            call: sid,
            id: call.facts.id,
            tenant: call.facts.line.tenant(),
            from: call.facts.from.clone(),
            to: call.facts.to.clone(),
            state,
            age_s: now.saturating_sub(call.since).as_secs(),
            resumes: call.resumes,
            view: call.view().cloned(),
        }
    }

    fn show(&self) -> Value {
        json!({
            "call": self.call.as_str(),
            "id": self.id,
            "tenant": self.tenant,
            "from": Masked(&self.from).to_string(),
            "to": Masked(&self.to).to_string(),
            "state": self.state,
            "age_s": self.age_s,
            "resumes": self.resumes,
            "stream": self.view.as_ref().map(|view| show_progress(&view.progress())),
        })
    }
}

/// A stream as of the last second. Of its quality only what there is to say: values that are not zero.
fn show_progress(progress: &Progress) -> Value {
    let Progress { sent, heard, barge_ins, turns, frames_in, quality, .. } = progress;
    let mut shown = Vec::new();
    quality.for_each(|name, side, value| {
        if value > 0 {
            shown.push(json!({"name": name, "value": value, "side": side.name()}));
        }
    });
    json!({
        "sent_ms": sent.millis(),
        "heard_ms": heard.millis(),
        "turns": turns,
        "barge_ins": barge_ins,
        "frames_in": frames_in,
        "quality": shown,
    })
}

#[cfg(test)]
mod tests {
    use engine::Quality;

    use super::*;

    #[test]
    fn of_the_quality_only_what_is_not_zero_is_shown_with_its_side() {
        let quality = Quality { frames_lost: 1, underruns: 2, ..Quality::default() };
        let shown = show_progress(&Progress { turns: 3, quality, ..Progress::default() });
        assert_eq!((&shown["turns"], &shown["heard_ms"]), (&3.into(), &0.into()));
        let expected = json!([
            {"name": "frames_lost", "value": 1, "side": "us"},
            {"name": "underruns", "value": 2, "side": "agent"},
        ]);
        assert_eq!(shown["quality"], expected);
        assert_eq!(show_progress(&Progress::default())["quality"], json!([]));
    }
}

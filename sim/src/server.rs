//! The least that a server must answer: who calls is connected to a stream; what comes after it stands on the agent's desk.

use agent::Intent;
use loadtest::twilio::executor::Answer;

/// Streams of one call, its first included.
pub const STREAMS_MAX: usize = 4;

/// The answer to the webhook of a call that has had `streams` streams.
#[must_use]
pub fn answer(call: usize, streams: usize, refused: bool, intent: &Intent) -> Answer {
    let verbs = match intent {
        _ if refused => "<Say>All our lines are busy.</Say><Hangup/>".to_owned(),
        Intent::Resume if streams < STREAMS_MAX => connect(call),
        Intent::Resume => "<Say>Please call again later.</Say><Hangup/>".to_owned(),
        Intent::Dial(number) => format!("<Dial>{number}</Dial><Hangup/>"),
        Intent::HangUp => "<Hangup/>".to_owned(),
    };
    let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>{verbs}</Response>").into_bytes();
    Answer { status: 200, content_type: Some("text/xml".into()), location: None, body }
}

fn connect(call: usize) -> String {
    format!(
        "<Connect><Stream url=\"ws://127.0.0.1:8080/media\"><Parameter name=\"call\" value=\"{call}\"/></Stream>\
         </Connect><Redirect>after</Redirect>"
    )
}

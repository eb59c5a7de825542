//! Whole calls that the TwiML speaks and listens in, over real sockets: sounds fetched, speech understood, recordings,
//! transcripts and one-way streams.

use std::path::Path;
use std::sync::Arc;

use crate::support::pages::pages;
use crate::support::server::TOKEN;
use loadtest::audio::mulaw;
use loadtest::call::course::Course;
use loadtest::call::model::{Call, CallPlan};
use loadtest::caller::{clips, script};
use loadtest::report::verdict::{Outcome, judge};
use loadtest::rng::Rng;
use loadtest::shell::clock::Clock;
use loadtest::shell::drive;
use loadtest::shell::route::Route;
use loadtest::twilio::executor::First;
use loadtest::twilio::ids::{Sids, sid};
use loadtest::twilio::params::{Direction, Parties};
use loadtest::twilio::sound;
use loadtest::twilio::url::Url;

async fn run(host: &str, script: &str) -> Call {
    let mut rng = Rng::new(3);
    let plan = CallPlan {
        first: First::Ask(Url::parse(&format!("http://{host}/voice")).unwrap(), false),
        direction: Direction::Inbound,
        sids: Sids { account: sid("AC", &mut rng), call: sid("CA", &mut rng) },
        parties: Parties { from: "+14155550100".into(), to: "+14155550199".into() },
        auth_token: TOKEN.into(),
        script: Arc::new(script::parse("test", script, Path::new(".")).unwrap()),
        seed: 3,
        course: Course::default(),
        unix_s: 1_521_971_599,
        keep_sound: true,
    };
    drive::run(plan, Clock::start(), Route::default()).await
}

fn xml(inner: &str) -> (&'static str, Vec<u8>) {
    ("text/xml", format!("<Response>{inner}</Response>").into_bytes())
}

/// Two sayings: one for the Gather, one for the Record.
const SCRIPT: &str = r#"
about = "says something twice"
forbid = ["warnings"]
[[step]]
wait = "bot_starts"
[[step]]
silence_ms = 1200
[[step]]
say = "en/im-sorry"
[[step]]
silence_ms = 900
[[step]]
say = "en/one-moment-please"
[[step]]
expect = "call_ends"
"#;

#[tokio::test]
async fn a_call_is_spoken_to_understood_recorded_transcribed_and_tapped() {
    let voice = xml("<Start><Stream name=\"ear\" url=\"ws://HOST/tap\" track=\"both_tracks\" \
                     statusCallback=\"http://HOST/stream\"/></Start>\
                     <Start><Transcription statusCallbackUrl=\"/text\" track=\"inbound_track\"/></Start>\
                     <Play>/hello.ulaw</Play>\
                     <Gather input=\"speech\" speechTimeout=\"1\" action=\"/said\"/>");
    let said =
        xml("<Record action=\"/recorded\" playBeep=\"false\" timeout=\"1\" recordingStatusCallback=\"/status\"/>");
    let hello: Vec<u8> = sound::keys("1w1").to_vec();
    let served = [
        ("/voice", voice),
        ("/said", said),
        ("/recorded", xml("<Hangup/>")),
        ("/hello.ulaw", ("audio/basic", hello.clone())),
    ];
    let (host, visits) = pages(served.into_iter().collect()).await;
    let call = run(&host, SCRIPT).await;
    assert_eq!(judge(&call), Outcome::Good, "{:#?}", call.events);
    assert_eq!(call.ended.as_deref(), Some("<Hangup>"));

    let visits = visits.lock().unwrap();
    assert_eq!(visits.bad_signatures, [""; 0]);
    assert_eq!(visits.of("/said", "SpeechResult"), ["I'm sorry."]);
    let texts = visits.of("/text", "TranscriptionData").join(" ");
    assert!(texts.contains("I'm sorry.") && texts.contains("One moment please."), "{texts}");
    assert_eq!(visits.of("/stream", "StreamEvent"), ["stream-started", "stream-stopped"]);
    assert_eq!(visits.of("/status", "RecordingStatus"), ["completed"]);

    assert!(call.record.heard.windows(hello.len()).any(|heard| heard == hello), "the sound reached the ear");
    let clip = clips::load("en/one-moment-please", Path::new(".")).unwrap();
    let recording = &call.recordings[0];
    assert_eq!(visits.of("/recorded", "RecordingUrl"), std::slice::from_ref(&recording.url));
    let energy = |samples: &[i16]| samples.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>();
    let kept: Vec<i16> = recording.channels[0].iter().map(|&byte| mulaw::decode(byte)).collect();
    let share = energy(&kept) / energy(&clip.samples);
    assert!((0.8..1.2).contains(&share), "the recording holds {share} of the clip's energy");
    tapped(&visits.messages, &hello);
}

/// What the one-way stream carried: both sides, numbered as Twilio does.
fn tapped(messages: &[serde_json::Value], hello: &[u8]) {
    use base64::Engine as _;
    assert_eq!((messages[0]["event"].as_str(), messages[1]["event"].as_str()), (Some("connected"), Some("start")));
    assert_eq!(messages[1]["start"]["tracks"], serde_json::json!(["inbound", "outbound"]));
    assert_eq!(messages.last().unwrap()["event"], "stop");
    for (sequence, message) in (1..).zip(&messages[1..]) {
        assert_eq!(message["sequenceNumber"], sequence.to_string());
    }
    let track = |name: &str| -> Vec<&serde_json::Value> {
        messages.iter().filter(|m| m["media"]["track"] == name).map(|m| &m["media"]).collect()
    };
    let (inbound, outbound) = (track("inbound"), track("outbound"));
    assert_eq!(inbound.len(), outbound.len());
    assert!(inbound.len() > 150, "{} frames", inbound.len());
    for (chunk, media) in (1..).zip(&outbound) {
        assert_eq!(media["chunk"], chunk.to_string());
    }
    let engine = base64::engine::general_purpose::STANDARD;
    let heard: Vec<u8> =
        outbound.iter().flat_map(|media| engine.decode(media["payload"].as_str().unwrap()).unwrap()).collect();
    // The second tone: the stream may have opened in the middle of the first.
    let tone = &hello[5_600..6_400];
    assert!(heard.windows(tone.len()).any(|part| part == tone), "what the caller heard is in the outbound track");
}

#[tokio::test]
async fn a_sound_that_is_none_is_warned_of_and_left_out() {
    let served = [
        ("/voice", xml("<Play>/page.html</Play><Play>/gone.wav</Play><Pause length=\"1\"/>")),
        ("/page.html", ("text/html", b"<html/>".to_vec())),
        ("/gone.wav", ("audio/wav", b"RIFF".to_vec())),
    ];
    let (host, _) = pages(served.into_iter().collect()).await;
    let call = run(&host, "about = \"x\"\nforbid = [\"warnings\"]\n[[step]]\nexpect = \"call_ends\"").await;
    assert_eq!(judge(&call), Outcome::Missed(vec!["2 × warning of Twilio's".into()]), "{:#?}", call.events);
}

#[tokio::test]
async fn a_tap_that_is_refused_is_an_error_and_the_call_goes_on() {
    let tap =
        "<Start><Stream url=\"ws://HOST/refused\" statusCallback=\"http://HOST/stream\"/></Start><Pause length=\"1\"/>";
    let (host, visits) = pages([("/voice", xml(tap))].into_iter().collect()).await;
    let call = run(&host, "about = \"x\"\n[[step]]\nexpect = \"call_ends\"").await;
    assert_eq!(call.ended.as_deref(), Some("the TwiML is finished"));
    assert_eq!(visits.lock().unwrap().of("/stream", "StreamEvent"), ["stream-error"]);
}

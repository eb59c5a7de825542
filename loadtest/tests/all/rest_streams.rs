//! One-way streams by REST: the exchange alone, on a virtual clock; and the call that is told.

use crate::support::rest::Bench;
use loadtest::call::model::{Order, StreamNews};
use loadtest::rest::news::News;
use loadtest::time::Micros;
use loadtest::twilio::params::CallStatus;
use loadtest::twilio::stream_plan::StreamPlan;

const URL: (&str, &str) = ("Url", "wss://example.com/listen?dropped=1");

/// A call in progress; the path of its streams.
fn talking() -> (Bench, String, String) {
    let mut bench = Bench::new();
    let call = bench.call();
    bench.news(&call, CallStatus::InProgress);
    let path = format!("/Calls/{call}/Streams");
    (bench, call, path)
}

/// What the call was told last: the stream that it is to open.
fn planned(bench: &Bench) -> &StreamPlan {
    match bench.orders.last() {
        Some((_, Order::StartStream(plan))) => plan,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_stream_is_begun_with_all_that_was_asked_and_shown_as_twilio_does() {
    let (mut bench, call, path) = talking();
    let fields = [
        URL,
        ("Name", "ear"),
        ("Track", "both_tracks"),
        ("StatusCallback", "http://127.0.0.1:1/s"),
        ("StatusCallbackMethod", "GET"),
        ("Parameter1.Name", "first"),
        ("Parameter1.Value", "1"),
        ("Parameter99.Name", "last"),
        ("Parameter99.Value", "99"),
        ("Parameter100.Name", "beyond"),
    ];
    let got = bench.post(&format!("{path}.json"), &fields);
    let (shown, plan) = (&got.body, planned(&bench));
    assert_eq!((got.status, &shown["status"], &shown["name"]), (201, &"in-progress".into(), &"ear".into()));
    assert_eq!((&shown["call_sid"], &shown["sid"]), (&call.as_str().into(), &plan.sid.as_str().into()));
    assert_eq!(shown["date_updated"], "Tue, 24 Nov 2026 10:00:00 +0000");
    assert!(shown["uri"].as_str().unwrap().ends_with(&format!("{path}/{}.json", plan.sid)));
    assert_eq!((plan.url.to_string().as_str(), plan.tracks().len()), ("wss://example.com/listen", 2));
    let parameters: Vec<_> = plan.parameters.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(parameters, [("first", "1"), ("last", "99")]);
    assert!(plan.callback.as_ref().unwrap().get);
    let unnamed = bench.post(&format!("{path}.json"), &[URL]).body;
    assert!(unnamed["name"].is_null() && unnamed["sid"].as_str().unwrap().starts_with("MZ"), "{unnamed}");
}

#[test]
fn what_is_wrong_has_the_number_that_the_debugger_would_show() {
    let (mut bench, _, path) = talking();
    let path = format!("{path}.json");
    for (fields, code) in [
        (&[("Name", "x")][..], 20_001),
        (&[("Url", "https://example.com/")], 31_922),
        (&[("Url", "ws://example.com/")], 31_922),
        (&[("Url", "nonsense://x")], 31_923),
        (&[URL, ("Track", "left")], 31_941),
        (&[URL, ("StatusCallback", "x")], 21_609),
    ] {
        assert_eq!(bench.post(&path, fields).code(), code, "{fields:?}");
    }
    assert_eq!(bench.get(&path).status, 405, "there is no list");
    assert_eq!(bench.post(&format!("/Calls/CA{}/Streams.json", "0".repeat(32)), &[URL]).code(), 20_404);
    assert!(bench.orders.is_empty());
    let mut bench = Bench::new();
    let ringing = bench.call();
    assert_eq!(bench.post(&format!("/Calls/{ringing}/Streams.json"), &[URL]).code(), 21_220);
}

#[test]
fn a_stream_is_stopped_by_its_sid_or_its_name_and_once() {
    let (mut bench, call, path) = talking();
    let sid = bench.post(&format!("{path}.json"), &[URL, ("Name", "ear")]).body["sid"].as_str().unwrap().to_owned();
    let by_name = format!("{path}/ear.json");
    assert_eq!(bench.post(&by_name, &[("Status", "paused")]).code(), 20_001);
    assert_eq!(bench.post(&by_name, &[]).code(), 20_001);
    assert_eq!(bench.post(&format!("{path}/other.json"), &[("Status", "stopped")]).code(), 20_404);
    let got = bench.post(&by_name, &[("Status", "stopped")]);
    assert_eq!((got.status, &got.body["status"], &got.body["sid"]), (200, &"stopped".into(), &sid.as_str().into()));
    assert_eq!(bench.orders.last().unwrap(), &(call.clone(), Order::StopStream(sid.clone())));
    assert_eq!(bench.post(&format!("{path}/{sid}.json"), &[("Status", "stopped")]).code(), 21_220);
    // The news of its opening comes late: it stays stopped.
    bench.tell(&call, News::Stream(StreamNews { sid: sid.clone(), name: "ear".into(), tracks: 1, running: true }));
    assert_eq!(bench.post(&format!("{path}/{sid}.json"), &[("Status", "stopped")]).code(), 21_220);
}

#[test]
fn streams_of_the_twiml_are_known_too_and_share_names_and_tracks() {
    let (mut bench, call, path) = talking();
    let news = |tracks, running| {
        News::Stream(StreamNews { sid: format!("MZ{}", "1".repeat(32)), name: "theirs".into(), tracks, running })
    };
    bench.tell(&call, news(2, true));
    let create = format!("{path}.json");
    assert_eq!(bench.post(&create, &[URL, ("Name", "theirs")]).code(), 20_001, "the name is taken");
    assert_eq!(bench.post(&create, &[URL, ("Track", "both_tracks")]).status, 201);
    assert_eq!(bench.post(&create, &[URL]).code(), 20_001, "four tracks are all there are");
    assert_eq!(bench.post(&format!("{path}/theirs.json"), &[("Status", "stopped")]).status, 200);
    assert_eq!(bench.post(&create, &[URL, ("Name", "theirs")]).status, 201);
    bench.news(&call, CallStatus::Completed);
    bench.now = Micros::from_ms(1_000);
    assert_eq!(bench.post(&create, &[URL]).code(), 21_220);
}

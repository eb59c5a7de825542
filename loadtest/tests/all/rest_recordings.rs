//! Recordings through the REST API: what a call recorded is listed, shown, heard and deleted.

use crate::support::rest::{ACCOUNT, Bench, OTHER};
use loadtest::call::model::Order;
use loadtest::rest::news::News;
use loadtest::time::Micros;
use loadtest::twilio::params::CallStatus;
use loadtest::twilio::recording::{Recording, Source, Track};

/// A call with a finished recording of two seconds.
fn recorded() -> (Bench, String) {
    let mut bench = Bench::new();
    let call = bench.call();
    bench.until(Micros::from_ms(10_000));
    let recording = Recording {
        sid: "RE1".into(),
        url: String::new(),
        source: Source::RecordVerb,
        track: Track::Inbound,
        began: Micros::from_ms(8_000),
        length: Micros::from_ms(1_500),
        channels: vec![vec![0x20; 12_000]],
    };
    bench.tell(&call, News::Recorded(Box::new(recording)));
    (bench, call)
}

#[test]
fn a_recording_is_shown_with_figures_as_strings_and_a_media_url() {
    let (mut bench, call) = recorded();
    let shown = bench.get("/Recordings/RE1.json").body;
    assert_eq!((&shown["duration"], &shown["channels"]), (&"2".into(), &1.into()));
    assert_eq!((&shown["status"], &shown["source"]), (&"completed".into(), &"RecordVerb".into()));
    assert_eq!(shown["start_time"], "Tue, 24 Nov 2026 10:00:08 +0000");
    assert_eq!(shown["media_url"], format!("http://127.0.0.1:9080/2010-04-01/Accounts/{ACCOUNT}/Recordings/RE1"));
    let within = bench.get(&format!("/Calls/{call}/Recordings/RE1.json")).body;
    assert_eq!((&within["track"], &within["media_url"]), (&"inbound".into(), &serde_json::Value::Null));
    assert!(within["uri"].as_str().unwrap().contains(&call));
    for list in ["/Recordings.json".to_owned(), format!("/Calls/{call}/Recordings.json")] {
        assert_eq!(bench.get(&list).body["recordings"][0]["sid"], "RE1", "{list}");
    }
}

#[test]
fn its_sound_is_a_wav_that_needs_no_token() {
    let (mut bench, _) = recorded();
    for ending in ["", ".wav"] {
        let target = format!("/2010-04-01/Accounts/{ACCOUNT}/Recordings/RE1{ending}");
        bench.send("GET", &target, "", "nobody", "nothing");
        let (_, got) = bench.answers.pop().unwrap();
        let wav = hound::WavReader::new(&got.bytes[..]).unwrap();
        assert_eq!((got.status, wav.duration()), (200, 12_000));
    }
    assert_eq!(bench.get("/Recordings/RE2.wav").code(), 20_404);
}

#[test]
fn a_deleted_recording_is_silent_and_only_shown_to_who_asks_for_it() {
    let (mut bench, _) = recorded();
    let path = format!("/2010-04-01/Accounts/{ACCOUNT}/Recordings/RE1.json");
    assert_eq!(bench.ask("DELETE", &path, "").status, 204);
    assert_eq!(bench.get("/Recordings/RE1.json").code(), 20_404);
    assert_eq!(bench.get("/Recordings/RE1.wav").code(), 20_404);
    assert_eq!(bench.ask("DELETE", &path, "").code(), 20_404);
    assert_eq!(bench.get("/Recordings/RE1.json?IncludeSoftDeleted=true").body["status"], "deleted");
    assert!(bench.get("/Recordings.json").body["recordings"].as_array().unwrap().is_empty());
}

#[test]
fn another_accounts_recording_is_none() {
    let (mut bench, _) = recorded();
    bench.send("GET", &format!("/2010-04-01/Accounts/{OTHER}/Recordings/RE1.json"), "", OTHER, "other");
    assert_eq!(bench.answers.pop().unwrap().1.code(), 20_404);
    assert_eq!(bench.get("/Calls/CA1/Recordings.json").code(), 20_404);
}

#[test]
fn a_running_call_is_recorded_held_up_and_the_recording_ended() {
    let mut bench = Bench::new();
    let call = bench.call();
    let all = format!("/Calls/{call}/Recordings.json");
    assert_eq!(bench.post(&all, &[]).code(), 21_220, "nobody has answered");
    bench.news(&call, CallStatus::InProgress);
    assert_eq!(bench.post(&all, &[("RecordingChannels", "stereo")]).code(), 20_001);
    let callback = ("RecordingStatusCallback", "http://127.0.0.1:1/r");
    let got = bench.post(&all, &[callback, ("RecordingChannels", "dual"), ("RecordingTrack", "inbound")]);
    assert_eq!((got.status, &got.body["status"]), (201, &"in-progress".into()));
    assert_eq!((&got.body["channels"], &got.body["track"]), (&2.into(), &"inbound".into()));
    assert_eq!(got.body["source"], "StartCallRecordingAPI");
    let sid = got.body["sid"].as_str().unwrap().to_owned();
    let Order::StartRecording(plan) = &bench.orders[0].1 else { panic!("{:?}", bench.orders) };
    assert!(plan.sid == sid && plan.dual && plan.callback.is_some() && plan.events == ["completed"]);
    assert_eq!(bench.get(&format!("/Recordings/{sid}.wav")).code(), 20_404, "it cannot be heard yet");
    let current = format!("/Calls/{call}/Recordings/Twilio.CURRENT.json");
    for (fields, state, order) in [
        (vec![("Status", "paused"), ("PauseBehavior", "skip")], "paused", Order::PauseRecording(sid.clone(), true)),
        (vec![("Status", "in-progress")], "in-progress", Order::ResumeRecording(sid.clone())),
        (vec![("Status", "stopped")], "stopped", Order::StopRecording(sid.clone())),
    ] {
        let got = bench.post(&current, &fields);
        assert_eq!((got.status, &got.body["status"]), (200, &state.into()));
        assert_eq!(bench.orders.last(), Some(&(call.clone(), order)));
    }
    assert_eq!(bench.post(&current, &[("Status", "paused")]).code(), 20_404, "none is current any more");
    let path = format!("/Calls/{call}/Recordings/{sid}.json");
    assert_eq!(bench.post(&path, &[("Status", "paused")]).code(), 21_220);
    assert_eq!(bench.post(&path, &[]).code(), 20_001);
    bench.tell(&call, News::Over);
    assert_eq!(bench.get(&path).body["status"], "absent", "nothing was handed over");
}

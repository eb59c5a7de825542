//! What the executor makes of the caller's voice: speech in Gather, recordings, transcripts.

use crate::support::bench::{Bench, value};
use loadtest::twilio::ending::Ending;
use loadtest::twilio::executor::Answer;

const GATHER: &str = "<Gather input=\"speech dtmf\" action=\"/said\" timeout=\"3\" speechTimeout=\"1\" \
                      partialResultCallback=\"/partial\"><Say>What can I do for you, on this fine day?</Say></Gather>\
                      <Hangup/>";

#[test]
fn speech_stops_the_prompt_and_comes_back_as_text() {
    let mut bench = Bench::with(GATHER);
    bench.says("a person please", 1_000, 1_600);
    let seen = bench.until_ms(5_000);
    assert_eq!(
        seen[1..5],
        [
            "1000 hush",
            "1200 partial result to http://127.0.0.1:8080/partial",
            "1400 partial result to http://127.0.0.1:8080/partial",
            "1600 partial result to http://127.0.0.1:8080/partial",
        ]
    );
    assert!(seen[5].starts_with("2600 POST http://127.0.0.1:8080/said SpeechResult=a person please Confidence=0."));
    assert_eq!(bench.told("partial result", "UnstableSpeechResult"), ["a", "person", "please"]);
    assert_eq!(bench.told("partial result", "StableSpeechResult"), ["", "a", "a person"]);
    assert_eq!(bench.told("partial result", "SequenceNumber"), ["0", "1", "2"]);
}

#[test]
fn a_caller_who_says_nothing_is_waited_for_behind_the_prompt() {
    let mut bench = Bench::with(GATHER);
    let seen = bench.until_ms(60_000);
    // 40 letters at 66 ms, then 3 s.
    assert_eq!(seen.last().unwrap(), "5640 end <Hangup>");
}

#[test]
fn a_key_decides_against_speech() {
    let mut bench = Bench::with(GATHER);
    bench.until_ms(500);
    assert!(bench.executor.digit(bench.now, '4'));
    bench.says("never mind", 1_000, 1_400);
    let seen = bench.until_ms(9_000);
    assert_eq!(seen, ["500 hush", "3500 POST http://127.0.0.1:8080/said Digits=4 msg=Gather End"]);
}

#[test]
fn a_recording_ends_with_silence_and_holds_what_was_said() {
    let record = "<Record action=\"/done\" timeout=\"2\" recordingStatusCallback=\"/status\" \
                  recordingStatusCallbackEvent=\"in-progress completed\"/>";
    let mut bench = Bench::with(record);
    bench.says("my name is", 1_500, 4_000);
    let seen = bench.until_ms(9_000);
    // The beep lasts half a second; silence begins when the last loud frame has ended.
    assert_eq!(seen[1], "500 recording status callback to http://127.0.0.1:8080/status");
    assert_eq!(seen[2..4], ["6000 recording status callback to http://127.0.0.1:8080/status", "6000 recorded 3 s"]);
    assert!(
        seen[4].starts_with("6000 POST http://127.0.0.1:8080/done RecordingUrl=https://api.twilio.com/2010-04-01/")
    );
    assert!(seen[4].ends_with("RecordingDuration=3"), "no Digits when silence ended it: {}", seen[4]);
    assert_eq!(bench.told("recording status callback", "RecordingStatus"), ["in-progress", "completed"]);
    assert_eq!(bench.told("recording status callback", "RecordingDuration"), ["-", "3"]);
    assert_eq!(bench.told("recording status callback", "RecordingSource"), ["RecordVerb", "RecordVerb"]);
    let recording = &bench.recordings[0];
    assert_eq!((recording.length.0, recording.channels.len()), (2_500_000, 1));
    assert!(recording.channels[0].iter().all(|&byte| byte == 0x20), "trimmed to the speech");
}

#[test]
fn a_recording_ends_with_a_key_or_its_longest_length() {
    let mut bench = Bench::with("<Record action=\"/done\" playBeep=\"false\" finishOnKey=\"#\" trim=\"do-not-trim\"/>");
    bench.says("hello", 0, 1_000);
    bench.until_ms(1_000);
    assert!(!bench.executor.digit(bench.now, '1'), "only # ends it");
    assert!(bench.executor.digit(bench.now, '#'));
    let seen = bench.until_ms(1_000);
    assert!(seen[1].ends_with("RecordingDuration=1 Digits=#"), "{seen:?}");
    let mut bench = Bench::with("<Record playBeep=\"false\" maxLength=\"3\"/>");
    bench.says("on and on", 0, 60_000);
    let seen = bench.until_ms(60_000);
    assert_eq!(seen[1], "3000 recorded 3 s");
    // Without an action the same document is asked again.
    assert!(seen[2].starts_with("3000 POST http://127.0.0.1:8080/twilio/voice?a=1 RecordingUrl="), "{seen:?}");
}

#[test]
fn silence_is_no_recording_and_the_next_verb_has_its_turn() {
    let record = "<Record action=\"/done\" timeout=\"2\" recordingStatusCallback=\"/status\" \
                  recordingStatusCallbackEvent=\"absent completed\"/><Hangup/>";
    let mut bench = Bench::with(record);
    let seen = bench.until_ms(60_000);
    assert_eq!(seen.last().unwrap(), "2500 end <Hangup>");
    assert_eq!(bench.told("recording status callback", "RecordingStatus"), ["absent"]);
}

#[test]
fn hanging_up_tells_the_action_and_the_transcript_of_the_recording() {
    let mut bench = Bench::with("<Record action=\"/done\" playBeep=\"false\" transcribeCallback=\"/text\"/>");
    bench.says("call me back tomorrow", 0, 3_000);
    bench.until_ms(2_500);
    bench.executor.end(bench.now, Ending::Caller("in a test".into()));
    let seen = bench.all();
    assert_eq!(seen[0], "end the caller hung up, in a test");
    assert_eq!(bench.told("Record action", "Digits"), ["hangup"]);
    assert_eq!(bench.told("transcribe callback", "TranscriptionText"), ["call me back"]);
    assert_eq!(bench.told("transcribe callback", "TranscriptionStatus"), ["completed"]);
}

#[test]
fn transcripts_and_recordings_go_on_beside_the_verbs() {
    let start = "<Start><Recording channels=\"dual\" recordingStatusCallback=\"/status\"/></Start>\
                 <Start><Transcription name=\"t\" statusCallbackUrl=\"/text\" inboundTrackLabel=\"him\"/></Start>\
                 <Say>Good morning</Say><Pause length=\"5\"/><Stop><Transcription name=\"t\"/></Stop><Pause length=\"1\"/>";
    let mut bench = Bench::with(start);
    bench.says("good day", 2_000, 2_600);
    bench.until_ms(20_000);
    let texts: Vec<String> = bench
        .told("transcription callback", "TranscriptionData")
        .iter()
        .filter_map(|data| serde_json::from_str::<serde_json::Value>(data).ok())
        .map(|data| data["transcript"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(texts, ["Good morning", "good day"]);
    let events = bench.told("transcription callback", "TranscriptionEvent");
    assert_eq!((events[0].as_str(), events[3].as_str()), ("transcription-started", "transcription-stopped"));
    assert_eq!(bench.told("transcription callback", "SequenceId"), ["1", "2", "3", "4"]);
    assert_eq!(bench.told("transcription callback", "Track")[1..3], ["outbound_track", "inbound_track"]);
    let stamp = &bench.told("transcription callback", "Timestamp")[0];
    assert!(stamp.starts_with("2018-03-25T09:53:19.") && stamp.ends_with('Z'), "{stamp}");
    assert_eq!(bench.told("recording status callback", "RecordingChannels"), ["2"]);
    assert_eq!(bench.recordings[0].channels.len(), 2);
    assert_eq!(bench.recordings[0].length.0, 6_792_000, "the whole call");
    assert_eq!(value(&bench.told[0].1, "InboundTrackLabel"), "him");
}

#[test]
fn play_is_as_long_as_its_sound_and_wrong_types_are_skipped() {
    let sound = |kind: &str| {
        let content_type = Some(kind.to_owned());
        Some(Answer { status: 200, content_type, location: None, body: vec![0x20; 4_000] })
    };
    let mut bench = Bench::with("<Play loop=\"3\">/hello.ulaw</Play><Hangup/>");
    bench.sound = sound("audio/basic");
    assert_eq!(bench.until_ms(9_000).last().unwrap(), "1500 end <Hangup>");
    assert_eq!(bench.heard, 12_000);
    let mut bench = Bench::with("<Play>/page</Play><Gather><Play>/page</Play></Gather><Hangup/>");
    bench.sound = sound("text/html");
    let warnings: Vec<String> = bench.until_ms(500).into_iter().filter(|seen| seen.contains("warning")).collect();
    assert_eq!(warnings, ["0 warning 13420", "0 warning 13325"]);
    let mut bench = Bench::with("<Play digits=\"12w\"/><Hangup/>");
    assert_eq!(bench.until_ms(9_000).last().unwrap(), "900 end <Hangup>");
}

#[test]
fn an_endless_loop_ends_with_the_call() {
    let mut bench = Bench::with("<Say loop=\"0\">Hello</Say><Hangup/>");
    assert_eq!(bench.until_ms(600_000), ["0 <Say> \"Hello\""]);
    assert!(!bench.executor.has_ended());
}

//! Twilio's messages as documented, as other programs write them, and as nobody should.

use engine::audio::frame::Frame;
use engine::wire::twilio::{encode, parse};
use engine::wire::{Error, Inbound, MESSAGE_BYTES_MAX, MarkKind, MarkName, MediaFormat, Outbound, Sid, Track};

const STREAM: &str = "MZ18ad3ab5a668481ce02b83e7395059f0";

fn inbound(text: &str) -> Inbound<'_> {
    parse(text.as_bytes()).unwrap_or_else(|e| panic!("{e}: {text}"))
}

fn refusal(text: &str) -> Error {
    parse(text.as_bytes()).expect_err(text)
}

fn written(message: Outbound<'_>) -> String {
    let mut out = Vec::new();
    encode(&mut out, &Sid::parse(STREAM).expect("a sane sid"), message);
    String::from_utf8(out).expect("messages are text")
}

#[test]
fn reads_connected() {
    let text = r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#;
    assert_eq!(inbound(text), Inbound::Connected);
}

const START: &str = r#"{"event":"start","sequenceNumber":"1","start":{
    "accountSid":"AC0123456789abcdef0123456789abcdef","streamSid":"MZ18ad3ab5a668481ce02b83e7395059f0",
    "callSid":"CA0123456789abcdef0123456789abcdef","tracks":["inbound","outbound"],
    "customParameters":{"token":"s3cret","first name":"Zo\u00eb","tries":3,"vip":true,"none":null},
    "mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}},
    "streamSid":"MZ18ad3ab5a668481ce02b83e7395059f0"}"#;

#[test]
fn reads_all_that_start_says() {
    let Inbound::Start(start) = inbound(START) else { panic!("no start") };
    assert_eq!(start.account_sid.as_str(), "AC0123456789abcdef0123456789abcdef");
    assert_eq!(start.call_sid.as_str(), "CA0123456789abcdef0123456789abcdef");
    assert_eq!(start.stream_sid.as_str(), STREAM);
    assert_eq!(start.tracks, [Track::Inbound, Track::Outbound]);
    assert_eq!(start.media_format, MediaFormat::default());
    assert!(start.media_format.is_ulaw_8k_mono());
    let parameters: Vec<_> = start.custom_parameters.iter().collect();
    let expected = [("first name", "Zoë"), ("none", ""), ("token", "s3cret"), ("tries", "3"), ("vip", "true")];
    assert_eq!(parameters, expected);
    assert_eq!(start.custom_parameters.get("token"), Some("s3cret"));
    assert_eq!(start.custom_parameters.len(), 5);
}

#[test]
fn debug_shows_no_parameter_value_and_no_sound() {
    let shown = format!("{:?} {:?}", inbound(START), inbound(r#"{"event":"media","media":{"payload":"U0VDUkVU"}}"#));
    assert!(shown.contains("token"), "{shown}");
    assert!(!shown.contains("s3cret") && !shown.contains("U0VD"), "{shown}");
}

#[test]
fn reads_a_start_of_the_bare_minimum() {
    let text = r#"{"event":"start","streamSid":"MZ1","start":{"accountSid":"AC1","callSid":"CA1"}}"#;
    let Inbound::Start(start) = inbound(text) else { panic!("no start") };
    assert_eq!(start.stream_sid.as_str(), "MZ1");
    assert_eq!(start.tracks, [Track::Inbound]);
    assert!(start.custom_parameters.is_empty());
    assert!(start.media_format.is_ulaw_8k_mono());
}

#[test]
fn start_tells_what_is_wrong_with_it() {
    let with = |from: &str, to: &str| {
        let text = START.replace(from, to);
        assert_ne!(text, START);
        refusal(&text)
    };
    assert_eq!(with("\"callSid\"", "\"sid\""), Error::MissingField("start.callSid"));
    assert_eq!(with("AC0123456789abcdef0123456789abcdef", "AC 1"), Error::InvalidValue("start.accountSid"));
    assert_eq!(with("\"CA0123456789abcdef0123456789abcdef\"", "7"), Error::WrongType("start.callSid"));
    assert_eq!(with(STREAM, "MZ\\\"},"), Error::InvalidValue("streamSid"));
    assert_eq!(with("[\"inbound\",\"outbound\"]", "\"inbound\""), Error::WrongType("start.tracks"));
    assert_eq!(with("null", "{}"), Error::WrongType("start.customParameters"));
    assert_eq!(with("8000", "-8000"), Error::WrongType("start.mediaFormat.sampleRate"));
    assert_eq!(with("8000", "4294967296"), Error::InvalidValue("start.mediaFormat.sampleRate"));
    let two_streams = r#"{"event":"start","streamSid":"MZ1","start":{"streamSid":"MZ2"}}"#;
    assert_eq!(refusal(two_streams), Error::InvalidValue("start.streamSid"));
    assert_eq!(refusal(r#"{"event":"start","streamSid":"MZ1"}"#), Error::MissingField("start"));
}

#[test]
fn other_formats_are_read_but_not_taken_for_ulaw() {
    for (from, to) in [("audio/x-mulaw", "audio/x-l16"), ("8000", "16000"), ("\"channels\":1", "\"channels\":2")] {
        let text = START.replace(from, to);
        let Inbound::Start(start) = inbound(&text) else { panic!("no start") };
        assert!(!start.media_format.is_ulaw_8k_mono(), "{to}");
    }
}

#[test]
fn reads_media() {
    let text = r#"{"event":"media","sequenceNumber":"3","media":{"track":"outbound","chunk":"1","timestamp":"5",
        "payload":"no+JhoaJjpzS"},"streamSid":"MZ18ad3ab5a668481ce02b83e7395059f0"}"#;
    let Inbound::Media(media) = inbound(text) else { panic!("no media") };
    assert_eq!(media.header.stream_sid.as_deref(), Some(STREAM));
    assert_eq!(media.header.sequence, Some(3));
    assert_eq!(media.track, Track::Outbound);
    assert_eq!((media.chunk, media.timestamp_ms), (Some(1), Some(5)));
    let mut sound = [0; 16];
    let len = media.payload.decode_into(&mut sound).unwrap();
    assert_eq!(sound[..len], [0x9E, 0x8F, 0x89, 0x86, 0x86, 0x89, 0x8E, 0x9C, 0xD2]);
}

#[test]
fn media_takes_numbers_missing_tracks_extra_fields_and_escapes() {
    let text = r#"{"event":"media","sequenceNumber":3,"new":[{}],"media":{"chunk":2,"timestamp":40,"x":null,
        "payload":"\/\/\/\/"}}"#;
    let Inbound::Media(media) = inbound(text) else { panic!("no media") };
    assert_eq!(media.header.stream_sid, None);
    assert_eq!(media.header.sequence, Some(3));
    assert_eq!(media.track, Track::Inbound);
    assert_eq!((media.chunk, media.timestamp_ms), (Some(2), Some(40)));
    assert_eq!(media.payload.as_str(), "////");
    let named =
        |track: &str| match inbound(&format!(r#"{{"event":"media","media":{{"track":"{track}","payload":""}}}}"#)) {
            Inbound::Media(media) => media.track,
            other => panic!("{other:?}"),
        };
    assert_eq!(named("inbound_track"), Track::Inbound);
    assert_eq!(named("third"), Track::Other);
}

#[test]
fn reads_every_key_and_nothing_else_as_one() {
    for key in "0123456789*#ABCD".chars() {
        let text =
            format!(r#"{{"event":"dtmf","streamSid":"MZ1","dtmf":{{"track":"inbound_track","digit":"{key}"}}}}"#);
        let Inbound::Dtmf(dtmf) = inbound(&text) else { panic!("no dtmf") };
        assert_eq!(dtmf.digit, key);
    }
    let Inbound::Dtmf(dtmf) = inbound(r#"{"event":"dtmf","dtmf":{"digit":7}}"#) else { panic!("no dtmf") };
    assert_eq!(dtmf.digit, '7');
    for bad in [r#""""#, r#""12""#, r#""w""#, r#""\u0661""#] {
        let text = format!(r#"{{"event":"dtmf","dtmf":{{"digit":{bad}}}}}"#);
        assert_eq!(refusal(&text), Error::InvalidValue("dtmf.digit"), "{bad}");
    }
    assert_eq!(refusal(r#"{"event":"dtmf","dtmf":{"digit":10}}"#), Error::WrongType("dtmf.digit"));
    assert_eq!(refusal(r#"{"event":"dtmf","dtmf":{}}"#), Error::MissingField("dtmf.digit"));
}

#[test]
fn reads_marks_of_ours_and_of_others() {
    let name = |text: &str| match inbound(text) {
        Inbound::Mark(mark) => MarkName::parse(&mark.name),
        other => panic!("{other:?}"),
    };
    let ours = r#"{"event":"mark","sequenceNumber":"4","streamSid":"MZ1","mark":{"name":"e3.u12"}}"#;
    let expected = MarkName { epoch: 3, sequence: 12, kind: MarkKind::UtteranceEnd };
    assert_eq!(name(ours), Some(expected));
    assert_eq!(name(r#"{"event":"mark","mark":{"name":"my \"label\""}}"#), None);
}

#[test]
fn reads_stop_with_and_without_details() {
    let text = r#"{"event":"stop","sequenceNumber":"5","stop":{"accountSid":"AC1","callSid":"CA1"},"streamSid":"MZ1"}"#;
    let Inbound::Stop(stop) = inbound(text) else { panic!("no stop") };
    assert_eq!(stop.call_sid.as_deref(), Some("CA1"));
    assert!(matches!(inbound(r#"{"event":"stop"}"#), Inbound::Stop(_)));
}

#[test]
fn passes_unknown_events_on_whatever_they_hold() {
    let unknown = inbound(r#"{"event":"warming","streamSid":7,"media":"x"}"#);
    assert_eq!(unknown, Inbound::Unknown("warming".into()));
    assert_eq!(inbound(r#"{"event":""}"#), Inbound::Unknown("".into()));
}

#[test]
fn names_what_is_wrong_with_garbage() {
    assert_eq!(parse(b"\xff\xfe"), Err(Error::NotText));
    for text in ["", "x", "{", r#"{"event":"media""#, r#"{"event":"connected"} x"#, "\0", "{'event':1}"] {
        assert_eq!(refusal(text), Error::NotJson, "{text}");
    }
    for text in ["null", "[]", "7", r#""media""#, r#"["media","1","MZ1"]"#] {
        assert_eq!(refusal(text), Error::NotAnObject, "{text}");
    }
    assert_eq!(refusal("{}"), Error::MissingField("event"));
    assert_eq!(refusal(r#"{"event":null}"#), Error::MissingField("event"));
    assert_eq!(refusal(r#"{"event":7}"#), Error::WrongType("event"));
    assert_eq!(refusal(r#"{"event":"media","event":"stop"}"#), Error::DuplicateField);
    assert_eq!(refusal(r#"{"event":"media"}"#), Error::MissingField("media"));
    assert_eq!(refusal(r#"{"event":"media","media":["inbound"]}"#), Error::WrongType("media"));
    assert_eq!(refusal(r#"{"event":"media","media":{}}"#), Error::MissingField("media.payload"));
    assert_eq!(refusal(r#"{"event":"media","media":{"payload":[1]}}"#), Error::WrongType("media.payload"));
    let soon = r#"{"event":"media","media":{"timestamp":"soon","payload":""}}"#;
    assert_eq!(refusal(soon), Error::InvalidValue("media.timestamp"));
    let plus = r#"{"event":"media","sequenceNumber":"+1","media":{"payload":""}}"#;
    assert_eq!(refusal(plus), Error::InvalidValue("sequenceNumber"));
    let negative = r#"{"event":"media","media":{"chunk":-1,"payload":""}}"#;
    assert_eq!(refusal(negative), Error::WrongType("media.chunk"));
}

#[test]
fn depth_and_size_are_bounded() {
    let deep = "[".repeat(MESSAGE_BYTES_MAX);
    assert_eq!(refusal(&deep), Error::NotJson);
    let long = format!(r#"{{"event":"{}"}}"#, "x".repeat(MESSAGE_BYTES_MAX));
    let expected = Error::TooLarge { bytes: long.len(), bytes_max: MESSAGE_BYTES_MAX };
    assert_eq!(refusal(&long), expected);
    let fits = format!(r#"{{"event":"{}"}}"#, "x".repeat(MESSAGE_BYTES_MAX - 12));
    assert_eq!(fits.len(), MESSAGE_BYTES_MAX);
    assert!(matches!(inbound(&fits), Inbound::Unknown(_)));
}

#[test]
fn writes_exact_minimal_objects() {
    let frames = [Frame::from_ulaw(&[0x9E, 0x8F]), Frame::from_ulaw(&[0x89, 0x86, 0x86, 0x89, 0x8E, 0x9C, 0xD2])];
    let media =
        r#"{"event":"media","streamSid":"MZ18ad3ab5a668481ce02b83e7395059f0","media":{"payload":"no+JhoaJjpzS"}}"#;
    assert_eq!(written(Outbound::Media(&frames)), media);
    let name = MarkName { epoch: 1, sequence: 7, kind: MarkKind::Progress };
    let mark = r#"{"event":"mark","streamSid":"MZ18ad3ab5a668481ce02b83e7395059f0","mark":{"name":"e1.p7"}}"#;
    assert_eq!(written(Outbound::Mark(name)), mark);
    let clear = r#"{"event":"clear","streamSid":"MZ18ad3ab5a668481ce02b83e7395059f0"}"#;
    assert_eq!(written(Outbound::Clear), clear);
}

#[test]
fn writes_padding_only_at_the_end() {
    let media = |frames: &[Frame]| written(Outbound::Media(frames));
    assert!(media(&[Frame::from_ulaw(&[0])]).ends_with(r#""AA=="}}"#));
    assert!(media(&[Frame::SILENCE]).ends_with(r#"/w=="}}"#));
    let three = media(&[Frame::SILENCE; 3]);
    assert!(!three.contains('=') && three.contains(&"/".repeat(640)));
}

#[test]
fn writes_nothing_for_no_sound_and_keeps_what_is_there() {
    assert_eq!(written(Outbound::Media(&[])), "");
    assert_eq!(written(Outbound::Media(&[Frame::EMPTY; 2])), "");
    let mut out = b"before".to_vec();
    encode(&mut out, &Sid::parse("MZ1").unwrap(), Outbound::Clear);
    assert_eq!(out, br#"before{"event":"clear","streamSid":"MZ1"}"#);
}

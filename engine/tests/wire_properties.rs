//! What holds for every message: no panic, nothing lost, the same reading as a plain JSON value.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};
use engine::audio::frame::{FRAME_SAMPLES, Frame};
use engine::wire::twilio::{encode, parse, parse_any};
use engine::wire::{Chop, Error, Inbound, MarkKind, MarkName, Outbound, Payload, Sid};
use proptest::prelude::*;
use serde_json::{Value, json};

/// JSON as nobody planned it: any value in any place, field names that we know among those that we do not.
fn any_json() -> impl Strategy<Value = Value> {
    let words = ["event", "media", "start", "stop", "mark", "dtmf", "name", "digit", "payload", "track", "chunk"];
    let more = ["timestamp", "streamSid", "callSid", "accountSid", "customParameters", "mediaFormat", "tracks"];
    let word = prop::sample::select([&words[..], &more[..], &["sampleRate", "MZ1", "7", ""]].concat());
    let leaf = prop_oneof![
        4 => word.clone().prop_map(|w| json!(w)),
        1 => any::<String>().prop_map(|s| json!(s)),
        1 => any::<i64>().prop_map(|n| json!(n)),
        1 => any::<f64>().prop_map(|n| json!(n)),
        1 => any::<bool>().prop_map(|b| json!(b)),
        1 => Just(Value::Null),
    ];
    leaf.prop_recursive(4, 48, 8, move |inner| {
        let pairs = prop::collection::vec((word.clone(), inner.clone()), 0..8);
        prop_oneof![
            1 => prop::collection::vec(inner, 0..4).prop_map(Value::from),
            3 => pairs.prop_map(|p| p.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
        ]
    })
}

/// Sound in frames of odd lengths.
fn any_frames() -> impl Strategy<Value = Vec<Frame>> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 0..=FRAME_SAMPLES), 0..12)
        .prop_map(|frames| frames.iter().map(|f| Frame::from_ulaw(f)).collect())
}

fn media_text(payload: &str) -> String {
    json!({"event": "media", "media": {"payload": payload}}).to_string()
}

fn payload(text: &str) -> Payload<'_> {
    match parse(text.as_bytes()) {
        Ok(Inbound::Media(media)) => media.payload,
        other => panic!("{other:?}"),
    }
}

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn any_text_is_answered(text in "[{}\\[\\]\":,a-z0-9\\\\ ]{0,80}") {
        let _ = parse(text.as_bytes());
    }

    #[test]
    fn any_object_is_read_as_a_json_value_reads_it(
        event in prop::sample::select(vec!["connected", "start", "media", "dtmf", "mark", "stop", "else"]),
        mut value in any_json(),
    ) {
        if let Some(object) = value.as_object_mut() {
            object.insert("event".into(), json!(event));
        }
        let text = value.to_string();
        match parse(text.as_bytes()) {
            Err(Error::NotAnObject) => prop_assert!(!value.is_object()),
            Err(Error::MissingField(name)) => prop_assert!(at(&value, name).is_null(), "{name} in {text}"),
            Err(Error::WrongType(name) | Error::InvalidValue(name)) => {
                prop_assert!(!at(&value, name).is_null() || name == "streamSid", "{name} in {text}");
            }
            Err(other) => prop_assert!(false, "{other:?} for {text}"),
            Ok(Inbound::Media(media)) => {
                prop_assert_eq!(media.payload.as_str(), at(&value, "media.payload").as_str().unwrap());
                prop_assert_eq!(media.chunk, counter(at(&value, "media.chunk")));
                prop_assert_eq!(media.header.stream_sid.as_deref(), at(&value, "streamSid").as_str());
            }
            Ok(Inbound::Mark(mark)) => prop_assert_eq!(&*mark.name, at(&value, "mark.name").as_str().unwrap()),
            Ok(Inbound::Stop(stop)) => {
                prop_assert_eq!(stop.call_sid.as_deref(), at(&value, "stop.callSid").as_str());
            }
            Ok(Inbound::Unknown(name)) => prop_assert_eq!(&*name, "else"),
            Ok(Inbound::Connected) => prop_assert_eq!(event, "connected"),
            Ok(Inbound::Dtmf(_)) => prop_assert_eq!(event, "dtmf"),
            Ok(Inbound::Start(_)) => prop_assert_eq!(event, "start"),
        }
    }

    #[test]
    fn a_broken_message_is_answered(value in any_json(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = value.to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = parse(&bytes);
        let _ = parse(&bytes[..at]);
    }

    #[test]
    fn sound_survives_the_wire(frames in any_frames()) {
        let mut text = Vec::new();
        encode(&mut text, &Sid::parse("MZ1").unwrap(), Outbound::Media(&frames));
        let sound: Vec<u8> = frames.iter().flat_map(|f| f.bytes().to_vec()).collect();
        if sound.is_empty() {
            prop_assert!(text.is_empty());
            return Ok(());
        }
        let value: Value = serde_json::from_slice(&text).unwrap();
        let expected = json!({"event": "media", "streamSid": "MZ1", "media": {"payload": BASE64_STANDARD.encode(&sound)}});
        prop_assert_eq!(value, expected);
        let Ok(Inbound::Media(media)) = parse(&text) else { panic!() };
        let mut out = vec![0; media.payload.bytes_max()];
        let len = media.payload.decode_into(&mut out).unwrap();
        prop_assert_eq!(&out[..len], &sound[..]);
    }

    #[test]
    fn chop_conserves_every_byte(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..700), 0..12)) {
        let mut chop = Chop::new();
        let mut frames = Vec::new();
        for piece in &pieces {
            chop.feed(piece, |frame| frames.push(frame));
            prop_assert!(chop.held_samples() < FRAME_SAMPLES);
        }
        prop_assert!(frames.iter().all(Frame::is_full));
        let held = chop.held_samples();
        let last = chop.flush();
        prop_assert_eq!(last.map_or(0, |f| f.samples()), held);
        prop_assert_eq!(chop.flush(), None);
        let out: Vec<u8> = frames.iter().chain(&last).flat_map(|f| f.bytes().to_vec()).collect();
        prop_assert_eq!(out, pieces.concat());
    }

    #[test]
    fn payloads_of_any_length_become_frames(sound in prop::collection::vec(any::<u8>(), 0..2_000), padded in any::<bool>()) {
        let base64 = if padded { BASE64_STANDARD.encode(&sound) } else { BASE64_STANDARD_NO_PAD.encode(&sound) };
        let text = media_text(&base64);
        let mut chop = Chop::new();
        let mut out = Vec::new();
        let len = payload(&text).frames(&mut chop, |f| out.extend_from_slice(f.bytes())).unwrap();
        prop_assert_eq!(len, sound.len());
        out.extend(chop.flush().iter().flat_map(|f| f.bytes().to_vec()));
        prop_assert_eq!(out, sound);
    }

    #[test]
    fn both_ways_of_decoding_agree_on_what_is_base64(text in "[A-Za-z0-9+/]{0,1400}[=A-D*]{0,3}[A-D]{0,6}") {
        let message = media_text(&text);
        let payload = payload(&message);
        let mut out = vec![0; payload.bytes_max()];
        let whole = payload.decode_into(&mut out);
        let pieces = payload.frames(&mut Chop::new(), |_| ());
        prop_assert_eq!(whole, pieces);
    }

    #[test]
    fn mark_names_come_back_as_they_went(epoch in any::<u32>(), sequence in any::<u32>(), kind in 0..3) {
        let kind = [MarkKind::Progress, MarkKind::UtteranceEnd, MarkKind::Fence][kind as usize];
        let name = MarkName { epoch, sequence, kind };
        let mut text = Vec::new();
        encode(&mut text, &Sid::parse("MZ1").unwrap(), Outbound::Mark(name));
        let Ok(Inbound::Mark(mark)) = parse(&text) else { panic!() };
        prop_assert_eq!(MarkName::parse(&mark.name), Some(name));
    }

    #[test]
    fn foreign_mark_names_are_no_trouble(name in "e?[0-9]{0,11}\\.?[pufx]?[0-9+]{0,11}|.{0,20}") {
        if let Some(ours) = MarkName::parse(&name) {
            prop_assert_eq!(ours.to_string(), name);
        }
    }
}

#[test]
fn a_short_buffer_is_an_error_that_says_how_much_is_needed() {
    let text = media_text(&BASE64_STANDARD.encode([7; 160]));
    let payload = payload(&text);
    let expected = Error::TooLarge { bytes: payload.bytes_max(), bytes_max: 100 };
    assert_eq!(payload.decode_into(&mut [0; 100]), Err(expected));
    assert_eq!(payload.decode_into(&mut [0; 162]), Ok(160));
}

/// The value at a dotted path; null where there is none.
fn at<'v>(value: &'v Value, path: &str) -> &'v Value {
    path.split('.').fold(value, |v, name| v.get(name).unwrap_or(&Value::Null))
}

fn counter(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// Messages of the usual form, and small damages to them.
fn nearly_usual() -> impl Strategy<Value = Vec<u8>> {
    let usual = (any::<u32>(), any::<u32>(), any::<u64>(), "[A-Za-z0-9+/=]{0,240}", "[A-Za-z0-9]{1,34}").prop_map(
        |(sequence, chunk, stamp, payload, sid)| {
            format!(
                r#"{{"event":"media","sequenceNumber":"{sequence}","media":{{"track":"inbound","chunk":"{chunk}","timestamp":"{stamp}","payload":"{payload}"}},"streamSid":"{sid}"}}"#
            )
            .into_bytes()
        },
    );
    let damage = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 0..3);
    (usual, damage).prop_map(|(mut message, damages)| {
        for (place, byte, kind) in damages {
            let place = place.index(message.len());
            match kind {
                0 => message[place] = byte,
                1 => message.insert(place, byte),
                _ => {
                    message.remove(place);
                }
            }
        }
        message
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_096))]

    /// The short cut for media says what the parser says, of every message.
    #[test]
    fn the_short_cut_and_the_parser_agree(message in nearly_usual()) {
        prop_assert_eq!(parse(&message), parse_any(&message));
    }
}

//! Any bytes as a message of the carrier: an answer, never a panic, and the same sound both ways of decoding.
#![no_main]

use engine::wire::twilio::parse;
use engine::wire::{Chop, Inbound, MarkName};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| match parse(bytes) {
    Ok(Inbound::Media(media)) => {
        let mut whole = vec![0; media.payload.bytes_max()];
        let decoded = media.payload.decode_into(&mut whole);
        let mut chop = Chop::new();
        let mut pieces = Vec::new();
        assert_eq!(media.payload.frames(&mut chop, |frame| pieces.extend_from_slice(frame.bytes())), decoded);
        if let Ok(len) = decoded {
            pieces.extend(chop.flush().iter().flat_map(|frame| frame.bytes().to_vec()));
            assert_eq!(pieces, whole[..len]);
        }
    }
    Ok(Inbound::Mark(mark)) => {
        if let Some(ours) = MarkName::parse(&mark.name) {
            assert_eq!(ours.to_string(), mark.name);
        }
    }
    _ => {}
});

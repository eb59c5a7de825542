//! Reads what the server says, cheaply: after the first message of sound only what changes in the next is looked at.
//!
//! A server's messages are exact objects, so between two `media` messages of one stream nothing differs but the
//! payload. The first is checked as strictly as for a single call, and teaches what stands around its payload; later
//! ones that look the same are believed, but one in [`CHECK_EVERY`] is checked strictly again. All else is always
//! checked.

use crate::audio::mulaw;
use crate::twilio::validate::{self, Command, Invalid};

/// Of so many messages of sound one is checked to its last character.
pub const CHECK_EVERY: u32 = 64;
/// Places in a payload that are listened to.
const PROBES: usize = 16;
/// µ-law bytes of at least this magnitude (0 to 127; about -38 dBFS) are audible.
const AUDIBLE: u8 = 0x20;

/// What the server said.
#[derive(Debug, PartialEq, Eq)]
pub enum Said {
    /// Sound.
    Media {
        /// Bytes of µ-law.
        samples: u64,
        /// Whether it is louder than a line's noise, as far as probed.
        audible: bool,
    },
    /// A mark.
    Mark(String),
    /// Throw away what waits.
    Clear,
}

/// The reader of one stream's messages.
#[derive(Debug)]
pub struct Outbound {
    sid: String,
    /// What stands before and behind the payload of a `media` message.
    before: Box<[u8]>,
    behind: Box<[u8]>,
    unchecked: u32,
}

impl Outbound {
    /// A reader of the messages for stream `sid`.
    #[must_use]
    pub fn new(sid: String) -> Self {
        Self { sid, before: Box::default(), behind: Box::default(), unchecked: CHECK_EVERY }
    }

    /// The stream's identifier.
    #[must_use]
    pub fn sid(&self) -> &str {
        &self.sid
    }

    /// Reads one text message.
    ///
    /// # Errors
    /// [`Invalid`] says what Twilio would object to.
    pub fn read(&mut self, text: &[u8]) -> Result<Said, Invalid> {
        if self.unchecked < CHECK_EVERY
            && let Some(payload) = text.strip_prefix(&*self.before).and_then(|rest| rest.strip_suffix(&*self.behind))
        {
            self.unchecked += 1;
            return Ok(Said::Media { samples: samples(payload), audible: audible(payload) });
        }
        self.read_strictly(text)
    }

    fn read_strictly(&mut self, bytes: &[u8]) -> Result<Said, Invalid> {
        let text = std::str::from_utf8(bytes).map_err(|e| Invalid::NotJson(e.to_string()))?;
        Ok(match validate::parse(text, &self.sid)? {
            Command::Media(sound) => {
                self.learn(text);
                let audible = sound.iter().any(|byte| magnitude(*byte) >= AUDIBLE);
                Said::Media { samples: sound.len() as u64, audible }
            }
            Command::Mark(name) => Said::Mark(name),
            Command::Clear => Said::Clear,
        })
    }

    /// Remembers what surrounds the payload of a valid message.
    fn learn(&mut self, text: &str) {
        let payload = text.split_once("\"payload\"").and_then(|(_, rest)| rest.split('"').nth(1));
        let at = payload.filter(|payload| payload.len() >= 4).and_then(|payload| text.find(payload).zip(Some(payload)));
        if let Some((at, payload)) = at {
            self.before = text.as_bytes()[..at].into();
            self.behind = text.as_bytes()[at + payload.len()..].into();
            self.unchecked = 0;
        }
    }
}

/// Bytes that this much base64 decodes to.
fn samples(payload: &[u8]) -> u64 {
    let padding = payload.iter().rev().take(2).filter(|byte| **byte == b'=').count();
    (payload.len() / 4 * 3).saturating_sub(padding) as u64
}

fn audible(payload: &[u8]) -> bool {
    let quartets = payload.len() / 4;
    let step = quartets.div_ceil(PROBES).max(1);
    (0..quartets).step_by(step).any(|index| {
        let quartet = &payload[index * 4..index * 4 + 4];
        // The first byte of three is enough: the six bits of the first character and two of the second.
        let byte = sextet(quartet[0]) << 2 | sextet(quartet[1]) >> 4;
        magnitude(byte) >= AUDIBLE
    })
}

const fn magnitude(byte: u8) -> u8 {
    (byte ^ mulaw::SILENCE) & 0x7F
}

/// The value of a base64 character; silence's, for what is none.
const fn sextet(character: u8) -> u8 {
    match character {
        b'A'..=b'Z' => character - b'A',
        b'a'..=b'z' => character - b'a' + 26,
        b'0'..=b'9' => character - b'0' + 52,
        b'+' => 62,
        _ => 63,
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;

    fn media(sound: &[u8]) -> String {
        let payload = STANDARD.encode(sound);
        format!(r#"{{"event":"media","streamSid":"MZ1","media":{{"payload":"{payload}"}}}}"#)
    }

    proptest! {
        #[test]
        fn the_quick_look_counts_what_the_strict_one_counts(lengths in prop::collection::vec(0_usize..2_000, 1..200)) {
            let mut outbound = Outbound::new("MZ1".into());
            for length in lengths {
                let said = outbound.read(media(&vec![0x10; length]).as_bytes()).unwrap();
                prop_assert_eq!(said, Said::Media { samples: length as u64, audible: length > 0 });
            }
        }
    }

    #[test]
    fn silence_and_line_noise_are_not_audible() {
        let mut outbound = Outbound::new("MZ1".into());
        for byte in [0xFF, 0x7F, 0xF8, 0x70] {
            for _ in 0..3 {
                let said = outbound.read(media(&[byte; 800]).as_bytes()).unwrap();
                assert_eq!(said, Said::Media { samples: 800, audible: false }, "{byte:x}");
            }
        }
    }

    #[test]
    fn wrong_messages_are_refused_even_after_good_ones() {
        let mut outbound = Outbound::new("MZ1".into());
        outbound.read(media(&[0; 160]).as_bytes()).unwrap();
        assert!(outbound.read(media(&[0; 160]).replace("MZ1", "MZ2").as_bytes()).is_err());
        assert!(outbound.read(br#"{"event":"clear","streamSid":"MZ1","x":1}"#).is_err());
        assert_eq!(outbound.read(br#"{"streamSid":"MZ1","event":"clear"}"#), Ok(Said::Clear));
        let mark = br#"{"event":"mark","streamSid":"MZ1","mark":{"name":"a"}}"#;
        assert_eq!(outbound.read(mark), Ok(Said::Mark("a".into())));
        assert!(outbound.read(&[0xFF]).is_err());
    }

    #[test]
    fn what_only_looks_right_is_found_out_by_the_next_strict_check() {
        let mut outbound = Outbound::new("MZ1".into());
        outbound.read(media(&[0; 160]).as_bytes()).unwrap();
        let bad = media(&[0; 160]).replace("////", "*///").replace("AAAA", "*AAA");
        let refused = (0..CHECK_EVERY + 1).filter(|_| outbound.read(bad.as_bytes()).is_err()).count();
        assert_eq!(refused, 1);
    }
}

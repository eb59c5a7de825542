//! One call of the fleet against what a server sends.

use tokio_tungstenite::tungstenite::protocol::{Message, Role, WebSocket};

use super::*;

struct Line {
    call: Call,
    shared: Shared,
    now: Micros,
    due: Vec<Micros>,
    out: Vec<u8>,
}

fn line() -> Line {
    let voices = Voices::load(&["en/im-sorry".into()], 1).unwrap();
    let mut shared = Shared { measures: Measures::new(voices.clips.len()), voices };
    shared.measures.open();
    let sids = Sids { account: "AC1".into(), call: "CA1".into() };
    let begin = Begin { sids, stream_sid: "MZ1".into(), parameters: Vec::new(), seed: 7 };
    let now = Micros::from_ms(1_000);
    let mut out = Vec::new();
    let call = Call::start(now, now, begin, &shared, &mut out);
    Line { call, shared, now, due: Vec::new(), out }
}

impl Line {
    fn frame(&mut self) {
        self.now = self.call.frame_due();
        self.call.frame(self.now, &mut self.shared, &mut self.out);
    }

    fn hear(&mut self, text: &str) -> Result<(), Ended> {
        let mut peer = WebSocket::from_raw_socket(std::io::Cursor::new(Vec::new()), Role::Server, None);
        peer.send(Message::text(text)).unwrap();
        let bytes = peer.get_ref().get_ref().clone();
        let due = &mut |at| self.due.push(at);
        self.call.receive(self.now, &bytes, &mut self.shared, &mut self.out, due)
    }

    fn sent(&mut self) -> Vec<Message> {
        let bytes = std::mem::take(&mut self.out);
        let mut peer = WebSocket::from_raw_socket(std::io::Cursor::new(bytes), Role::Server, None);
        std::iter::from_fn(|| peer.read().ok()).collect()
    }
}

fn sound(ms: usize) -> String {
    let payload = "AAAA".repeat(ms * 8 / 3);
    format!(r#"{{"event":"media","streamSid":"MZ1","media":{{"payload":"{payload}"}}}}"#)
}

#[test]
fn it_starts_and_counts_as_a_carrier_does() {
    let mut line = line();
    (0..3).for_each(|_| line.frame());
    let texts: Vec<String> = line.sent().iter().filter(|m| m.is_text()).map(ToString::to_string).collect();
    assert!(texts[0].contains("connected") && texts[1].contains(r#""event":"start","sequenceNumber":"1""#));
    assert!(texts[2].contains(r#""sequenceNumber":"2","media":{"track":"inbound","chunk":"1","timestamp":"0""#));
    assert!(texts[4].contains(r#""sequenceNumber":"4","media":{"track":"inbound","chunk":"3","timestamp":"40""#));
    assert_eq!(line.shared.measures.counts.frames, 3);
}

#[test]
fn speech_is_cleared_and_its_marks_go_back_with_the_measured_time() {
    let mut line = line();
    while line.shared.measures.clear.figures().count == 0 {
        line.frame();
        line.call.play(line.now, &mut line.shared, &mut line.out);
        if line.now.0.is_multiple_of(1_000_000) {
            line.hear(&sound(999)).unwrap();
            line.hear(r#"{"event":"mark","streamSid":"MZ1","mark":{"name":"end"}}"#).unwrap();
        }
        assert!(line.now < Micros::from_ms(60_000));
        // A detector that needs the frame with the onset and four more.
        line.now += Micros::from_ms(1);
        if line.call.mind.interrupting_since().is_some_and(|onset| line.now > onset + Micros::from_ms(80)) {
            line.sent();
            line.hear(r#"{"event":"clear","streamSid":"MZ1"}"#).unwrap();
        }
    }
    let clear = line.shared.measures.clear.figures().max_ms;
    assert!((80.0..=101.5).contains(&clear), "{clear}");
    assert!((line.shared.measures.share.figures().max_ms - 1.0).abs() < 0.01);
    assert_eq!(line.sent().len(), 1, "the mark");
    assert_eq!(line.shared.measures.counts.marks_cleared, 1);
}

#[test]
fn marks_go_back_when_they_were_played() {
    let mut line = line();
    line.sent();
    line.hear(&sound(300)).unwrap();
    line.hear(r#"{"event":"mark","streamSid":"MZ1","mark":{"name":"end"}}"#).unwrap();
    assert_eq!(line.due, [line.now + Micros::from_ms(300)]);
    line.call.play(line.due[0] - Micros(1), &mut line.shared, &mut line.out);
    assert!(line.sent().is_empty());
    line.call.play(line.due[0], &mut line.shared, &mut line.out);
    assert!(line.sent()[0].to_string().contains(r#""mark":{"name":"end"}"#));
    line.hear(r#"{"event":"mark","streamSid":"MZ1","mark":{"name":"late"}}"#).unwrap();
    assert_eq!(line.due.len(), 2, "sound still waits by the clock of the line");
}

#[test]
fn a_close_is_answered_and_ends_the_call_and_refusals_are_counted() {
    let mut line = line();
    line.hear("nonsense").unwrap();
    assert_eq!(line.shared.measures.counts.refused, 1);
    assert!(line.shared.measures.first_refused.as_ref().unwrap().starts_with("31951"));
    line.sent();
    let closed = line.call.receive(line.now, &[0x88, 2, 3, 0xE9], &mut line.shared, &mut line.out, &mut |_| ());
    assert_eq!(closed, Err(Ended::Closed(Some(1_001))));
    assert!(line.sent()[0].is_close());
}

#[test]
fn pings_are_timed() {
    let mut line = line();
    (0..PING_FRAMES).for_each(|_| line.frame());
    assert_eq!(line.sent().iter().filter(|m| m.is_ping()).count(), 1);
    line.now += Micros::from_ms(3);
    line.call.receive(line.now, &[0x8A, 0], &mut line.shared, &mut line.out, &mut |_| ()).unwrap();
    assert_eq!(line.shared.measures.ping.figures().count, 1);
}

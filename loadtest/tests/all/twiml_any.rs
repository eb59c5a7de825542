//! Whatever a server answers: no document makes the executor panic, or go on without time passing.

use crate::support::bench::Bench;
use loadtest::time::Micros;
use loadtest::twilio::callee::{Callee, Callees, Reply};
use loadtest::twilio::ending::Ending;
use loadtest::twilio::executor::{Answer, First, Output};
use loadtest::twilio::twiml;
use loadtest::twilio::url::Url;
use proptest::prelude::*;

const VERBS: &[&str] = &[
    "Say",
    "Play",
    "Pause",
    "Gather",
    "Record",
    "Dial",
    "Redirect",
    "Reject",
    "Hangup",
    "Enqueue",
    "Leave",
    "Connect",
    "Start",
    "Stop",
    "Echo",
    "Number",
    "Client",
    "Sip",
    "Conference",
    "Queue",
    "Stream",
    "Recording",
    "Transcription",
    "Parameter",
    "break",
];
const ATTRIBUTES: &[&str] = &[
    "loop",
    "length",
    "timeout",
    "action",
    "input",
    "numDigits",
    "finishOnKey",
    "actionOnEmptyResult",
    "maxLength",
    "playBeep",
    "record",
    "timeLimit",
    "waitUrl",
    "url",
    "track",
    "name",
    "statusCallback",
    "speechTimeout",
    "trim",
    "partialResultCallback",
    "digits",
    "bargeIn",
    "hangupOnStar",
    "sequential",
    "statusCallbackUrl",
    "value",
    "time",
];
const VALUES: &[&str] = &[
    "",
    "0",
    "1",
    "2",
    "18446744073709551615",
    "-1",
    "true",
    "false",
    "auto",
    "speech",
    "dtmf speech",
    "#",
    "/a",
    "a",
    "http://127.0.0.1/x",
    "ws://127.0.0.1/m",
    "both_tracks",
    "record-from-ringing",
    "1w2",
    "http://[",
    "trim-silence",
];

fn element() -> impl Strategy<Value = String> {
    let attributes =
        proptest::collection::btree_map(prop::sample::select(ATTRIBUTES), prop::sample::select(VALUES), 0..4);
    let text = prop::sample::select(&["", "hello there", "/next", "+14155550101", "sip:a@b", "ws://127.0.0.1/m"][..]);
    let leaf = (prop::sample::select(VERBS), attributes, text);
    let write = |name: &str, attributes: &std::collections::BTreeMap<&str, &str>, inside: &str| {
        let attributes: String = attributes.iter().map(|(n, v)| format!(" {n}=\"{v}\"")).collect();
        format!("<{name}{attributes}>{inside}</{name}>")
    };
    let leaf = leaf.prop_map(move |(name, attributes, text)| write(name, &attributes, text));
    leaf.prop_recursive(2, 12, 4, move |inner| {
        (prop::sample::select(VERBS), proptest::collection::vec(inner, 0..4))
            .prop_map(move |(name, inner)| write(name, &std::collections::BTreeMap::new(), &inner.concat()))
    })
}

fn document() -> impl Strategy<Value = String> {
    proptest::collection::vec(element(), 0..6).prop_map(|verbs| format!("<Response>{}</Response>", verbs.concat()))
}

fn callee() -> impl Strategy<Value = Callee> {
    let reply = prop::sample::select(&[Reply::Answers, Reply::Busy, Reply::NoAnswer, Reply::Fails][..]);
    (reply, 0..3_000_u64, 0..3_000_u64).prop_map(|(reply, ring, talk)| Callee {
        reply,
        ring: Micros::from_ms(ring),
        talk: Micros::from_ms(talk),
    })
}

/// Runs for ten minutes of the call's time; every request is answered at once with the next document, and every stream
/// closes a second after it was opened. How many things were wanted.
fn run(documents: &[String], callee: Callee, keys: &str) -> usize {
    let url = Url::parse("http://127.0.0.1/voice").unwrap();
    let mut bench = Bench::beginning(First::Ask(url, false), Callees::all(callee));
    let (mut next, mut wanted, mut keys) = (0, 0, keys.chars());
    let mut closes: Option<Micros> = None;
    let end = Micros::from_ms(600_000);
    loop {
        let mut at_once = 0;
        while let Some(output) = bench.executor.poll() {
            (wanted, at_once) = (wanted + 1, at_once + 1);
            assert!(at_once < 2_000, "time does not pass");
            match output {
                Output::Fetch(_) => {
                    let body = documents[next % documents.len()].clone().into_bytes();
                    next += 1;
                    let content_type = Some("text/xml".to_owned());
                    bench.executor.answer(bench.now, &Answer { status: 200, content_type, location: None, body });
                }
                Output::Prepare { number, .. } => bench.executor.prepared(bench.now, number, Ok(None)),
                Output::OpenStream(_) => {
                    bench.executor.stream_opened(bench.now);
                    closes = Some(bench.now + Micros::from_ms(1_000));
                }
                Output::OpenTap(plan) => bench.executor.tap_opened(bench.now, &plan.sid),
                _ => {}
            }
        }
        let due = bench.executor.next_deadline(bench.now);
        let at = [due, closes].into_iter().flatten().min();
        let Some(at) = at.filter(|at| *at < end && !bench.executor.has_ended()) else { break };
        assert!(at > bench.now || due.is_some_and(|due| due >= bench.now), "a deadline in the past");
        bench.now = bench.now.max(at);
        if closes.is_some_and(|at| at <= bench.now) {
            closes = None;
            bench.executor.stream_ended(bench.now, true);
        }
        bench.executor.tick(bench.now);
        if let Some(key) = keys.next() {
            bench.executor.says("one two three", bench.now, bench.now, bench.now + Micros::from_ms(700));
            bench.executor.digit(bench.now, key);
        }
        wanted += 1;
        assert!(wanted < 200_000, "it never comes to rest");
    }
    bench.executor.end(bench.now, Ending::Caller("in a test".into()));
    assert!(bench.all().len() < 200);
    assert_eq!(bench.executor.next_deadline(bench.now), None);
    wanted
}

#[test]
fn the_loops_that_people_write_take_time() {
    let nobody = Callee { reply: Reply::NoAnswer, ring: Micros::ZERO, talk: Micros::ZERO };
    for document in [
        "<Play digits=\"\" loop=\"0\"/>",
        "<Say loop=\"0\">a</Say>",
        "<Gather timeout=\"1\" actionOnEmptyResult=\"true\"/>",
        "<Record timeout=\"1\" maxLength=\"1\" playBeep=\"false\" trim=\"do-not-trim\"/>",
        "<Redirect/>",
        "<Enqueue waitUrl=\"/wait\">q</Enqueue>",
        "<Dial action=\"\">anna</Dial>",
        "<Connect action=\"\"><Stream url=\"http://x\"/></Connect>",
    ] {
        run(&[format!("<Response>{document}</Response>")], nobody, "");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn any_documents_end_or_take_time(
        documents in proptest::collection::vec(document(), 1..4), callee in callee(), keys in "[0-9*#]{0,20}",
    ) {
        run(&documents, callee, &keys);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}", cut in 0_usize..60, body in document()) {
        let _ = twiml::parse(&text);
        let _ = twiml::parse(body.get(cut..).unwrap_or_default());
        let _ = twiml::parse(body.get(..cut).unwrap_or_default());
    }
}

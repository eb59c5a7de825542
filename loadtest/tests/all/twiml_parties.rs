//! What the executor does with other parties: dialled, bridged, in queues; and with streams' callbacks.

use crate::support::bench::{Bench, CALLEE, among};
use loadtest::time::Micros;
use loadtest::twilio::callee::{Callee, Reply};
use loadtest::twilio::ending::Ending;
use loadtest::twilio::params::CallStatus;

const fn callee(reply: Reply, ring_ms: u64, talk_ms: u64) -> Callee {
    Callee { reply, ring: Micros::from_ms(ring_ms), talk: Micros::from_ms(talk_ms) }
}

/// The fields of the last request, without identifiers.
fn last(seen: &[String]) -> String {
    let words = seen.last().unwrap().split(' ').filter(|word| !word.contains("Sid=") && !word.contains("Url="));
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn the_first_who_answers_cancels_the_others() {
    let dial = "<Dial action=\"/done\"><Number statusCallback=\"/one\" statusCallbackEvent=\"initiated answered completed\">\
                +14155550101</Number><Client statusCallback=\"/two\">anna</Client><Number>+14155550103</Number></Dial>";
    let parties = [("+14155550101", callee(Reply::Answers, 900, 9)), ("anna", callee(Reply::Answers, 400, 2_500))];
    let mut bench = Bench::among(dial, among(&parties, callee(Reply::Busy, 100, 0)));
    let seen = bench.until_ms(60_000);
    assert_eq!(
        last(&seen),
        "2900 POST http://127.0.0.1:8080/done DialCallStatus=completed DialCallDuration=3 DialBridged=true"
    );
    let statuses = bench.told("status callback of a dialled call", "CallStatus");
    assert_eq!(statuses, ["initiated", "canceled", "completed"]);
    assert_eq!(bench.told("status callback of a dialled call", "To")[2], "client:anna");
    assert_eq!(bench.told("status callback of a dialled call", "ParentCallSid")[0], "CA1");
    assert_eq!(bench.told("status callback of a dialled call", "SequenceNumber"), ["0", "1", "0"]);
    assert_eq!(bench.told("status callback of a dialled call", "Direction")[0], "outbound-dial");
    assert_eq!(bench.told("status callback of a dialled call", "CallDuration"), ["-", "0", "3"]);
    assert_eq!(bench.told("status callback of a dialled call", "Duration"), ["-", "-", "1"], "of completed calls only");
    assert_eq!(bench.told("status callback of a dialled call", "SipResponseCode"), ["-", "487", "200"]);
}

/// What became of the dialled calls: whom, when, how.
fn legs(bench: &Bench) -> Vec<(&str, u64, CallStatus)> {
    bench.legs.iter().map(|news| (news.parties.to.as_str(), news.at.0 / 1_000, news.status)).collect()
}

#[test]
fn each_who_is_rung_is_a_call_of_its_own_that_the_action_names() {
    use CallStatus::{Busy, Canceled, Completed, InProgress, Ringing};
    let dial = "<Dial action=\"/done\" callerId=\"+14155550777\"><Number>+14155550101</Number><Client>anna</Client>\
                <Number>+14155550103</Number><Conference>room</Conference></Dial>";
    let parties = [
        ("+14155550101", callee(Reply::Answers, 900, 9)),
        ("anna", callee(Reply::Answers, 400, 2_500)),
        ("room", callee(Reply::NoAnswer, 0, 0)),
    ];
    let mut bench = Bench::among(dial, among(&parties, callee(Reply::Busy, 100, 0)));
    let seen = bench.until_ms(60_000);
    assert_eq!(
        legs(&bench),
        [
            ("+14155550101", 0, Ringing),
            ("client:anna", 0, Ringing),
            ("+14155550103", 0, Ringing),
            ("+14155550103", 100, Busy),
            ("+14155550101", 400, Canceled),
            ("client:anna", 400, InProgress),
            ("client:anna", 2_900, Completed),
        ],
        "a conference is joined, not called"
    );
    let anna = &bench.legs[1];
    assert_eq!(anna.parties.from, "+14155550777");
    assert!(seen.last().unwrap().contains(&format!("DialCallSid={}", anna.sid)), "{seen:?}");
}

#[test]
fn a_dialled_call_is_ended_by_rest_alone() {
    let dial = "<Dial action=\"/done\">+14155550101</Dial>";
    let ended = |at_ms: u64, ringing: bool| {
        let mut bench = Bench::calling(dial, callee(Reply::Answers, 500, 60_000));
        bench.until_ms(at_ms);
        let sid = bench.legs[0].sid.clone();
        bench.executor.end_leg(bench.now, &sid, ringing);
        let seen = bench.until_ms(at_ms).last().map(|_| ()).is_some();
        (seen, bench.legs.last().unwrap().status)
    };
    assert_eq!(ended(300, true), (true, CallStatus::Canceled));
    assert_eq!(ended(300, false), (true, CallStatus::Canceled));
    assert_eq!(ended(1_000, false), (true, CallStatus::Completed), "the talk is over");
    assert_eq!(ended(1_000, true), (false, CallStatus::InProgress), "it crossed the answer");
}

#[test]
fn who_does_not_answer_is_reported_as_twilio_does() {
    for (reply, status, after_ms) in
        [(Reply::Busy, "busy", 700), (Reply::Fails, "failed", 700), (Reply::NoAnswer, "no-answer", 4_000)]
    {
        let mut bench =
            Bench::calling("<Dial action=\"/done\" timeout=\"4\">+14155550101</Dial>", callee(reply, 700, 9));
        let expected = format!("{after_ms} POST http://127.0.0.1:8080/done DialCallStatus={status} DialBridged=false");
        assert_eq!(last(&bench.until_ms(60_000)), expected);
    }
    let mut bench = Bench::calling("<Dial>+14155550101</Dial><Hangup/>", callee(Reply::Busy, 700, 9));
    assert_eq!(bench.until_ms(60_000).last().unwrap(), "700 end <Hangup>", "without an action the next verb runs");
}

#[test]
fn one_after_the_other_when_they_are_dialled_in_sequence() {
    let dial =
        "<Dial sequential=\"true\" timeout=\"2\"><Number>+14155550101</Number><Number>+14155550102</Number></Dial>";
    let parties = [("+14155550101", callee(Reply::NoAnswer, 0, 0))];
    let mut bench = Bench::among(dial, among(&parties, callee(Reply::Answers, 300, 1_000)));
    let seen = bench.until_ms(60_000);
    assert_eq!(seen, ["0 dial +14155550101", "2000 dial +14155550102", "3300 end the TwiML is finished"]);
}

#[test]
fn the_talk_ends_with_the_limit_or_a_star() {
    let dial = "<Dial action=\"/done\" timeLimit=\"3\" hangupOnStar=\"true\">+14155550101</Dial>";
    let mut bench = Bench::calling(dial, callee(Reply::Answers, 500, 60_000));
    assert!(last(&bench.until_ms(60_000)).starts_with("3500 "));
    let mut bench = Bench::calling(dial, callee(Reply::Answers, 500, 60_000));
    bench.until_ms(1_500);
    assert!(!bench.executor.digit(bench.now, '1'));
    assert!(bench.executor.digit(bench.now, '*'));
    assert!(last(&bench.until_ms(1_500)).ends_with("DialCallDuration=1 DialBridged=true"));
}

#[test]
fn a_dialled_call_is_recorded_from_its_answer() {
    let dial = "<Dial action=\"/done\" record=\"record-from-answer-dual\" recordingStatusCallback=\"/status\">\
                +14155550101</Dial>";
    let mut bench = Bench::calling(dial, callee(Reply::Answers, 500, 2_000));
    bench.says("hello", 1_000, 1_500);
    let seen = bench.until_ms(60_000);
    assert!(seen.last().unwrap().contains("RecordingUrl=https://api.twilio.com/"), "{seen:?}");
    assert_eq!(bench.told("recording status callback", "RecordingSource"), ["DialVerb"]);
    let recording = &bench.recordings[0];
    assert_eq!((recording.length.0, recording.channels.len()), (2_000_000, 2));
    assert!(recording.channels[0][4_160..7_840].iter().all(|&byte| byte == 0x20), "the caller is in it");
}

#[test]
fn what_is_no_number_is_not_called() {
    let mut bench = Bench::with("<Dial action=\"/done\">anna</Dial>");
    let seen = bench.until_ms(0);
    assert_eq!(seen[0], "0 warning 13223");
    assert!(last(&seen).ends_with("DialCallStatus=failed DialBridged=false"), "{seen:?}");
    let mut bench = Bench::with("<Dial><Sip>anna</Sip></Dial>");
    assert_eq!(bench.until_ms(0)[0], "0 warning 13243");
}

#[test]
fn a_conference_answers_without_a_call_of_its_own() {
    let mut bench = Bench::with("<Dial action=\"/done\"><Conference>room</Conference></Dial>");
    assert_eq!(bench.until_ms(9_000).last().unwrap(), "2500 POST http://127.0.0.1:8080/done DialCallStatus=answered");
}

#[test]
fn hanging_up_during_a_dial_tells_its_action() {
    let mut bench = Bench::with("<Dial action=\"/done\">+14155550101</Dial>");
    bench.until_ms(300);
    bench.executor.end(bench.now, Ending::Caller("in a test".into()));
    bench.all();
    assert_eq!(bench.told("Dial action", "DialCallStatus"), ["canceled"]);
}

const ENQUEUE: &str = "<Enqueue action=\"/left\" waitUrl=\"/wait\">support</Enqueue>";

#[test]
fn a_queue_plays_its_document_again_until_an_agent_comes() {
    let mut bench = Bench::calling(ENQUEUE, callee(Reply::Answers, 5_000, 3_000));
    let seen = bench.until_ms(0);
    assert_eq!(
        last(&seen),
        "0 POST http://127.0.0.1:8080/wait QueuePosition=1 QueueTime=0 AvgQueueTime=0 CurrentQueueSize=1"
    );
    bench.xml("<Dial>+14155550101</Dial><Pause length=\"3\"/>");
    let seen = bench.until_ms(4_000);
    assert_eq!(seen[..2], ["0 warning 12200", "0 <Pause> 3 s"], "a waitUrl may not dial");
    assert!(seen[2].starts_with("3000 POST http://127.0.0.1:8080/wait") && seen[2].contains("QueueTime=3"), "{seen:?}");
    bench.xml("<Say loop=\"0\">Please wait</Say>");
    let seen = bench.until_ms(60_000);
    assert_eq!(seen[1..3], ["5000 hush", "5000 an agent takes the call"]);
    assert_eq!(last(&seen), "8000 POST http://127.0.0.1:8080/left QueueResult=bridged QueueTime=8");
}

#[test]
fn who_waits_without_a_document_hears_music_until_his_turn() {
    let mut bench = Bench::calling("<Enqueue>support</Enqueue>", callee(Reply::Answers, 20_000, 1_000));
    bench.until_ms(19_000);
    assert!(bench.heard >= 2 * 64_000, "{} samples", bench.heard);
    assert!(bench.until_ms(20_000).contains(&"20000 hush".to_owned()));
}

#[test]
fn callers_are_taken_in_turn_and_the_caller_moves_up() {
    let mut callees = among(&[("support", callee(Reply::Answers, 5_000, 10_000))], CALLEE);
    callees.waiting.insert("support".into(), 2);
    let mut bench = Bench::among(ENQUEUE, callees.clone());
    let asked = |bench: &mut Bench, ms| {
        let seen = last(&bench.until_ms(ms)).to_owned();
        bench.xml("<Pause length=\"10\"/>");
        seen.split_once("/wait ").map(|(_, fields)| fields.to_owned()).unwrap()
    };
    let told = |position, own, average| {
        format!("QueuePosition={position} QueueTime={own} AvgQueueTime={average} CurrentQueueSize={position}")
    };
    // The two came 10 and 20 s before.
    assert_eq!(asked(&mut bench, 0), told(3, 0, 10));
    assert_eq!(asked(&mut bench, 10_000), told(2, 10, 15), "the first was taken after 5 s");
    assert_eq!(asked(&mut bench, 20_000), told(1, 20, 20), "and the second after 15");
    let seen = bench.until_ms(60_000);
    assert!(seen.contains(&"25000 an agent takes the call".to_owned()), "{seen:?}");
    assert_eq!(last(&seen), "35000 POST http://127.0.0.1:8080/left QueueResult=bridged QueueTime=35");

    let full = ENQUEUE.replace("<Enqueue ", "<Enqueue maxQueueSize=\"2\" ");
    let mut bench = Bench::among(&full, callees);
    assert!(last(&bench.until_ms(0)).contains("QueueResult=queue-full"), "two wait already");
}

#[test]
fn a_caller_leaves_a_queue_by_leave_and_by_hanging_up() {
    let mut bench = Bench::calling(ENQUEUE, callee(Reply::NoAnswer, 0, 0));
    bench.until_ms(0);
    bench.xml("<Pause length=\"2\"/><Leave/>");
    assert_eq!(last(&bench.until_ms(60_000)), "2000 POST http://127.0.0.1:8080/left QueueResult=leave QueueTime=2");
    let mut bench = Bench::calling(ENQUEUE, callee(Reply::NoAnswer, 0, 0));
    bench.until_ms(1_000);
    bench.executor.end(bench.now, Ending::Caller("in a test".into()));
    bench.all();
    assert_eq!(bench.told("Enqueue action", "QueueResult"), ["hangup"]);
    for (reply, result) in [(Reply::Busy, "queue-full"), (Reply::Fails, "system-error")] {
        let mut bench = Bench::calling(ENQUEUE, callee(reply, 0, 0));
        assert!(last(&bench.until_ms(0)).contains(&format!("QueueResult={result}")));
    }
}

#[test]
fn a_wait_document_without_length_is_asked_once_a_second() {
    let mut bench = Bench::calling(ENQUEUE, callee(Reply::NoAnswer, 0, 0));
    for second in 0..30 {
        let seen = bench.until_ms(second * 1_000);
        assert!(last(&seen).starts_with(&format!("{} POST", second * 1_000)), "{seen:?}");
        bench.xml("");
    }
    assert!(!bench.executor.has_ended());
}

const STREAM: &str = "<Connect action=\"/next\"><Stream name=\"main\" url=\"ws://127.0.0.1:8080/ws\" \
                      statusCallback=\"http://127.0.0.1:8080/stream\"/></Connect>";

#[test]
fn a_stream_tells_when_it_starts_and_stops_and_fails() {
    let told = |bench: &Bench, field| bench.told("stream status callback", field);
    let mut bench = Bench::with(STREAM);
    bench.executor.stream_opened(bench.now);
    bench.now = Micros::from_ms(1_234);
    bench.executor.stream_ended(bench.now, true);
    assert_eq!(bench.all().last().unwrap(), "POST http://127.0.0.1:8080/next");
    assert_eq!(told(&bench, "StreamEvent"), ["stream-started", "stream-stopped"]);
    assert_eq!(told(&bench, "Timestamp"), ["2018-03-25T09:53:19.000Z", "2018-03-25T09:53:20.234Z"]);
    assert_eq!(told(&bench, "StreamName"), ["main", "main"]);
    let mut bench = Bench::with(STREAM);
    bench.executor.stream_refused(bench.now, "the handshake was answered 403, not 101");
    bench.all();
    assert_eq!(told(&bench, "StreamEvent"), ["stream-error"]);
    assert!(told(&bench, "StreamError")[0].contains("403"));
    let mut bench = Bench::with(&STREAM.replace("name=\"main\"", "track=\"both_tracks\""));
    assert_eq!(bench.all()[0], "warning 31941");
    assert_eq!(told(&bench, "StreamEvent"), ["stream-error"]);
}

#[test]
fn one_way_streams_run_beside_the_verbs_until_they_are_stopped() {
    let tap = |name: &str, track: &str| {
        format!("<Start><Stream name=\"{name}\" url=\"wss://h/{name}\" track=\"{track}\"/></Start>")
    };
    let twiml = [
        tap("a", "both_tracks"),
        tap("b", "outbound_track"),
        tap("a", "inbound_track"),
        tap("c", "both_tracks"),
        "<Pause length=\"1\"/><Stop><Stream name=\"b\"/></Stop><Stop><Stream name=\"x\"/></Stop><Pause length=\"1\"/>"
            .into(),
    ];
    let mut bench = Bench::calling(&twiml.concat(), CALLEE);
    assert_eq!(
        bench.until_ms(9_000),
        [
            "0 tap wss://h/a both_tracks",
            "0 tap wss://h/b outbound_track",
            "0 warning 12200",
            "0 warning 12200",
            "0 <Pause> 1 s",
            "1000 close tap",
            "1000 warning 0",
            "1000 <Pause> 1 s",
            "2000 end the TwiML is finished",
            "2000 close tap",
        ]
    );
}

#[test]
fn what_is_not_modelled_says_so() {
    let twiml = "<Echo/><Connect><ConversationRelay url=\"wss://h\"/></Connect><Pay/><Start><Siprec/></Start><Hangup/>";
    let mut bench = Bench::with(twiml);
    assert_eq!(bench.all(), ["warning 0", "warning 0", "warning 0", "warning 0", "end <Hangup>"]);
}

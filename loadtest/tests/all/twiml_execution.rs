//! What the executor does with TwiML, answer by answer.

use crate::support::bench::{Bench, CALLEE};
use loadtest::time::Micros;
use loadtest::twilio::callee::{Callee, Callees, Reply};
use loadtest::twilio::executor::{Answer, First};
use loadtest::twilio::warning::Code;

const STREAM: &str =
    "<Connect><Stream url=\"ws://127.0.0.1:8080/ws\"><Parameter name=\"t\" value=\"1\"/></Stream></Connect>";

#[test]
fn a_closed_stream_goes_on_with_what_stands_behind_connect() {
    let mut bench = Bench::with(&format!("{STREAM}<Redirect>resume</Redirect>"));
    assert_eq!(bench.all(), ["stream ws://127.0.0.1:8080/ws [(\"t\", \"1\")]"]);
    bench.executor.stream_ended(bench.now, true);
    assert_eq!(bench.all(), ["POST http://127.0.0.1:8080/twilio/resume"]);
    bench.xml("<Hangup/>");
    assert_eq!(bench.all(), ["end <Hangup>"]);
}

#[test]
fn the_action_of_connect_replaces_the_rest() {
    let stream = STREAM.replace("<Connect>", "<Connect action=\"/next\" method=\"GET\">");
    let mut bench = Bench::with(&format!("{stream}<Say>never</Say>"));
    bench.all();
    bench.executor.stream_ended(bench.now, true);
    assert_eq!(bench.all(), ["GET http://127.0.0.1:8080/next"]);
}

#[test]
fn a_stream_behind_nothing_ends_the_call() {
    let mut bench = Bench::with(STREAM);
    bench.all();
    bench.executor.stream_ended(bench.now, true);
    assert_eq!(bench.all(), ["end the TwiML is finished"]);
}

#[test]
fn a_refused_stream_goes_on_with_the_next_verb() {
    let both = STREAM.replace("<Stream ", "<Stream track=\"both_tracks\" ");
    let mut bench = Bench::with(&format!("{both}<Hangup/>"));
    assert_eq!(bench.all(), ["warning 31941", "end <Hangup>"]);
}

#[test]
fn say_and_pause_take_their_time() {
    let mut bench = Bench::with("<Say>twenty letters......</Say><Pause length=\"2\"/><Hangup/>");
    assert_eq!(bench.all(), ["<Say> \"twenty letters......\""]);
    let said = bench.executor.next_deadline(bench.now).unwrap();
    assert!((Micros::from_ms(1_000)..Micros::from_ms(2_000)).contains(&said));
    bench.at_ms(1_900);
    assert_eq!(bench.all(), ["<Pause> 2 s"]);
    bench.at_ms(3_899);
    assert_eq!(bench.all(), [""; 0]);
    bench.at_ms(3_900);
    assert_eq!(bench.all(), ["end <Hangup>"]);
}

#[test]
fn gather_collects_until_enough_or_the_finishing_key() {
    let gather = "<Gather action=\"/dtmf\" numDigits=\"2\"><Say>Press</Say></Gather><Hangup/>";
    let mut bench = Bench::with(gather);
    bench.all();
    assert!(bench.executor.digit(bench.now, '4'));
    assert!(bench.executor.digit(bench.now, '2'));
    assert_eq!(bench.all(), ["hush", "POST http://127.0.0.1:8080/dtmf Digits=42 msg=Gather End"]);
    let mut bench = Bench::with(gather);
    bench.all();
    bench.executor.digit(bench.now, '4');
    bench.executor.digit(bench.now, '#');
    assert_eq!(bench.all(), ["hush", "POST http://127.0.0.1:8080/dtmf Digits=4 FinishedOnKey=# msg=Gather End"]);
}

#[test]
fn gather_without_keys_goes_on_unless_an_empty_result_is_wanted() {
    let mut bench = Bench::with("<Gather action=\"/dtmf\" timeout=\"1\"/><Hangup/>");
    bench.all();
    bench.at_ms(1_000);
    assert_eq!(bench.all(), ["end <Hangup>"]);
    assert!(!bench.executor.digit(bench.now, '1'), "nobody listens any more");
    let mut bench = Bench::with("<Gather action=\"/dtmf\" timeout=\"1\" actionOnEmptyResult=\"true\"/>");
    bench.all();
    bench.at_ms(1_000);
    assert_eq!(bench.all(), ["POST http://127.0.0.1:8080/dtmf Digits= msg=Gather End"]);
}

#[test]
fn dial_reports_how_it_went() {
    let dial = "<Dial action=\"done\" timeout=\"3\"><Number>+14155550123</Number></Dial>";
    let mut bench = Bench::with(dial);
    assert_eq!(bench.all(), ["dial +14155550123"]);
    bench.at_ms(2_500);
    let all = bench.all();
    assert!(all[0].starts_with("POST http://127.0.0.1:8080/twilio/done DialCallStatus=completed"), "{all:?}");
    assert!(all[0].contains("DialCallDuration=2"), "{all:?}");
    let mut bench = Bench::calling(dial, Callee { reply: Reply::NoAnswer, ..CALLEE });
    bench.all();
    bench.at_ms(3_000);
    assert!(bench.all()[0].contains("DialCallStatus=no-answer"));
}

#[test]
fn reject_ends_the_call() {
    assert_eq!(Bench::with("<Reject reason=\"busy\"/>").all(), ["end <Reject reason=\"busy\">"]);
}

#[test]
fn ten_redirects_pass_and_the_eleventh_does_not() {
    let mut bench = Bench::with("<Redirect>/a</Redirect>");
    for _ in 0..9 {
        assert_eq!(bench.all(), ["POST http://127.0.0.1:8080/a"]);
        bench.xml("<Redirect>/a</Redirect>");
    }
    assert_eq!(bench.all(), ["POST http://127.0.0.1:8080/a"]);
    bench.xml("<Redirect>/a</Redirect>");
    assert_eq!(bench.all(), ["warning 11215", "end application error"]);
}

#[test]
fn speaking_counts_as_progress_between_redirects() {
    let mut bench = Bench::with("<Redirect>/a</Redirect>");
    for round in 0..30 {
        bench.all();
        bench.xml("<Pause length=\"1\"/><Redirect>/a</Redirect>");
        bench.at_ms((round + 1) * 1_000);
        assert!(!bench.executor.has_ended());
    }
}

#[test]
fn answers_that_twilio_does_not_take_end_the_call_with_its_code() {
    for (status, content_type, body, code) in [
        (404, Some("text/xml"), "<Response/>", Code::HttpRetrieval),
        (500, Some("text/xml"), "<Response/>", Code::HttpRetrieval),
        (200, None, "<Response/>", Code::ContentType),
        (200, Some("application/json"), "{}", Code::ContentType),
        (200, Some("text/xml"), "<Response>", Code::TwimlParse),
        (200, Some("text/xml"), "<Answer/>", Code::TwimlParse),
    ] {
        let mut bench = Bench::with("<Redirect>/a</Redirect>");
        bench.all();
        bench.answer(status, content_type, body);
        assert_eq!(bench.all(), [format!("warning {}", code.number()), "end application error".into()], "{body}");
    }
    let mut bench = Bench::with("<Redirect>/a</Redirect>");
    bench.all();
    bench.answer(200, Some("text/xml"), &format!("<Response><Say>{}</Say></Response>", "a".repeat(64 * 1024)));
    assert_eq!(bench.all()[0], "warning 11750");
}

#[test]
fn plain_text_is_spoken_and_sound_is_played() {
    let mut bench = Bench::with("<Redirect>/a</Redirect>");
    bench.all();
    bench.answer(200, Some("text/plain"), "Good day.");
    assert_eq!(bench.all(), ["<Say> \"Good day.\""]);
    let mut bench = Bench::with("<Redirect>/a</Redirect>");
    bench.all();
    bench.answer(200, Some("audio/gsm"), "…");
    assert_eq!(bench.all(), ["<Play> \"the answered sound\""]);
    bench.at_ms(1_000);
    assert_eq!(bench.all(), ["end the TwiML is finished"]);
}

#[test]
fn http_redirects_are_followed_as_get() {
    let mut bench = Bench::with("<Redirect>/a</Redirect>");
    bench.all();
    let answer = Answer { status: 302, location: Some("/b".into()), ..Answer::default() };
    bench.executor.answer(bench.now, &answer);
    assert_eq!(bench.all(), ["GET http://127.0.0.1:8080/b"]);
}

#[test]
fn a_webhook_that_does_not_answer_ends_the_call() {
    let mut bench = Bench::with("<Redirect>/a</Redirect>");
    bench.all();
    bench.executor.no_answer(bench.now, "nothing listens");
    assert_eq!(bench.all(), ["warning 11205", "end application error"]);
}

#[test]
fn relative_urls_of_inline_twiml_lead_nowhere() {
    let inline = |twiml: &str| {
        Bench::beginning(First::Inline(format!("<Response>{twiml}</Response>")), Callees::all(CALLEE)).all()
    };
    assert_eq!(inline("<Redirect>/next</Redirect>"), ["warning 11100", "end application error"]);
    assert_eq!(inline("<Redirect>http://127.0.0.1/next</Redirect>"), ["POST http://127.0.0.1/next"]);
    assert_eq!(inline("<Connect><Stream url=\"ws://127.0.0.1/a\"/></Connect>"), ["stream ws://127.0.0.1/a []"]);
}

//! What a test has go wrong with the API: the exchange alone, on a virtual clock; and on a socket, as a client meets
//! it.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::support::rest::{ACCOUNT, Bench, Got, OTHER, OWNED, body, plan};
use loadtest::call::course::Mishaps;
use loadtest::rest::auth;
use loadtest::rest::exchange::Exchange;
use loadtest::rest::faults::Fault;
use loadtest::shell::clock::{self, Clock};
use loadtest::shell::route::Route;
use loadtest::shell::serve;
use loadtest::time::Micros;
use proptest::prelude::*;

const fn ms(ms: u64) -> Micros {
    Micros::from_ms(ms)
}

fn ours(name: &str) -> String {
    format!("/loadtest/Accounts/{ACCOUNT}/{name}.json")
}

fn fault(bench: &mut Bench, fields: &[(&str, &str)]) -> Got {
    bench.ask("POST", &ours("Faults"), &body(fields))
}

/// Asks for a call and does not wait for the answer.
fn create(bench: &mut Bench) -> u64 {
    let fields = [("To", "+15551230009"), ("From", OWNED), ("Url", "http://127.0.0.1:1/")];
    bench.send("POST", &format!("/2010-04-01/Accounts/{ACCOUNT}/Calls.json"), &body(&fields), ACCOUNT, "token")
}

fn calls(bench: &mut Bench) -> usize {
    bench.get("/Calls.json").body["calls"].as_array().unwrap().len()
}

#[test]
fn a_call_is_made_at_once_and_its_creation_answered_late() {
    let mut bench = Bench::new();
    assert_eq!(fault(&mut bench, &[("Kind", "late"), ("Ms", "20000"), ("Times", "1")]).status, 201);
    let late = create(&mut bench);
    assert_eq!((bench.answers.len(), bench.begun.len()), (0, 1));
    assert_eq!(calls(&mut bench), 1, "another request overtakes it");
    bench.until(ms(19_999));
    assert!(bench.answers.is_empty());
    bench.until(ms(20_000));
    let (number, got) = bench.answers.pop().unwrap();
    assert_eq!((number, got.status), (late, 201));
    assert_eq!(bench.create(&[]).status, 201, "once");
}

#[test]
fn what_is_refused_was_not_made_unless_that_is_wanted() {
    let mut bench = Bench::new();
    fault(&mut bench, &[("Kind", "refuse"), ("Status", "429"), ("Times", "2"), ("RetryAfterS", "3")]);
    fault(&mut bench, &[("Kind", "refuse"), ("Status", "503"), ("Times", "1")]);
    fault(&mut bench, &[("Kind", "refuse"), ("Status", "500"), ("Times", "1"), ("Made", "true")]);
    fault(&mut bench, &[("Kind", "refuse"), ("Status", "502"), ("Times", "1")]);
    for (status, code) in [(429, 20_429), (429, 20_429), (503, 20_503), (500, 20_500)] {
        assert_eq!(calls(&mut bench), 0, "lists are not meant");
        let got = bench.create(&[]);
        assert_eq!((got.status, got.code()), (status, code));
        let retry_after = got.headers.iter().find(|(name, _)| *name == "Retry-After").map(|(_, value)| value.as_str());
        assert_eq!(retry_after, (status == 429).then_some("3"));
    }
    assert_eq!(calls(&mut bench), 1, "the 500 was made");
    let got = bench.create(&[]);
    assert!(got.status == 502 && got.bytes.starts_with(b"<html>"), "not all errors are JSON: {got:?}");
    assert_eq!(bench.create(&[]).status, 201);
    let shown = bench.ask("GET", &ours("Faults"), "").body;
    assert_eq!((&shown["faults"][0]["happened"], &shown["faults"][0]["left"]), (&2.into(), &0.into()));
}

#[test]
fn a_connection_is_cut_behind_the_deed_or_before_it() {
    let mut bench = Bench::new();
    fault(&mut bench, &[("Kind", "cut"), ("Times", "1"), ("Ms", "10")]);
    fault(&mut bench, &[("Kind", "cut"), ("Times", "1"), ("Made", "false")]);
    let number = create(&mut bench);
    bench.until(ms(10));
    assert_eq!((bench.cut.clone(), calls(&mut bench)), (vec![(ms(10), number)], 1));
    create(&mut bench);
    assert_eq!((bench.cut.len(), calls(&mut bench), bench.answers.len()), (2, 1, 0));
}

#[test]
fn a_stale_answer_does_not_know_the_newest_calls() {
    let mut bench = Bench::new();
    let old = bench.call();
    bench.until(ms(1_500));
    let new = bench.call();
    fault(&mut bench, &[("Kind", "stale"), ("Ms", "1000")]);
    fault(&mut bench, &[("Kind", "stale"), ("Ms", "1000"), ("On", "fetch"), ("Times", "2")]);
    assert_eq!(calls(&mut bench), 1);
    assert_eq!(bench.get(&format!("/Calls/{new}.json")).code(), 20_404);
    assert_eq!(bench.get(&format!("/Calls/{old}.json")).status, 200);
    assert_eq!(bench.get(&format!("/Calls/{new}.json")).status, 200, "twice");
    bench.until(ms(2_500));
    assert_eq!(calls(&mut bench), 2, "by now it is known");
}

#[test]
fn faults_are_of_their_account_and_their_requests_and_forgotten_on_demand() {
    let mut bench = Bench::new();
    let call = bench.call();
    fault(&mut bench, &[("Kind", "refuse"), ("On", "fetch")]);
    assert_eq!(bench.get(&format!("/Calls/{call}.json")).code(), 20_503);
    assert_eq!(bench.post(&format!("/Calls/{call}.json"), &[("TimeLimit", "9")]).status, 200);
    fault(&mut bench, &[("Kind", "refuse"), ("On", "any")]);
    assert_eq!(bench.get("/Recordings.json").code(), 20_503);
    assert_eq!(bench.ask("GET", &ours("Faults"), "").status, 200, "ours stays within reach");
    let theirs = bench.send("GET", &format!("/2010-04-01/Accounts/{OTHER}/Calls.json"), "", OTHER, "other");
    assert_eq!(bench.answers.pop().map(|(number, got)| (number, got.status)), Some((theirs, 200)));
    assert_eq!(bench.ask("DELETE", &ours("Faults"), "").body["faults"], serde_json::json!([]));
    assert_eq!(bench.get("/Recordings.json").status, 200);
}

#[test]
fn what_is_wrong_with_a_fault_is_said() {
    let mut bench = Bench::new();
    for (fields, part) in [
        (&[("Kind", "slow")][..], "late, refuse, cut or stale"),
        (&[("Kind", "cut"), ("Time", "1")], "\"Time\" is unknown"),
        (&[("Kind", "refuse"), ("Status", "200")], "from 400 to 599"),
    ] {
        let got = fault(&mut bench, fields);
        assert!(got.code() == 20_001 && got.body["message"].as_str().unwrap().contains(part), "{got:?}");
    }
    (0..100).for_each(|_| assert_eq!(fault(&mut bench, &[("Kind", "cut")]).status, 201));
    assert_eq!(fault(&mut bench, &[("Kind", "cut")]).code(), 20_001);
    let stranger = bench.send("POST", &ours("Faults"), "Kind=cut", ACCOUNT, "wrong");
    assert_eq!(bench.answers.pop().map(|(number, got)| (number, got.code())), Some((stranger, 20_003)));
}

#[test]
fn answers_tell_what_twilios_headers_tell() {
    let mut bench = Bench::with(|plan| plan.answers_after = ms(1_234));
    let sent = [create(&mut bench), create(&mut bench)];
    bench.until(ms(1_234));
    let header = |name: &str| -> Vec<String> {
        let of = |got: &Got| got.headers.iter().find(|(n, _)| *n == name).unwrap().1.clone();
        bench.answers.iter().map(|(_, got)| of(got)).collect()
    };
    assert_eq!(bench.answers.iter().map(|(number, _)| *number).collect::<Vec<_>>(), sent);
    assert_eq!(header("Twilio-Concurrent-Requests"), ["1", "2"]);
    assert_eq!(header("Twilio-Request-Duration"), ["1.234", "1.234"]);
    let ids = header("Twilio-Request-Id");
    assert!(ids[0] != ids[1] && ids.iter().all(|id| id.starts_with("RQ") && id.len() == 34), "{ids:?}");
}

#[test]
fn requests_that_are_answered_late_take_their_places_and_ours_are_not_refused() {
    let mut bench = Bench::with(|plan| plan.accounts[0].concurrent_requests = 2);
    fault(&mut bench, &[("Kind", "late"), ("Ms", "5000")]);
    for _ in 0..2 {
        create(&mut bench);
    }
    let refused = bench.get("/Calls.json");
    assert_eq!((refused.code(), &refused.headers[0]), (20_429, &("Twilio-Concurrent-Requests", "2".into())));
    assert_eq!(bench.ask("DELETE", &ours("Faults"), "").status, 200);
    bench.until(ms(5_000));
    assert_eq!(calls(&mut bench), 2);
}

#[test]
fn mishaps_of_status_callbacks_are_switched_for_the_calls_that_follow() {
    let mut bench = Bench::with(|plan| plan.accounts[0].mishaps.repeat = 1.0);
    let told = [("StatusCallback", "http://127.0.0.1:1/status")];
    bench.create(&told);
    let set = bench.ask("POST", &ours("Callbacks"), "Lose=0.5&DelayMs=200&Reorder=true");
    assert_eq!(set.body, serde_json::json!({ "lose": 0.5, "repeat": 0.0, "delay_ms": 200, "reorder": true }));
    bench.create(&told);
    assert_eq!(bench.ask("DELETE", &ours("Callbacks"), "").body["lose"], 0.0);
    bench.create(&told);
    bench.until(ms(5_000));
    let mishaps = |index: usize| bench.begun[index].1.course.mishaps;
    assert_eq!(mishaps(0), Mishaps { repeat: 1.0, ..Mishaps::default() }, "as the account was set up");
    assert_eq!([mishaps(1), mishaps(2)], [Mishaps::default(); 2], "what counts is when they are dialled");
    bench.ask("POST", &ours("Callbacks"), "Lose=0.5&DelayMs=200&Reorder=true");
    bench.create(&told);
    let expected = Mishaps { lose: 0.5, repeat: 0.0, delay: ms(200), reorder: true };
    assert_eq!(bench.begun.last().unwrap().1.course.mishaps, expected);
    assert_eq!(bench.ask("POST", &ours("Callbacks"), "Lose=2").code(), 20_001);
}

#[test]
fn nobody_is_reached_for_a_while() {
    let mut bench = Bench::new();
    assert_eq!(bench.ask("POST", &ours("Unreachable"), "ForMs=0").code(), 20_001);
    assert_eq!(bench.ask("POST", &ours("Unreachable"), "ForMs=3000").status, 202);
    assert_eq!(bench.unreachable, None, "who asked for it is answered first");
    bench.until(ms(1_000));
    assert_eq!(bench.unreachable, Some((ms(50), ms(3_050))));
}

/// Any fault of a creation.
fn any_fault() -> impl Strategy<Value = Fault> {
    let kind = prop::sample::select(vec!["late", "refuse,made=true", "refuse", "cut", "cut,made=false"]);
    (kind, 1..30_000_u64, 0..5_u64, 1..5_u64, 0.0..1.0_f64).prop_map(|(kind, ms, skip, times, share)| {
        format!("kind={kind},ms={ms},skip={skip},times={times},share={share}").parse().unwrap()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn each_request_is_answered_or_cut_once_and_the_list_tells_which_were_made(
        seed in any::<u64>(),
        faults in prop::collection::vec(any_fault(), 0..8),
        gaps_ms in prop::collection::vec(0..2_000_u64, 1..60),
    ) {
        let mut bench = Bench::with(|plan| (plan.seed, plan.accounts[0].faults) = (seed, faults.clone()));
        let mut sent = Vec::new();
        for gap in gaps_ms {
            sent.push(create(&mut bench));
            let then = bench.now + ms(gap);
            bench.until(then);
        }
        let end = bench.now + ms(60_000);
        bench.until(end);
        let answered = bench.answers.iter().map(|(number, _)| *number);
        let mut ended: Vec<u64> = answered.chain(bench.cut.iter().map(|(_, number)| *number)).collect();
        ended.sort_unstable();
        prop_assert_eq!(&ended, &sent);
        let shown = bench.ask("GET", &ours("Faults"), "").body;
        let happened = (0..faults.len()).map(|index| shown["faults"][index]["happened"].as_u64().unwrap());
        let unmade: u64 = happened.zip(&faults).filter(|(_, fault)| !fault.made).map(|(count, _)| count).sum();
        let made = bench.get("/Calls.json?PageSize=1000").body["calls"].as_array().unwrap().len() as u64;
        prop_assert_eq!(made + unmade, sent.len() as u64);
    }
}

/// Asks on a socket; the status, or why there was none.
fn ask(at: SocketAddr, method: &str, path: &str, fields: &[(&str, &str)]) -> Result<u16, ErrorKind> {
    let mut stream = TcpStream::connect_timeout(&at, Duration::from_secs(5)).map_err(|e| e.kind())?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let (body, who) = (body(fields), auth::header(ACCOUNT, "token"));
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: {at}\r\nAuthorization: {who}\r\nConnection: close\r\n");
    stream.write_all(format!("{head}Content-Length: {length}\r\n\r\n{body}").as_bytes()).map_err(|e| e.kind())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(|e| e.kind())?;
    let status = answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|text| text.parse().ok());
    status.ok_or(ErrorKind::UnexpectedEof)
}

#[tokio::test]
async fn a_client_meets_it_on_a_socket() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let serving = tokio::spawn(serve::serve(listener, Exchange::new(plan()), Clock::start(), Route::default()));
    let client = tokio::task::spawn_blocking(move || {
        let calls = format!("/2010-04-01/Accounts/{ACCOUNT}/Calls.json");
        let call = [("To", "+15551230009"), ("From", OWNED), ("Twiml", "<Response><Hangup/></Response>")];
        assert_eq!(ask(at, "POST", &ours("Faults"), &[("Kind", "cut"), ("Times", "1")]), Ok(201));
        assert_eq!(ask(at, "POST", &calls, &call), Err(ErrorKind::UnexpectedEof));
        assert_eq!(ask(at, "POST", &calls, &call), Ok(201));
        // A connection that is open when the door closes is closed with it.
        let mut open = TcpStream::connect(at).unwrap();
        open.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        assert_eq!(ask(at, "POST", &ours("Unreachable"), &[("ForMs", "2000")]), Ok(202));
        assert_eq!(open.read(&mut [0]).ok(), Some(0));
        // One that comes at the very moment may still be taken, and is then closed too.
        let refused = (0..100).any(|_| ask(at, "GET", &calls, &[]) == Err(ErrorKind::ConnectionRefused));
        assert!(refused, "nobody is there");
        let again = (0..1_000).find_map(|_| {
            clock::pause(Duration::from_millis(10));
            ask(at, "GET", &calls, &[]).ok()
        });
        assert_eq!(again, Some(200), "it is there again");
    });
    client.await.unwrap();
    serving.abort();
}

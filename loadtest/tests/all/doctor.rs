//! The doctor against a server in which one fault at a time is planted: each is found, and nothing else.

use crate::support::patient::{Plant, serve};
use crate::support::server::TOKEN;
use futures_util::future::join_all;
use loadtest::cli::{DoctorArgs, TargetArgs};
use loadtest::doctor::finding::{Finding, Report, Verdict};
use loadtest::run::doctor::examine;

async fn report(plant: Plant) -> Report {
    let url = serve(plant).await;
    let target = TargetArgs {
        url: url.clone(),
        to: "+14155550199".into(),
        from: "+14155550100".into(),
        account_sid: None,
        auth_token: Some(TOKEN.into()),
        public_url: None,
    };
    let status_callback = Some(url.replace("voice", "status"));
    examine(&DoctorArgs { target, status_callback, json: false, seed: Some(4) }).await.unwrap()
}

/// Slow for once, on a machine that has thirty calls and others' work to do.
const TIMES: &[&str] = &["webhook answers", "first audio", "gaps in speech", "stops when interrupted", "own lateness"];

/// What is not good, each probe once, in order; but not what is slow unless that was to be expected.
fn bad(report: &Report, expected: &[&str]) -> Vec<&'static str> {
    let moot = |f: &Finding| f.verdict == Verdict::Warn && TIMES.contains(&f.probe) && !expected.contains(&f.probe);
    let wrong = |f: &&Finding| matches!(f.verdict, Verdict::Warn | Verdict::Fail) && !moot(f);
    let mut probes: Vec<_> = report.findings.iter().filter(wrong).map(|finding| finding.probe).collect();
    probes.dedup();
    probes
}

/// Every fault and what must be said of it. All at once: most of the time of each is waiting.
#[tokio::test]
async fn each_planted_fault_is_found_and_a_good_server_has_none() {
    use Plant::*;
    let plants: &[(Plant, u8, &[&str])] = &[
        (Nothing, 0, &[]),
        (SlowWebhook, 0, &["webhook answers"]),
        (ServerError, 3, &["webhook answers"]),
        (Json, 3, &["content type"]),
        (Gullible, 3, &["webhook without signature", "webhook with a wrong signature", "socket without signature"]),
        (OtherToken, 3, &["webhook answers"]),
        (RawAmpersand, 3, &["TwiML"]),
        (PlainScheme, 3, &["stream URL"]),
        (Query, 3, &["stream URL"]),
        (NothingBehind, 0, &["behind </Connect>"]),
        (OneUrl, 3, &["secret of each call"]),
        (ReusableToken, 3, &["token used twice"]),
        (AnyCall, 3, &["start of another call"]),
        (UnsignedSocket, 3, &["socket without signature"]),
        (NoUpgrade, 3, &["socket opens", "abrupt close"]),
        (Deaf, 3, &["stops when interrupted"]),
        (SlowAudio, 0, &["first audio"]),
        (ExtraField, 3, &["messages"]),
        (Binary, 3, &["messages"]),
        (OtherStream, 3, &["messages"]),
        (Wav, 3, &["sound format"]),
        (Linear16, 3, &["sound format"]),
        (Tiny, 0, &["message size"]),
        (Choppy, 0, &["gaps in speech"]),
        (NoMarks, 0, &["marks"]),
        (LateAudio, 0, &["sound after clear"]),
        (BreaksAtKeys, 3, &["keys", "rest of the call"]),
        (StaysOpen, 0, &["stop"]),
        (BadCallback, 3, &["status callback"]),
        (DiesOfReset, 3, &["abrupt close"]),
        (PatientWithoutStart, 0, &["no start"]),
        (NeverPongs, 3, &["ping"]),
        (ClosesOnPing, 3, &["ping"]),
    ];
    let reports = join_all(plants.iter().map(|(plant, _, _)| report(*plant))).await;
    let mut wrong = Vec::new();
    for ((plant, code, expected), report) in plants.iter().zip(&reports) {
        if (report.exit_code(), bad(report, expected).as_slice()) != (*code, *expected) {
            let lines = loadtest::report::doctor::lines(report);
            wrong.push(format!("{plant:?}: {} {:?}\n{lines}", report.exit_code(), bad(report, expected)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn who_ends_the_socket_on_a_ping_is_told_that_and_not_that_a_pong_is_missing() {
    let seen = |report: &Report, probe| report.findings.iter().find(|f| f.probe == probe).unwrap().clone();
    let closes = report(Plant::ClosesOnPing).await;
    assert!(seen(&closes, "ping").seen.contains("ended the socket instead"), "{:?}", seen(&closes, "ping"));
    assert_eq!(seen(&closes, "stop").verdict, Verdict::Skip);
    assert_eq!(seen(&report(Plant::NeverPongs).await, "ping").seen, "no pong within 2 s");
}

#[tokio::test]
async fn the_very_message_and_its_code_are_named() {
    let report = report(Plant::ExtraField).await;
    let finding = report.findings.iter().find(|finding| finding.probe == "messages").unwrap();
    assert!(finding.seen.contains("\"sequenceNumber\"") && finding.seen.contains("{\"event\":"), "{}", finding.seen);
    assert_eq!(finding.twilio.map(|code| code.number()), Some(31_951));
    assert!(finding.seen.chars().count() < 300, "shortened");
}

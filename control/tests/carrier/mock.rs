//! The carrier that reaches nobody: its calls live by a clock that the test moves.

use std::time::Duration;

use control::carrier::{
    Asked, CallReport, CallStatus, ErrorCode, HangUp, MachineDetection, Mock, Party, Registration, TelephonyProvider,
    Webhooks,
};
use control::clock::Clock;
use control::model::{PhoneNumberId, TenantId, Timestamp};
use tokio::sync::mpsc;

use crate::model::{OURS, request};

/// A call of the mock's, and what it reports.
struct Line {
    mock: Mock,
    clock: Clock,
    reports: mpsc::Receiver<CallReport>,
}

fn webhooks() -> Webhooks {
    crate::model::webhooks("https://v.example")
}

impl Line {
    fn new() -> Self {
        let (report, reports) = mpsc::channel(2);
        let clock = Clock::manual();
        Self { mock: Mock::new(webhooks(), clock.clone(), report), clock, reports }
    }

    async fn place(&self, to: &str) -> String {
        self.mock.initiate_call(request(&webhooks(), to)).await.unwrap().carrier_call_id
    }

    async fn next(&mut self) -> CallReport {
        tokio::time::timeout(Duration::from_secs(5), self.reports.recv()).await.expect("a report").unwrap()
    }

    /// What is reported when the time has passed.
    async fn after(&mut self, time: Duration) -> (CallStatus, Option<u64>) {
        self.clock.advance(time);
        let report = self.next().await;
        (report.status, report.sequence)
    }
}

const HALF_A_SECOND: Duration = Duration::from_millis(500);

#[tokio::test]
async fn a_call_lives_as_the_clock_says_and_not_before() {
    let mut line = Line::new();
    let sid = line.place("+15551230001").await;
    assert_eq!(line.after(Duration::ZERO).await, (CallStatus::Initiated, Some(0)));
    assert_eq!(line.after(HALF_A_SECOND).await, (CallStatus::Ringing, Some(1)));
    assert_eq!(line.after(Duration::from_millis(1_500)).await, (CallStatus::InProgress, Some(2)));
    line.clock.advance(Duration::from_millis(9_999));
    let early = tokio::time::timeout(Duration::from_millis(50), line.reports.recv()).await;
    assert!(early.is_err(), "{early:?}");
    line.clock.advance(Duration::from_millis(1));
    let over = line.next().await;
    assert_eq!(
        (over.status, over.sequence, over.duration),
        (CallStatus::Completed, Some(3), Some(Duration::from_secs(10)))
    );
    assert_eq!(over.at, Some(Timestamp(Clock::manual().wall().0 + 12_000)));
    let found = line.mock.call(&sid).await.unwrap().unwrap();
    assert_eq!((found.status, found.duration), (CallStatus::Completed, over.duration));
}

#[tokio::test]
async fn the_last_two_digits_say_what_comes_of_it() {
    for (to, status, sip) in [
        ("+15551230091", CallStatus::Busy, 486),
        ("+15551230092", CallStatus::NoAnswer, 487),
        ("+15551230093", CallStatus::Failed, 404),
    ] {
        let mut line = Line::new();
        line.place(to).await;
        line.clock.advance(Duration::from_secs(60));
        let last = loop {
            let report = line.next().await;
            if report.status.is_final() {
                break report;
            }
        };
        assert_eq!((last.status, last.sip, last.duration), (status, Some(sip), Some(Duration::ZERO)), "{to}");
    }
    let line = Line::new();
    let refused = line.mock.initiate_call(request(&webhooks(), "+15551230095")).await.unwrap_err();
    assert_eq!((refused.code, refused.may_have_happened), (ErrorCode::CallFailed, false));
    let doubtful = line.mock.initiate_call(request(&webhooks(), "+15551230096")).await.unwrap_err();
    assert_eq!((doubtful.code, doubtful.may_have_happened), (ErrorCode::NetworkError, true));
    let listed = line.mock.calls(OURS, "+15551230096", Timestamp(line.clock.wall().0 + 999)).await.unwrap();
    assert_eq!(listed.len(), 1, "what is in doubt is looked for, and found");
    assert!(line.mock.calls(OURS, "+15551230095", Timestamp(0)).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_script_goes_before_the_digits_and_who_answers_is_told_where_it_was_asked() {
    let mut line = Line::new();
    line.mock.script("+15551230091", Party::Machine);
    let mut wanted = request(&webhooks(), "+15551230091");
    wanted.machine_detection = MachineDetection::Enable;
    wanted.machine_url = Some("https://v.example/machine".into());
    line.mock.initiate_call(wanted.clone()).await.unwrap();
    line.clock.advance(Duration::from_secs(4));
    let mut told = Vec::new();
    for _ in 0..4 {
        let report = line.next().await;
        told.push((report.status, report.sequence, report.answered_by));
    }
    assert_eq!(told[2], (CallStatus::InProgress, Some(2), None));
    assert_eq!(told[3], (CallStatus::InProgress, None, Some("machine_start".into())));
    assert_eq!(line.mock.asked(), [Asked::Place(wanted)]);
}

#[tokio::test]
async fn a_call_is_ended_taken_back_and_moved_only_while_that_makes_sense() {
    let mut line = Line::new();
    let sid = line.place("+15551230001").await;
    assert_eq!(line.mock.transfer(&sid, "https://v.example/on").await.unwrap_err().code, ErrorCode::SessionNotFound);
    line.clock.advance(Duration::from_secs(2));
    for _ in 0..3 {
        line.next().await;
    }
    line.mock.hang_up(&sid, HangUp::Cancel).await.unwrap();
    assert_eq!(line.mock.transfer(&sid, "https://v.example/on").await, Ok(()), "it was answered, so it goes on");
    line.mock.hang_up(&sid, HangUp::Complete).await.unwrap();
    assert_eq!(line.after(Duration::ZERO).await, (CallStatus::Completed, Some(3)));
    line.mock.hang_up(&sid, HangUp::Complete).await.expect("one that is over is no error");

    let sid = line.place("+15551230002").await;
    line.mock.hang_up(&sid, HangUp::Cancel).await.unwrap();
    loop {
        let report = line.next().await;
        if report.status.is_final() {
            break assert_eq!((report.status, report.carrier_call_id), (CallStatus::Canceled, sid));
        }
    }
    line.clock.advance(Duration::from_secs(60));
    let more = tokio::time::timeout(Duration::from_millis(50), line.reports.recv()).await;
    assert!(more.is_err(), "nothing follows the end: {more:?}");
}

#[tokio::test]
async fn who_does_not_listen_gets_late_reports_and_loses_none() {
    let mut line = Line::new();
    for to in ["+15551230001", "+15551230002", "+15551230003"] {
        line.place(to).await;
    }
    line.clock.advance(Duration::from_secs(60));
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut sequences = std::collections::BTreeMap::<String, Vec<u64>>::new();
    for _ in 0..12 {
        let report = line.next().await;
        sequences.entry(report.carrier_call_id).or_default().extend(report.sequence);
    }
    assert!(sequences.len() == 3 && sequences.values().all(|each| *each == [0, 1, 2, 3]), "{sequences:?}");
}

#[tokio::test]
async fn a_call_to_which_nobody_listens_ends_all_the_same() {
    let mut line = Line::new();
    line.reports.close();
    let sid = line.place("+15551230001").await;
    line.clock.advance(Duration::from_secs(60));
    let ended = async {
        while !line.mock.call(&sid).await.unwrap().unwrap().status.is_final() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), ended).await.expect("it ends");
}

#[tokio::test]
async fn numbers_are_pointed_here_and_put_back() {
    let mock = Line::new().mock;
    let (tenant, id) = (TenantId::DEFAULT, PhoneNumberId::new());
    let theirs = Registration([("voice_url".to_owned(), "https://before.example".to_owned())].into());
    mock.unregister_number(tenant, id, OURS, Some(&theirs)).await.unwrap();
    assert_eq!(mock.register_number(tenant, id, OURS).await, Ok(Some(theirs)));
    assert_eq!(mock.register_number(tenant, id, OURS).await, Ok(Some(Registration::default())));
    let asked = mock.asked();
    assert_eq!(asked.len(), 3);
    assert!(!format!("{mock:?} {asked:?}").contains("4155550199"), "nobody's number is shown");
}

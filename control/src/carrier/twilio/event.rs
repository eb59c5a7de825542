//! What Twilio reports of a call: the fields of a status callback, read into a [`CallReport`].

use std::time::Duration;

use super::super::{CallReport, CallStatus};
use super::client::is_sid;
use crate::model::Timestamp;

/// Whether Twilio names calls so.
pub(in crate::carrier) fn is_call_sid(text: &str) -> bool {
    is_sid("CA", text)
}

/// Reads a report. A field that not every report has, and that makes no sense, counts as absent. Who answered is also
/// reported by itself, without the call's state: somebody has answered, so it is in progress.
///
/// # Errors
/// What is wrong: it names no call, or no state of one.
pub(in crate::carrier) fn parse(fields: &[(String, String)]) -> Result<CallReport, String> {
    let text = |name: &str| fields.iter().rev().find(|(n, v)| n == name && !v.is_empty()).map(|(_, v)| v.as_str());
    let sid = text("CallSid").filter(|sid| is_call_sid(sid)).ok_or("CallSid is missing, or is no name of a call")?;
    let answered_by = text("AnsweredBy").and_then(who_answered);
    let status = match text("CallStatus") {
        Some(word) => status(word).ok_or("CallStatus is not one of Twilio's")?,
        None if answered_by.is_some() => CallStatus::InProgress,
        None => return Err("CallStatus is missing".into()),
    };
    let seconds = text("CallDuration").and_then(|seconds| seconds.parse().ok());
    Ok(CallReport {
        carrier_call_id: sid.to_owned(),
        status,
        sequence: text("SequenceNumber").and_then(|number| number.parse().ok()),
        at: text("Timestamp").and_then(date),
        duration: seconds.map(Duration::from_secs).filter(|_| status.is_final()),
        answered_by,
        error: text("ErrorCode").and_then(|code| code.parse().ok()),
        sip: text("SipResponseCode").and_then(|code| code.parse().ok()).filter(|code| (100..=699).contains(code)),
    })
}

/// Twilio's word for how a call stands.
pub(super) fn status(word: &str) -> Option<CallStatus> {
    Some(match word {
        "queued" => CallStatus::Queued,
        "initiated" => CallStatus::Initiated,
        "ringing" => CallStatus::Ringing,
        "in-progress" => CallStatus::InProgress,
        "completed" => CallStatus::Completed,
        "busy" => CallStatus::Busy,
        "no-answer" => CallStatus::NoAnswer,
        "failed" => CallStatus::Failed,
        "canceled" => CallStatus::Canceled,
        _ => return None,
    })
}

/// Twilio's word for who answered, such as `machine_end_beep`; its list grows, so any short word passes.
pub(super) fn who_answered(word: &str) -> Option<String> {
    let fits = (1..=32).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    fits.then(|| word.to_owned())
}

/// A date as Twilio writes it (RFC 2822).
pub(super) fn date(text: &str) -> Option<Timestamp> {
    Some(Timestamp(jiff::fmt::rfc2822::parse(text).ok()?.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SID: &str = "CA0123456789abcdef0123456789abcdef";

    fn read(fields: &[(&str, &str)]) -> Result<CallReport, String> {
        let fields: Vec<_> = fields.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        parse(&fields)
    }

    #[test]
    fn a_report_is_read_whole() {
        let report = read(&[
            ("CallSid", SID),
            ("CallStatus", "failed"),
            ("SequenceNumber", "3"),
            ("Timestamp", "Sun, 25 Mar 2018 09:53:19 +0000"),
            ("CallDuration", "7"),
            ("AnsweredBy", "machine_end_beep"),
            ("ErrorCode", "32011"),
            ("SipResponseCode", "404"),
            ("Something", "new"),
        ]);
        let expected = CallReport {
            carrier_call_id: SID.into(),
            status: CallStatus::Failed,
            sequence: Some(3),
            at: Some(Timestamp(1_521_971_599_000)),
            duration: Some(Duration::from_secs(7)),
            answered_by: Some("machine_end_beep".into()),
            error: Some(32_011),
            sip: Some(404),
        };
        assert_eq!(report, Ok(expected));
    }

    #[test]
    fn what_must_be_there_is_missed_and_what_may_be_is_not() {
        assert!(read(&[("CallStatus", "ringing")]).unwrap_err().contains("CallSid"));
        assert!(read(&[("CallSid", "CA12"), ("CallStatus", "ringing")]).unwrap_err().contains("CallSid"));
        assert!(read(&[("CallSid", SID)]).unwrap_err().contains("CallStatus"));
        assert!(read(&[("CallSid", SID), ("CallStatus", "exploded")]).unwrap_err().contains("CallStatus"));
        let odd =
            [("SequenceNumber", "-1"), ("Timestamp", "yesterday"), ("SipResponseCode", "9"), ("AnsweredBy", "<b>")];
        let report = read(&[&[("CallSid", SID), ("CallStatus", "ringing"), ("CallDuration", "x")][..], &odd].concat());
        let report = report.unwrap();
        assert_eq!((report.sequence, report.at, report.sip, report.answered_by), (None, None, None, None));
    }

    #[test]
    fn who_answered_may_come_by_itself() {
        let report = read(&[("CallSid", SID), ("AnsweredBy", "human"), ("MachineDetectionDuration", "2900")]).unwrap();
        assert_eq!((report.status, report.sequence), (CallStatus::InProgress, None));
        assert_eq!(report.answered_by.as_deref(), Some("human"));
    }
}

//! Calls: placed, ended, moved, looked at.

use serde::Deserialize;

use super::super::{
    CallInitiationRequest, CallInitiationResponse, CallStatus, CarrierError, ErrorCode, Found, HangUp, MachineDetection,
};
use super::client::{Client, Fields};
use super::errors;
use super::event::{is_call_sid, status, who_answered};
use crate::model::Timestamp;

/// What Twilio takes: seconds of ringing.
const RING_MAX_S: u64 = 600;
/// What Twilio takes of an account without a longer limit of its own: seconds of a call.
const DURATION_MAX_S: u64 = 14_400;
/// Of a list, the newest.
const LISTED_MAX: &str = "50";
const STEPS: [&str; 4] = ["initiated", "ringing", "answered", "completed"];

/// A call, as much of it as is looked at. Twilio writes figures as texts, and leaves out or nulls what it does not know.
#[derive(Debug, Deserialize)]
struct CallBody {
    sid: String,
    status: String,
    from: Option<String>,
    to: Option<String>,
    parent_call_sid: Option<String>,
    date_created: Option<String>,
    duration: Option<String>,
    answered_by: Option<String>,
}

#[derive(Deserialize)]
struct CallsBody {
    calls: Vec<CallBody>,
}

/// The form of a new call.
///
/// # Errors
/// [`ErrorCode::TwilioCallFailed`]: something is missing without which nothing needs to be asked.
pub(super) fn wanted(request: &CallInitiationRequest) -> Result<Fields, CarrierError> {
    if request.to.is_empty() || request.from.is_empty() {
        return Err(CarrierError::new(ErrorCode::TwilioCallFailed, "a call needs a called and a calling number"));
    }
    let seconds = |time: std::time::Duration, most| time.as_secs().clamp(1, most).to_string();
    let mut form: Fields = vec![
        ("To", request.to.clone()),
        ("From", request.from.clone()),
        ("Url", request.voice_url.clone()),
        ("Method", "POST".into()),
        ("StatusCallback", request.status_url.clone()),
        ("StatusCallbackMethod", "POST".into()),
    ];
    form.extend(STEPS.map(|step| ("StatusCallbackEvent", step.to_owned())));
    form.push(("Timeout", seconds(request.ring_max, RING_MAX_S)));
    form.push(("TimeLimit", seconds(request.duration_max, DURATION_MAX_S)));
    detect(&mut form, request);
    Ok(form)
}

fn detect(form: &mut Fields, request: &CallInitiationRequest) {
    let how = match request.machine_detection {
        MachineDetection::Off => return,
        MachineDetection::Enable => "Enable",
        MachineDetection::DetectMessageEnd => "DetectMessageEnd",
    };
    form.push(("MachineDetection", how.into()));
    if let Some(url) = &request.machine_url {
        form.push(("AsyncAmd", "true".into()));
        form.push(("AsyncAmdStatusCallback", url.clone()));
        form.push(("AsyncAmdStatusCallbackMethod", "POST".into()));
    }
}

/// Places a call.
pub(super) async fn create(client: &Client, form: &Fields) -> Result<CallInitiationResponse, CarrierError> {
    let made: CallBody = client.once("/Calls.json", form).await?;
    if !is_call_sid(&made.sid) {
        return Err(errors::senseless(201, "names no call"));
    }
    // Whatever a word for it may be that we do not know: it was taken.
    Ok(CallInitiationResponse { carrier_call_id: made.sid, status: status(&made.status).unwrap_or(CallStatus::Queued) })
}

/// Ends a call. One that is over, that was answered and should only be taken back, or that nobody knows any more, is done.
pub(super) async fn hang_up(client: &Client, sid: &str, how: HangUp) -> Result<(), CarrierError> {
    let word = match how {
        HangUp::Complete => "completed",
        HangUp::Cancel => "canceled",
    };
    let ended: Result<CallBody, _> = client.set(&path(sid)?, &vec![("Status", word.to_owned())]).await;
    match ended {
        Err(error) if error.code != ErrorCode::SessionNotFound => Err(error),
        _ => Ok(()),
    }
}

/// Has Twilio ask `url` what to do with a live call. Not repeated where it may have been done: whoever was connected
/// meanwhile would be cut off.
pub(super) async fn redirect(client: &Client, sid: &str, url: &str) -> Result<(), CarrierError> {
    let form = vec![("Url", url.to_owned()), ("Method", "POST".to_owned())];
    let _: CallBody = client.once(&path(sid)?, &form).await?;
    Ok(())
}

/// How a call stands.
pub(super) async fn fetch(client: &Client, sid: &str) -> Result<Option<Found>, CarrierError> {
    let call: CallBody = match client.get(&path(sid)?, &Fields::new()).await {
        Err(error) if error.code == ErrorCode::SessionNotFound => return Ok(None),
        answer => answer?,
    };
    let found = found(call).ok_or_else(|| errors::senseless(200, "says nothing of how the call stands"));
    found.map(Some).map_err(|error| CarrierError { may_have_happened: false, ..error })
}

/// Calls between two numbers. Twilio's `StartTime` goes by days and knows no call that still waits to be dialled, which is
/// just what somebody looks for who does not know whether he placed it; so the newest are asked for, and looked through.
pub(super) async fn list(client: &Client, from: &str, to: &str, since: Timestamp) -> Result<Vec<Found>, CarrierError> {
    let query = vec![("To", to.to_owned()), ("From", from.to_owned()), ("PageSize", LISTED_MAX.to_owned())];
    let listed: CallsBody = client.get("/Calls.json", &query).await?;
    // Twilio's dates have no milliseconds.
    let since = Timestamp(since.0.div_euclid(1_000) * 1_000);
    let is_ours = |call: &CallBody| {
        // A call that was connected to another is no call that was placed.
        let is_placed = call.parent_call_sid.as_deref().is_none_or(str::is_empty);
        is_placed && call.from.as_deref() == Some(from) && call.to.as_deref() == Some(to)
    };
    let ours = listed.calls.into_iter().filter(is_ours).filter_map(found);
    let mut calls: Vec<Found> = ours.filter(|call| call.begun.is_some_and(|begun| begun >= since)).collect();
    calls.sort_by_key(|call| std::cmp::Reverse(call.begun));
    Ok(calls)
}

fn found(call: CallBody) -> Option<Found> {
    let status = status(&call.status)?;
    let begun = call.date_created.as_deref().and_then(super::event::date);
    let seconds = call.duration.and_then(|seconds| seconds.parse().ok());
    Some(Found {
        carrier_call_id: call.sid,
        status,
        begun,
        duration: seconds.map(std::time::Duration::from_secs).filter(|_| status.is_final()),
        answered_by: call.answered_by.as_deref().and_then(who_answered),
    })
}

/// Where a call is. What is no name of a call never becomes part of a path.
fn path(sid: &str) -> Result<String, CarrierError> {
    if !is_call_sid(sid) {
        return Err(CarrierError::new(ErrorCode::SessionNotFound, "that is not how Twilio names a call"));
    }
    Ok(format!("/Calls/{sid}.json"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::CallId;

    fn request(machine_detection: MachineDetection, machine_url: Option<&str>) -> CallInitiationRequest {
        CallInitiationRequest {
            call_id: CallId::new(),
            to: "+15551230001".into(),
            from: "+14155550199".into(),
            voice_url: "https://v.example/voice".into(),
            status_url: "https://v.example/status".into(),
            machine_detection,
            machine_url: machine_url.map(str::to_owned),
            ring_max: Duration::from_millis(500),
            duration_max: Duration::from_secs(86_400),
        }
    }

    fn value<'a>(form: &'a Fields, name: &str) -> Option<&'a str> {
        form.iter().find(|(n, _)| *n == name).map(|(_, value)| value.as_str())
    }

    #[test]
    fn times_stay_within_what_twilio_takes_and_each_step_is_a_field() {
        let form = wanted(&request(MachineDetection::Off, Some("https://v.example/machine"))).unwrap();
        assert_eq!((value(&form, "Timeout"), value(&form, "TimeLimit")), (Some("1"), Some("14400")));
        assert_eq!(form.iter().filter(|(name, _)| *name == "StatusCallbackEvent").count(), 4);
        assert_eq!((value(&form, "MachineDetection"), value(&form, "AsyncAmd")), (None, None));
    }

    #[test]
    fn a_machine_is_looked_for_beside_the_call_only_where_somebody_is_told() {
        let waits = wanted(&request(MachineDetection::DetectMessageEnd, None)).unwrap();
        assert_eq!((value(&waits, "MachineDetection"), value(&waits, "AsyncAmd")), (Some("DetectMessageEnd"), None));
        let beside = wanted(&request(MachineDetection::Enable, Some("https://v.example/machine"))).unwrap();
        assert_eq!((value(&beside, "MachineDetection"), value(&beside, "AsyncAmd")), (Some("Enable"), Some("true")));
        assert_eq!(value(&beside, "AsyncAmdStatusCallback"), Some("https://v.example/machine"));
    }

    #[test]
    fn what_is_no_call_is_no_path() {
        let sid = format!("CA{}", "0f".repeat(16));
        assert_eq!(path(&sid).unwrap(), format!("/Calls/{sid}.json"));
        for bad in ["", "CA", "../IncomingPhoneNumbers", &format!("{sid}/x"), &sid.replace("CA", "AC")] {
            assert_eq!(path(bad).unwrap_err().code, ErrorCode::SessionNotFound, "{bad}");
        }
    }
}

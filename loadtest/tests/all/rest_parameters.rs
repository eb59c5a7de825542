//! What a new call may ask for: each parameter, its range, and the code of what is wrong.

use crate::support::rest::{ACCOUNT, Bench, OTHER, OWNED};

fn code(fields: &[(&str, &str)]) -> Option<u64> {
    let got = Bench::new().create(fields);
    (got.status != 201).then(|| got.code())
}

#[test]
fn to_and_from_are_required_sound_and_the_accounts_own() {
    for (field, value, expected) in [
        ("To", "", 21_201),
        ("From", "", 21_213),
        ("To", "hello", 21_211),
        ("To", "+1555", 21_211),
        ("From", "nobody", 21_212),
        ("From", "+14155550100", 21_210),
    ] {
        assert_eq!(code(&[(field, value)]), Some(expected), "{field}={value}");
    }
    for from in [OWNED, "+14155550111", "(415) 555-0199", "+442071838750"] {
        assert_eq!(code(&[("From", from)]), None, "{from}");
    }
    for to in ["client:alice", "sip:alice@example.com"] {
        assert_eq!(code(&[("To", to), ("From", "bob")]), None, "{to}");
    }
}

#[test]
fn a_call_needs_a_url_or_twiml_and_a_url_goes_first() {
    let long = "x".repeat(4_001);
    assert_eq!(code(&[("Url", "")]), Some(21_205));
    assert_eq!(code(&[("Url", "not a url")]), Some(21_205));
    assert_eq!(code(&[("Url", "ws://127.0.0.1/")]), Some(21_205));
    assert_eq!(code(&[("Url", ""), ("Twiml", &long)]), Some(32_018));
    assert_eq!(code(&[("Url", ""), ("Twiml", &"é".repeat(4_000))]), None, "letters count, not bytes");
    assert_eq!(code(&[("Twiml", &long)]), None, "not looked at beside a Url");
    assert_eq!(code(&[("Url", ""), ("ApplicationSid", "AP1")]), Some(21_218));
    assert_eq!(code(&[("Method", "PUT")]), Some(21_209));
}

#[test]
fn every_other_parameter_has_its_range() {
    let digits = "1".repeat(33);
    let reason = "x".repeat(51);
    for (field, good, bad, expected) in [
        ("Timeout", "600", "601", 21_208),
        ("Timeout", "1", "0", 21_208),
        ("SendDigits", "ww12A#*W", "12E", 21_206),
        ("SendDigits", "1", digits.as_str(), 21_206),
        ("StatusCallback", "http://h/s", "nonsense", 21_609),
        ("StatusCallback", "http://h/s", "http://my_host/s", 21_609),
        ("StatusCallbackMethod", "GET", "PUT", 21_209),
        ("FallbackUrl", "http://h/f", "nonsense", 21_205),
        ("MachineDetection", "DetectMessageEnd", "enable", 20_001),
        ("MachineDetectionTimeout", "59", "60", 20_001),
        ("MachineDetectionSpeechThreshold", "6000", "999", 20_001),
        ("MachineDetectionSpeechEndThreshold", "500", "5001", 20_001),
        ("MachineDetectionSilenceTimeout", "2000", "1999", 20_001),
        ("Record", "true", "yes", 20_001),
        ("RecordingChannels", "dual", "stereo", 20_001),
        ("RecordingTrack", "inbound", "left", 20_001),
        ("RecordingStatusCallbackEvent", "absent", "failed", 20_001),
        ("Trim", "do-not-trim", "no", 20_001),
        ("TimeLimit", "14400", "14401", 20_001),
        ("CallReason", "because", reason.as_str(), 20_001),
    ] {
        assert_eq!(code(&[(field, good)]), None, "{field}={good}");
        assert_eq!(code(&[(field, bad)]), Some(expected), "{field}={bad}");
    }
}

#[test]
fn an_unknown_status_event_is_accepted_and_then_nothing_is_called_back() {
    let mut bench = Bench::new();
    let callback = ("StatusCallback", "http://127.0.0.1:1/status");
    let got = bench.create(&[callback, ("StatusCallbackEvent", "initiated ringing")]);
    assert_eq!((got.status, bench.begun[0].1.course.reports.is_some()), (201, false));
    let log = bench.ask("GET", &format!("/loadtest/Accounts/{ACCOUNT}/Debugger.json"), "").body;
    assert_eq!(log["entries"][0]["error_code"], "21626");
}

#[test]
fn nobody_gets_in_without_the_accounts_own_token_or_key() {
    let mut bench = Bench::new();
    let target = format!("/2010-04-01/Accounts/{ACCOUNT}/Calls.json");
    for (user, password, status) in [
        (ACCOUNT, "token", 200),
        ("SK1", "secret", 200),
        (ACCOUNT, "wrong", 401),
        ("SK1", "token", 401),
        (OTHER, "other", 401),
        ("", "", 401),
    ] {
        bench.send("GET", &target, "", user, password);
        let (_, got) = bench.answers.pop().unwrap();
        assert_eq!(got.status, status, "{user}:{password}");
        assert!(status == 200 || got.code() == 20_003);
    }
    let unknown = "/2010-04-01/Accounts/AC00000000000000000000000000000000/Calls.json";
    assert_eq!(bench.ask("GET", unknown, "").code(), 20_003);
}

#[test]
fn a_key_opens_what_an_account_has_and_not_the_account() {
    let mut bench = Bench::new();
    let account = format!("/2010-04-01/Accounts/{ACCOUNT}.json");
    for (user, password, status) in [(ACCOUNT, "token", 200), ("SK1", "secret", 401)] {
        bench.send("GET", &account, "", user, password);
        let (_, got) = bench.answers.pop().unwrap();
        assert_eq!(got.status, status, "{user}:{password}");
        assert!(status == 200 || got.code() == 20_003);
    }
}

#[test]
fn what_is_not_there_is_404_and_what_cannot_be_done_405() {
    let mut bench = Bench::new();
    for path in ["/Faxes.json", "/Calls/CA1.json", "/IncomingPhoneNumbers/PN1.json", "/Calls"] {
        assert_eq!(bench.get(path).code(), 20_404, "{path}");
    }
    let target = format!("/2010-04-01/Accounts/{ACCOUNT}/Calls.json");
    assert_eq!(bench.ask("DELETE", &target, "").code(), 20_004);
    // Another account's call is none.
    let call = bench.call();
    bench.send("GET", &format!("/2010-04-01/Accounts/{OTHER}/Calls/{call}.json"), "", OTHER, "other");
    assert_eq!(bench.answers.pop().unwrap().1.code(), 20_404);
}

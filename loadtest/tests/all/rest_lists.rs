//! Lists: filters, pages, numbers.

use crate::support::rest::{Bench, OWNED};
use loadtest::time::Micros;
use loadtest::twilio::params::CallStatus;
use serde_json::Value;

fn sids(page: &Value, key: &str) -> Vec<String> {
    page[key].as_array().unwrap().iter().map(|item| item["sid"].as_str().unwrap().to_owned()).collect()
}

/// Five calls, a day apart, the second of them completed.
fn five() -> (Bench, Vec<String>) {
    let mut bench = Bench::new();
    let mut calls = Vec::new();
    for n in 0..5 {
        bench.until(Micros::from_ms(n * 86_400_000));
        let to = format!("+1555123000{n}");
        let call = bench.create(&[("To", &to)]).body["sid"].as_str().unwrap().to_owned();
        if n == 1 {
            bench.news(&call, CallStatus::InProgress);
            bench.until(bench.now + Micros::from_ms(60_000));
            bench.news(&call, CallStatus::Completed);
        }
        calls.push(call);
    }
    (bench, calls)
}

#[test]
fn calls_are_listed_newest_first_and_every_filter_must_fit() {
    let (mut bench, calls) = five();
    let mut check = |query: &str, expected: &[usize]| {
        let page = bench.get(&format!("/Calls.json?{query}")).body;
        let expected: Vec<String> = expected.iter().map(|n| calls[*n].clone()).collect();
        assert_eq!(sids(&page, "calls"), expected, "{query}");
    };
    check("", &[4, 3, 2, 1, 0]);
    check("To=%2B15551230003", &[3]);
    check("To=(555)+123-0003", &[3]);
    check("From=%2B14155550199&Status=completed", &[1]);
    check("From=%2B14155550100", &[]);
    check("Status=ringing", &[4, 3, 2, 0]);
    check("ParentCallSid=CA1", &[]);
    // Times run from 2026-11-24.
    check("StartTime=2026-11-25", &[1]);
    check("StartTime%3C=2026-11-25", &[1, 0]);
    check("StartTime%3E=2026-11-27T10%3A00%3A00Z", &[4, 3]);
    check("StartTime>=2026-11-25&StartTime<=2026-11-26", &[2, 1]);
    check("EndTime=2026-11-25", &[1]);
    check("EndTime%3E=2026-11-26", &[]);
    assert_eq!(bench.get("/Calls.json?Status=gone").code(), 20_001);
    assert_eq!(bench.get("/Calls.json?StartTime=soon").code(), 20_001);
}

#[test]
fn pages_lead_to_each_other_and_new_calls_move_nothing() {
    let (mut bench, calls) = five();
    let first = bench.get("/Calls.json?PageSize=2&From=%2B14155550199").body;
    assert_eq!(sids(&first, "calls"), [calls[4].clone(), calls[3].clone()]);
    assert_eq!((&first["page"], &first["page_size"]), (&0.into(), &2.into()));
    assert_eq!((&first["start"], &first["end"]), (&0.into(), &1.into()));
    assert!(first["previous_page_uri"].is_null());
    bench.call();
    let follow = |bench: &mut Bench, page: &Value, name: &str| {
        let target = page[name].as_str().unwrap().to_owned();
        assert!(target.contains("From=%2B14155550199"), "the filters stay: {target}");
        bench.ask("GET", &target, "").body
    };
    let second = follow(&mut bench, &first, "next_page_uri");
    assert_eq!(sids(&second, "calls"), [calls[2].clone(), calls[1].clone()]);
    assert_eq!((&second["page"], &second["start"], &second["end"]), (&1.into(), &2.into(), &3.into()));
    let third = follow(&mut bench, &second, "next_page_uri");
    assert_eq!(sids(&third, "calls"), [calls[0].clone()]);
    assert!(third["next_page_uri"].is_null());
    let back = follow(&mut bench, &third, "previous_page_uri");
    assert_eq!(sids(&back, "calls"), sids(&second, "calls"));
    let home = follow(&mut bench, &third, "first_page_uri");
    assert_eq!(sids(&home, "calls").len(), 2);
}

#[test]
fn page_sizes_have_bounds_and_tokens_are_checked() {
    let (mut bench, calls) = five();
    assert_eq!(bench.get("/Calls.json?PageSize=5000").body["page_size"], 1_000);
    assert_eq!(bench.get("/Calls.json").body["page_size"], 50);
    assert_eq!(bench.get("/Calls.json?PageSize=x").code(), 20_001);
    assert_eq!(bench.get("/Calls.json?PageToken=PACA1").code(), 20_001);
    let by_number = bench.get("/Calls.json?PageSize=2&Page=2").body;
    assert_eq!(sids(&by_number, "calls"), [calls[0].clone()]);
    let behind = bench.get("/Calls.json?PageSize=2&Page=9").body;
    assert!(sids(&behind, "calls").is_empty() && behind["next_page_uri"].is_null());
}

#[test]
fn numbers_are_found_by_pattern_and_by_name() {
    let mut bench = Bench::new();
    let mut check = |query: &str, count: usize| {
        let page = bench.get(&format!("/IncomingPhoneNumbers.json?{query}")).body;
        assert_eq!(sids(&page, "incoming_phone_numbers").len(), count, "{query}");
    };
    check("", 2);
    check("PhoneNumber=%2B14155550199", 1);
    check("PhoneNumber=415*550", 1);
    check("PhoneNumber=%2B1415555019", 1);
    check("PhoneNumber=%2B49", 0);
    check("FriendlyName=(415)+555-0199", 1);
    check("FriendlyName=415", 0);
}

#[test]
fn a_numbers_webhook_is_set_cleared_and_used() {
    let mut bench = Bench::new();
    let page = bench.get(&format!("/IncomingPhoneNumbers.json?PhoneNumber={OWNED}").replace('+', "%2B")).body;
    let path = format!("/IncomingPhoneNumbers/{}.json", sids(&page, "incoming_phone_numbers")[0]);
    let set =
        [("VoiceUrl", "http://127.0.0.1:2/v"), ("VoiceMethod", "GET"), ("StatusCallback", "http://127.0.0.1:2/s")];
    bench.until(Micros::from_ms(5_000));
    let got = bench.post(&path, &set);
    assert_eq!((got.status, &got.body["voice_url"]), (200, &"http://127.0.0.1:2/v".into()));
    assert_eq!((&got.body["voice_method"], &got.body["voice_fallback_method"]), (&"GET".into(), &"POST".into()));
    assert_eq!(got.body["date_updated"], "Tue, 24 Nov 2026 10:00:05 +0000");
    assert_eq!(bench.get(&path).body, got.body);
    let cleared = bench.post(&path, &[("VoiceUrl", ""), ("StatusCallback", "")]).body;
    assert!(cleared["voice_url"] == "" && cleared["status_callback"] == "", "{cleared}");
}

#[test]
fn what_is_wrong_for_a_number_changes_nothing() {
    let mut bench = Bench::new();
    let page = bench.get("/IncomingPhoneNumbers.json?PhoneNumber=415").body;
    let path = format!("/IncomingPhoneNumbers/{}.json", sids(&page, "incoming_phone_numbers")[0]);
    let good = ("FriendlyName", "changed");
    for (field, value, code) in [
        ("VoiceUrl", "nonsense", 21_402),
        ("StatusCallback", "ftp://h/", 21_402),
        ("VoiceMethod", "PUT", 21_403),
        ("VoiceApplicationSid", "AP1", 20_001),
        ("TrunkSid", "x", 20_001),
    ] {
        assert_eq!(bench.post(&path, &[good, (field, value)]).code(), code, "{field}={value}");
    }
    assert_eq!(bench.post(&path, &[("VoiceUrl", ""), ("VoiceFallbackUrl", "http://h/")]).code(), 21_405);
    assert_ne!(bench.get(&path).body["friendly_name"], "changed");
}

#[test]
fn a_trunk_or_an_application_takes_the_number_away_from_its_url() {
    let mut bench = Bench::new();
    let page = bench.get("/IncomingPhoneNumbers.json?PhoneNumber=415").body;
    let path = format!("/IncomingPhoneNumbers/{}.json", sids(&page, "incoming_phone_numbers")[0]);
    let (application, trunk) = (format!("AP{}", "a".repeat(32)), format!("TK{}", "b".repeat(32)));
    bench.post(&path, &[("VoiceApplicationSid", &application)]);
    let got = bench.post(&path, &[("TrunkSid", &trunk)]).body;
    assert!(got["trunk_sid"] == trunk.as_str() && got["voice_application_sid"].is_null(), "{got}");
    let call_in = format!("/loadtest/Accounts/{}/InboundCalls.json", crate::support::rest::ACCOUNT);
    let body = "To=%2B14155550199&From=%2B15551230001";
    assert_eq!(bench.ask("POST", &call_in, body).body["status"], "failed");
    bench.post(&path, &[("TrunkSid", "")]);
    assert_eq!(bench.ask("POST", &call_in, body).body["status"], "ringing");
}

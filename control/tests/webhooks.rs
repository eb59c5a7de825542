//! Webhooks: what is answered, and who is refused.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use support::*;

#[tokio::test]
async fn a_call_is_answered_with_a_stream_and_the_question_that_follows_it() {
    let host = Host::development(&[]).await;
    for reply in [
        host.post("/twilio/voice", &call(&sid(1))).await,
        host.get(&format!("/twilio/voice?CallSid={}&AccountSid={ACCOUNT}", sid(2))).await,
    ] {
        let twiml = reply.twiml();
        let socket = host.base.replace("http://", "ws://");
        assert_eq!(twiml[..2], ["Response", "Connect"]);
        let stream = format!("Stream statusCallback={}/twilio/status url={socket}/twilio/ws/", host.base);
        let token = twiml[2].strip_prefix(&stream).unwrap_or_else(|| panic!("{twiml:?}"));
        assert!(token.len() == 32 && token.bytes().all(|b| b.is_ascii_hexdigit()), "128 bits: {token}");
        assert_eq!(twiml[3..], ["Redirect".to_owned(), format!("\"{}/twilio/resume?n=0\"", host.base)]);
        assert_eq!(reply.header("cache-control"), Some("no-store"));
    }
}

#[tokio::test]
async fn production_takes_what_any_of_its_tokens_signed() {
    let host = Host::production(&[]).await;
    let reply = host.post_signed("/twilio/voice", &call(&sid(1))).await;
    assert!(reply.body.contains("wss://voice.example.com/twilio/ws/"), "{}", reply.body);
    let url = format!("{PUBLIC}/twilio/voice");
    for (token, status) in [("other-token", 200), ("wrong", 403)] {
        let header = format!("x-twilio-signature: {}\r\n", sign(token, &url, &call(&sid(1))));
        assert_eq!(host.send(&form_request("/twilio/voice", &call(&sid(1)), &header)).await.status, status, "{token}");
    }
}

#[tokio::test]
async fn production_refuses_what_is_not_signed_or_not_what_was_signed() {
    let host = Host::production(&[]).await;
    let one = sid(1);
    assert_eq!(host.post("/twilio/voice", &call(&one)).await.status, 403);
    let signature = sign(TOKEN, &format!("{PUBLIC}/twilio/voice"), &call(&one));
    let header = format!("X-Twilio-Signature: {signature}\r\n");
    let altered = call_with(&one, &[("Added", "1")]);
    assert_eq!(host.send(&form_request("/twilio/voice", &altered, &header)).await.status, 403);
    assert_eq!(host.send(&form_request("/twilio/voice?a=b", &call(&one), &header)).await.status, 403);
    assert_eq!(host.send(&form_request("/twilio/resume", &call(&one), &header)).await.status, 403);
    assert_eq!(host.send(&form_request("/twilio/voice", &call(&one), &header.repeat(2))).await.status, 403);
    assert_eq!(host.metric("offhook_signatures_total{result=\"missing\"}").await, 1.0);
    assert_eq!(host.metric("offhook_signatures_total{result=\"invalid\"}").await, 4.0);
    assert_eq!(host.metric("offhook_webhooks_refused_total{reason=\"signature\"}").await, 5.0);
    assert_eq!(host.metric("offhook_calls").await, 0.0);
}

#[tokio::test]
async fn headers_do_not_change_the_url_that_is_checked() {
    let host = Host::production(&[]).await;
    let one = sid(1);
    let form = call(&one);
    let signature = sign(TOKEN, "https://evil.example/twilio/voice", &form);
    let headers =
        format!("X-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https\r\nX-Twilio-Signature: {signature}\r\n");
    assert_eq!(host.send(&form_request("/twilio/voice", &form, &headers)).await.status, 403);
}

#[tokio::test]
async fn a_get_is_signed_by_its_url_alone() {
    let host = Host::production(&[]).await;
    let path = format!("/twilio/voice?CallSid={}&AccountSid={ACCOUNT}&From=%2B15551234567", sid(1));
    let signature = sign(TOKEN, &format!("{PUBLIC}{path}"), &[]);
    let reply = host.send(&format!("GET {path} HTTP/1.1\r\nHost: x\r\nX-Twilio-Signature: {signature}\r\n\r\n")).await;
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn json_is_signed_by_the_hash_of_its_bytes() {
    let host = Host::production(&[]).await;
    let body = format!(r#"{{"CallSid":"{}","AccountSid":"{ACCOUNT}","CallStatus":"completed"}}"#, sid(1));
    let path = |body: &str| format!("/twilio/status?bodySHA256={}", hex(body));
    let send = async |signed: &str, sent: &str| {
        let path = path(signed);
        let signature = sign(TOKEN, &format!("{PUBLIC}{path}"), &[]);
        let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n");
        host.send(&format!("{head}X-Twilio-Signature: {signature}\r\nContent-Length: {}\r\n\r\n{sent}", sent.len()))
            .await
            .status
    };
    assert_eq!(send(&body, &body).await, 204);
    assert_eq!(send(&body, &body.replace("completed", "ringing")).await, 403);
}

fn hex(body: &str) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_shared_key_signs_in_place_of_the_token() {
    let host = Host::production(&[("TWILIO_SHARED_KEYS", "webhooks_sharedkey_1=12345")]).await;
    let one = sid(1);
    let form = call(&one);
    let signature = {
        use base64::Engine as _;
        use hmac::{KeyInit, Mac};
        let mut sorted = form.clone();
        sorted.sort_unstable();
        let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(b"12345").unwrap();
        mac.update(format!("{PUBLIC}/twilio/voice").as_bytes());
        sorted.iter().for_each(|(n, v)| mac.update(format!("{n}{v}").as_bytes()));
        base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes())
    };
    let send = async |settings: &str| {
        let headers =
            format!("X-Twilio-Signature: {signature}\r\nX-Twilio-Webhooks-Signature-Settings: {settings}\r\n");
        host.send(&form_request("/twilio/voice", &form, &headers)).await.status
    };
    assert_eq!(send("key=webhooks_sharedkey_1,algorithm=HMAC_SHA256").await, 200);
    assert_eq!(send("key=webhooks_sharedkey_2,algorithm=HMAC_SHA256").await, 403);
    assert_eq!(send("key=webhooks_sharedkey_1,algorithm=MD5").await, 403);
}

#[tokio::test]
async fn another_account_is_refused_in_production() {
    let host = Host::production(&[]).await;
    let call = sid(1);
    let form = [("CallSid", call.as_str()), ("AccountSid", "ACffffffffffffffffffffffffffffffff")];
    assert_eq!(host.post_signed("/twilio/voice", &form).await.status, 403);
    assert_eq!(host.metric("offhook_webhooks_refused_total{reason=\"account\"}").await, 1.0);
}

#[tokio::test]
async fn development_lets_bad_signatures_pass() {
    let env = [("ENVIRONMENT", "development"), ("TWILIO_AUTH_TOKEN", TOKEN)];
    let host = Host::development(&env).await;
    let header = "X-Twilio-Signature: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n";
    assert_eq!(host.send(&form_request("/twilio/voice", &call(&sid(1)), header)).await.status, 200);
    assert_eq!(host.metric("offhook_signatures_total{result=\"invalid\"}").await, 1.0);
}

#[tokio::test]
async fn the_unsigned_are_limited_and_the_signed_never() {
    let host = Host::production(&[("OFFHOOK_RATE_PER_MINUTE", "5")]).await;
    for _ in 0..5 {
        assert_eq!(host.post("/twilio/voice", &call(&sid(1))).await.status, 403);
    }
    let limited = host.post("/twilio/voice", &call(&sid(1))).await;
    assert_eq!((limited.status, limited.header("retry-after")), (429, Some("12")));
    assert_eq!(host.get("/nowhere").await.status, 429, "failures share the allowance");
    for n in 0..20 {
        assert_eq!(host.post_signed("/twilio/voice", &call(&sid(n))).await.status, 200);
    }
    host.clock.advance(std::time::Duration::from_secs(12));
    assert_eq!(host.post("/twilio/voice", &call(&sid(1))).await.status, 403);
    for _ in 0..9 {
        assert_eq!(host.post_signed("/twilio/voice", &[("CallSid", "CA1")]).await.status, 400, "signed, if malformed");
    }
    assert_eq!(host.metric("offhook_http_rate_limited_total").await, 2.0);
    assert_eq!(host.get("/healthz").await.status, 200, "probes are not counted");
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_client_has_its_own_allowance() {
    let host = Host::production(&[("OFFHOOK_RATE_PER_MINUTE", "1"), ("OFFHOOK_TRUSTED_PROXIES", "127.0.0.0/8")]).await;
    let from = async |client: &str| {
        let header = format!("X-Forwarded-For: 6.6.6.6, {client}\r\n");
        host.send(&form_request("/twilio/voice", &call(&sid(1)), &header)).await.status
    };
    assert_eq!(from("203.0.113.1").await, 403);
    assert_eq!(from("203.0.113.1").await, 429);
    assert_eq!(from("203.0.113.2").await, 403);
}

#[tokio::test]
async fn what_is_no_webhook_is_told_so() {
    let host = Host::development(&[]).await;
    let one = sid(1);
    let check = async |form: &[(&str, &str)]| host.post("/twilio/voice", form).await.status;
    assert_eq!(check(&[]).await, 400);
    assert_eq!(check(&[("CallSid", &one)]).await, 400);
    assert_eq!(check(&[("CallSid", "CA<1>"), ("AccountSid", ACCOUNT)]).await, 400);
    assert_eq!(check(&[("CallSid", &"C".repeat(65)), ("AccountSid", ACCOUNT)]).await, 400);
    let many: Vec<(String, String)> = (0..300).map(|n| (format!("P{n}"), "1".into())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(check(&[call(&one), many].concat()).await, 400);
    let typed = |kind: &str, body: &str| {
        format!(
            "POST /twilio/voice HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    assert_eq!(host.send(&typed("text/plain", "CallSid=CA1")).await.status, 400);
    assert_eq!(host.send(&typed("application/json", "{\"CallSid\":")).await.status, 400);
    assert_eq!(host.send(&typed("application/json", "[]")).await.status, 400);
    let reply = host.send_bytes(b"POST /twilio/voice HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 6\r\n\r\n\xff\xfe=%ff").await;
    assert_eq!(reply.status, 400);
    assert!(!reply.body.contains("src/"), "nothing of what is inside: {}", reply.body);
    assert_eq!(host.metric("offhook_calls").await, 0.0);
}

#[tokio::test]
async fn unknown_paths_and_methods_are_told_apart() {
    let host = Host::development(&[]).await;
    assert_eq!(host.get("/nowhere").await.status, 404);
    assert_eq!(host.get("/twilio/status").await.status, 405);
    assert_eq!(host.post("/healthz", &[]).await.status, 405);
    assert_eq!(
        host.send("DELETE /twilio/voice HTTP/1.1\r\nHost: x\r\n\r\n").await.header("allow"),
        Some("post,get,head")
    );
    assert_eq!(host.get("/twilio/voice/../metrics").await.status, 404);
}

#[tokio::test]
async fn a_full_house_is_busy_and_a_repeated_webhook_is_not_a_new_call() {
    let host = Host::development(&[("OFFHOOK_CALLS_MAX", "1")]).await;
    host.post("/twilio/voice", &call(&sid(1))).await.stream_path(&host.base);
    host.post("/twilio/voice", &call(&sid(1))).await.stream_path(&host.base);
    let refused = host.post("/twilio/voice", &call(&sid(2))).await;
    assert_eq!(refused.twiml(), ["Response", "Reject reason=busy"]);
    assert_eq!(host.metric("offhook_calls_refused_total{reason=\"full\"}").await, 1.0);
    host.clock.advance(std::time::Duration::from_secs(60));
    host.post("/twilio/voice", &call(&sid(2))).await.stream_path(&host.base);
}

#[tokio::test]
async fn callbacks_are_acknowledged_or_told_what_is_missing() {
    let host = Host::development(&[]).await;
    let one = sid(1);
    let post = async |path: &str, more: &[(&str, &str)]| {
        let mut form = vec![("CallSid", one.as_str()), ("AccountSid", ACCOUNT)];
        form.extend_from_slice(more);
        host.post(path, &form).await.status
    };
    assert_eq!(post("/twilio/status", &[("CallStatus", "completed")]).await, 204);
    assert_eq!(post("/twilio/status", &[("CallStatus", "a state of tomorrow")]).await, 204);
    assert_eq!(post("/twilio/status", &[("StreamEvent", "stream-error"), ("StreamError", "x")]).await, 204);
    assert_eq!(post("/twilio/recording", &[("RecordingSid", "RE1"), ("RecordingStatus", "completed")]).await, 204);
    assert_eq!(post("/twilio/transcription", &[("TranscriptionSid", "TR1")]).await, 204);
    assert_eq!(post("/twilio/status", &[]).await, 400);
    assert_eq!(post("/twilio/recording", &[("RecordingSid", "RE1")]).await, 400);
    assert_eq!(post("/twilio/transcription", &[("TranscriptionSid", "no word")]).await, 400);
    assert_eq!(host.metric("offhook_callbacks_total{kind=\"status\"}").await, 2.0);
}

#[tokio::test]
async fn a_call_that_is_over_gives_its_place_back() {
    let host = Host::development(&[]).await;
    let one = sid(1);
    host.post("/twilio/voice", &call(&one)).await;
    assert_eq!(host.metric("offhook_calls").await, 1.0);
    host.post("/twilio/status", &[("CallSid", &one), ("AccountSid", ACCOUNT), ("CallStatus", "no-answer")]).await;
    assert_eq!(host.metric("offhook_calls").await, 0.0);
}

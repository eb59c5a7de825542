//! The pages for operators: health, sessions, metrics, and who may see them.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use support::*;

const KEY: &str = "0123456789abcdef0123456789abcdef";

#[tokio::test]
async fn health_says_how_the_configuration_stands() {
    let host = Host::development(&[]).await;
    let health = host.get("/healthz").await;
    let json: serde_json::Value = serde_json::from_str(&health.body).unwrap();
    assert_eq!((json["status"].as_str(), json["configuration"].as_str()), (Some("ok"), Some("valid")));
    assert_eq!((json["mode"].as_str(), json["signatures"].as_str()), (Some("development"), Some("not checked")));
    assert_eq!(host.get("/readyz").await.status, 200);
    assert!(host.get("/twilio/health").await.body.contains("\"status\":\"ok\""));
    assert!(host.get("/").await.body.contains("loadtest -- call"));
    let host = Host::production(&[]).await;
    assert!(host.get("/healthz").await.body.contains("\"signatures\":\"required\""));
}

#[tokio::test]
async fn every_answer_names_its_request() {
    let host = Host::development(&[]).await;
    let id = async |header: &str| {
        let reply = host.send(&format!("GET /nowhere HTTP/1.1\r\nHost: x\r\n{header}\r\n")).await;
        assert_eq!(reply.status, 404);
        reply.header("x-request-id").unwrap().to_owned()
    };
    assert_eq!(id("X-Request-Id: abc-123\r\n").await, "abc-123");
    assert_eq!(id("").await.len(), 32);
    assert_ne!(id("X-Request-Id: two words\r\n").await, "two words");
}

#[tokio::test]
async fn a_name_cannot_break_the_page() {
    let host = Host::development(&[("APP_NAME", "<script>alert(1)</script>")]).await;
    assert!(!host.get("/").await.body.contains("<script>"));
}

#[tokio::test]
async fn sessions_show_calls_with_their_numbers_masked() {
    let host = Host::development(&[]).await;
    host.post("/twilio/voice", &call(&sid(1))).await;
    host.clock.advance(std::time::Duration::from_secs(7));
    let sessions = host.get("/twilio/sessions").await;
    let json: serde_json::Value = serde_json::from_str(&sessions.body).unwrap();
    assert_eq!(json["count"], 1);
    let session = &json["sessions"][0];
    assert_eq!(session["call"], sid(1));
    assert_eq!((&session["from"], &session["to"]), (&"+1555•••4567".into(), &"+1555•••4321".into()));
    assert_eq!((&session["state"], &session["age_s"]), (&"reserved".into(), &7.into()));
    assert!(!sessions.body.contains("+15551234567"));
}

#[tokio::test]
async fn the_admin_pages_answer_loopback_only_without_a_key() {
    let host = Host::production(&[]).await;
    for page in ["/metrics", "/twilio/sessions"] {
        assert_eq!(host.get(page).await.status, 200);
        let through = |header: &str| format!("GET {page} HTTP/1.1\r\nHost: 127.0.0.1\r\n{header}\r\n\r\n");
        assert_eq!(host.send(&through("X-Forwarded-For: 203.0.113.9")).await.status, 403, "behind a proxy");
        assert_eq!(host.send(&format!("GET {page} HTTP/1.1\r\nHost: rebound.example\r\n\r\n")).await.status, 403);
    }
}

#[tokio::test]
async fn the_admin_pages_answer_the_key_only_where_there_is_one() {
    let host = Host::production(&[("OFFHOOK_ADMIN_KEY", KEY)]).await;
    let with =
        async |header: &str| host.send(&format!("GET /metrics HTTP/1.1\r\nHost: x\r\n{header}\r\n")).await.status;
    assert_eq!(with("").await, 401);
    assert_eq!(with("Authorization: Bearer wrong\r\n").await, 401);
    assert_eq!(with(&format!("Authorization: Basic {KEY}\r\n")).await, 401);
    assert_eq!(with(&format!("X-Forwarded-For: 203.0.113.9\r\nAuthorization: Bearer {KEY}\r\n")).await, 200);
}

#[tokio::test]
async fn metrics_follow_the_conventions_of_prometheus() {
    let host = Host::development(&[]).await;
    host.get("/healthz").await;
    host.get("/metrics").await;
    let page = host.get("/metrics").await;
    assert_eq!(page.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let lines: Vec<&str> = page.body.lines().filter(|line| !line.is_empty()).collect();
    let mut described = std::collections::HashMap::new();
    for line in &lines {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(lines.iter().any(|l| l.starts_with(&format!("# HELP {name} "))), "{name} has no help");
            assert!(described.insert(name, kind).is_none(), "{name} is described twice");
            assert_eq!(name.ends_with("_total"), kind == "counter", "{name} is a {kind}");
            // Those of the backend have the names that dashboards for such backends know.
            assert!(name.starts_with("offhook_") || name.starts_with("twilio_"), "{name}");
        }
    }
    assert!(described.len() > 30, "{} families", described.len());
    for line in lines.iter().filter(|line| !line.starts_with('#')) {
        let (series, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok(), "{line}");
        let name = series.split('{').next().unwrap();
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        assert!(described.contains_key(name) || described.get(family) == Some(&"histogram"), "{line}");
        for label in ["call=", "sid=", "from=", "to=", "token="] {
            assert!(!series.contains(label), "a label per call: {line}");
        }
    }
}

#[tokio::test]
async fn every_series_exists_from_the_start() {
    let host = Host::development(&[]).await;
    let page = host.get("/metrics").await;
    for series in [
        "offhook_signatures_total{result=\"invalid\"}",
        "offhook_webhooks_refused_total{reason=\"too_large\"}",
        "offhook_calls_refused_total{reason=\"draining\"}",
        "offhook_sockets_refused_total{reason=\"token_expired\"}",
        "offhook_http_requests_total{route=\"/twilio/ws/{token}\",status=\"4xx\"}",
        "offhook_after_stream_total{answer=\"dial\"}",
        "offhook_http_rate_limited_total",
        "offhook_http_request_seconds_count",
        "offhook_draining",
        "offhook_media_barge_ins_total",
        "offhook_media_calls_active",
        "offhook_media_barge_in_seconds_count",
        "offhook_media_barge_in_own_seconds_sum",
        "offhook_media_turn_response_seconds_bucket{le=\"+Inf\"}",
        "offhook_media_playout_lead_seconds_bucket{le=\"0.25\"}",
        "offhook_log_lines_dropped_total",
    ] {
        assert_eq!(page.metric(series), 0.0, "{series}");
    }
    assert_eq!(page.metric("offhook_build_info{version=\"0.1.0\"}"), 1.0);
}

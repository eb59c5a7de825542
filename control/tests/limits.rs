//! Clients that send too much, too slowly, nonsense, or all at once.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::time::Duration;

use support::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const FORM: &str = "POST /twilio/voice HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n";

/// Waits for another connection than the one that asks.
async fn until_accepted(host: &Host) {
    while host.metric("offhook_http_connections").await < 2.0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_answered_413() {
    let host = Host::development(&[]).await;
    let body = "a".repeat(65_537);
    let honest = host.send(&format!("{FORM}Content-Length: {}\r\n\r\n{body}", body.len())).await;
    assert_eq!((honest.status, honest.body.as_str()), (413, "the body is too large\n"));
    let chunked = host.send(&format!("{FORM}Transfer-Encoding: chunked\r\n\r\n10001\r\n{body}\r\n0\r\n\r\n")).await;
    assert_eq!(chunked.status, 413);
    let claimed = host.send(&format!("{FORM}Content-Length: 99999999999\r\n\r\na")).await;
    assert_eq!(claimed.status, 413);
    assert_eq!(host.metric("offhook_webhooks_refused_total{reason=\"too_large\"}").await, 3.0);
    assert_eq!(host.post("/twilio/voice", &call_with(&sid(1), &[("Long", &"a".repeat(60_000))])).await.status, 200);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_answered_408() {
    let host = Host::development(&[("OFFHOOK_BODY_TIMEOUT_S", "1")]).await;
    let slow = host.send(&format!("{FORM}Content-Length: 100\r\n\r\nCallSid=")).await;
    assert_eq!(slow.status, 408);
}

#[tokio::test]
async fn a_head_that_does_not_come_closes_the_connection() {
    let host = Host::development(&[("OFFHOOK_HEADER_TIMEOUT_S", "1")]).await;
    for start in ["", "GET / HTTP/1.1\r\nX-Slow: "] {
        let mut stream = TcpStream::connect(host.address).await.unwrap();
        stream.write_all(start.as_bytes()).await.unwrap();
        until_accepted(&host).await;
        host.clock.advance(Duration::from_secs(1));
        let mut rest = Vec::new();
        let _ = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await.expect("closed");
    }
}

#[tokio::test]
async fn nonsense_is_answered_400_and_hurts_nobody() {
    let host = Host::development(&[]).await;
    for nonsense in
        ["\r\n\r\n\0\0\0\0", "GET\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\u{fc}\r\n\r\n", "GET / HTTP/9.9\r\n\r\n"]
    {
        let reply = host.send(nonsense).await;
        assert!([0, 400].contains(&reply.status), "{nonsense:?}: {reply:?}");
    }
    let headers: String = (0..200).map(|n| format!("X-{n}: 1\r\n")).collect();
    assert_eq!(host.send(&format!("GET / HTTP/1.1\r\n{headers}\r\n")).await.status, 431);
    let long = "a".repeat(100_000);
    assert!([414, 431].contains(&host.send(&format!("GET /{long} HTTP/1.1\r\n\r\n")).await.status));
    assert!([0, 431].contains(&host.send(&format!("GET / HTTP/1.1\r\nX: {long}\r\n\r\n")).await.status));
    assert_eq!(host.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn a_connection_too_many_is_answered_503() {
    let host = Host::development(&[("OFFHOOK_CONNECTIONS_MAX", "2")]).await;
    let one = TcpStream::connect(host.address).await.unwrap();
    let two = TcpStream::connect(host.address).await.unwrap();
    let refused = host.get("/healthz").await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    drop((one, two));
    for _ in 0..100 {
        if host.get("/healthz").await.status == 200 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the places were not given back");
}

#[tokio::test]
async fn the_refusal_arrives_although_the_request_was_still_coming() {
    let host = Host::development(&[("OFFHOOK_CONNECTIONS_MAX", "1")]).await;
    let _one = TcpStream::connect(host.address).await.unwrap();
    let form = form_request("/twilio/voice", &call_with(&sid(1), &[("Long", &"a".repeat(60_000))]), "");
    for _ in 0..20 {
        assert_eq!(host.send(&form).await.status, 503);
    }
    assert_eq!(host.send(&"a".repeat(4_000)).await.status, 503);
}

#[tokio::test]
async fn idle_connections_of_one_client_do_not_shut_out_another() {
    let host = Host::production(&[("OFFHOOK_CONNECTIONS_MAX", "64")]).await;
    let mut idle = Vec::new();
    for _ in 0..100 {
        idle.push(TcpStream::connect(host.address).await.unwrap());
    }
    assert_eq!(host.get("/healthz").await.status, 503, "this client has its share open");
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut other = socket.connect(host.address).await.unwrap();
    let signature = sign(TOKEN, &format!("{PUBLIC}/twilio/voice"), &call(&sid(1)));
    let form = form_request("/twilio/voice", &call(&sid(1)), &format!("X-Twilio-Signature: {signature}\r\n"));
    other.write_all(last_of_its_connection(&form).as_bytes()).await.unwrap();
    assert_eq!(Reply::read(&mut other).await.status, 200);
}

#[tokio::test]
async fn a_trusted_proxy_may_hold_as_many_connections_as_there_are() {
    let host = Host::production(&[("OFFHOOK_CONNECTIONS_MAX", "64"), ("OFFHOOK_TRUSTED_PROXIES", "127.0.0.0/8")]).await;
    let mut idle = Vec::new();
    for _ in 0..63 {
        idle.push(TcpStream::connect(host.address).await.unwrap());
    }
    assert_eq!(host.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn a_head_that_never_came_counts_against_its_client() {
    let host = Host::production(&[("OFFHOOK_HEADER_TIMEOUT_S", "1"), ("OFFHOOK_RATE_PER_MINUTE", "1")]).await;
    let mut silent = TcpStream::connect(host.address).await.unwrap();
    until_accepted(&host).await;
    host.clock.advance(Duration::from_secs(1));
    let _ = silent.read_to_end(&mut Vec::new()).await;
    // The socket closes a moment before its end is counted; the connection that asks is one itself.
    while host.metric("offhook_http_connections").await > 1.0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(host.get("/").await.status, 429);
    assert_eq!(host.post_signed("/twilio/voice", &call(&sid(1))).await.status, 200, "signed requests are not");
}

#[tokio::test]
async fn health_checks_are_never_counted() {
    let host = Host::production(&[("OFFHOOK_RATE_PER_MINUTE", "1")]).await;
    for page in ["/healthz", "/readyz"] {
        for _ in 0..3 {
            assert_eq!(host.get(page).await.status, 200);
            assert_eq!(host.send(&format!("POST {page} HTTP/1.1\r\nHost: x\r\n\r\n")).await.status, 405);
        }
    }
    assert_eq!((host.get("/").await.status, host.get("/").await.status), (200, 429));
    assert_eq!(host.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn an_open_media_socket_is_no_http_connection() {
    let host = Host::development(&[("OFFHOOK_CONNECTIONS_MAX", "1")]).await;
    let path = host.post("/twilio/voice", &call(&sid(1))).await.stream_path(&host.base);
    let mut socket = support::socket::Socket::open(host.address, &path, "").await.unwrap();
    socket.start(ACCOUNT, &sid(1), "{}").await;
    socket.next().await;
    assert_eq!(host.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn a_client_that_goes_away_is_forgotten() {
    let host = Host::development(&[]).await;
    for _ in 0..20 {
        let mut stream = TcpStream::connect(host.address).await.unwrap();
        stream.write_all(format!("{FORM}Content-Length: 50\r\n\r\nabc").as_bytes()).await.unwrap();
    }
    for _ in 0..100 {
        // The connection that asks is one itself.
        if host.metric("offhook_http_connections").await == 1.0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("connections are still counted");
}

//! Connections that stay open for another request.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::time::Duration;

use support::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Asks, and reads the head and as much body as it says.
async fn ask(stream: &mut TcpStream, request: &str) -> Reply {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let answer = async {
        loop {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if text.contains("\r\n\r\n") {
                let reply = Reply::parse(&text);
                let length: usize = reply.header("content-length").unwrap_or("0").parse().unwrap();
                if reply.body.len() >= length {
                    return reply;
                }
            }
            assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "closed after {text:?}");
        }
    };
    tokio::time::timeout(Duration::from_secs(10), answer).await.expect("answered")
}

/// Whether the server closes within a while.
async fn is_closed(stream: &mut TcpStream) -> bool {
    let end = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut Vec::new())).await;
    end.is_ok()
}

fn signed(host: &Host, call_sid: &str) -> String {
    let signature = sign(TOKEN, &format!("{}/twilio/voice", host.base), &call(call_sid));
    form_request("/twilio/voice", &call(call_sid), &format!("X-Twilio-Signature: {signature}\r\n"))
}

#[tokio::test]
async fn a_proxy_asks_again_and_again_over_one_connection() {
    let host = Host::production(&[]).await;
    let mut proxy = TcpStream::connect(host.address).await.unwrap();
    for n in 1..=20 {
        let reply = ask(&mut proxy, &signed(&host, &sid(n))).await;
        assert_eq!((reply.status, reply.header("connection")), (200, None), "{reply:?}");
        host.clock.advance(Duration::from_secs(100));
    }
    assert_eq!(host.metric("offhook_http_connections").await, 2.0, "this one, and the one that asks");
}

#[tokio::test]
async fn an_error_is_the_last_answer_of_its_connection() {
    let host = Host::production(&[]).await;
    let mut stranger = TcpStream::connect(host.address).await.unwrap();
    let reply = ask(&mut stranger, &form_request("/twilio/voice", &call(&sid(1)), "")).await;
    assert_eq!((reply.status, reply.header("connection")), (403, Some("close")));
    assert!(is_closed(&mut stranger).await);
}

#[tokio::test]
async fn who_asks_for_the_end_gets_it() {
    let host = Host::production(&[]).await;
    let mut proxy = TcpStream::connect(host.address).await.unwrap();
    assert_eq!(ask(&mut proxy, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.status, 200);
    assert!(is_closed(&mut proxy).await);
}

#[tokio::test]
async fn a_quiet_connection_ends_after_a_while_and_is_nobodys_fault() {
    let host = Host::production(&[("OFFHOOK_RATE_PER_MINUTE", "1")]).await;
    let mut proxy = TcpStream::connect(host.address).await.unwrap();
    ask(&mut proxy, &signed(&host, &sid(1))).await;
    host.clock.advance(Duration::from_secs(149));
    assert_eq!(ask(&mut proxy, &signed(&host, &sid(2))).await.status, 200);
    host.clock.advance(Duration::from_secs(151));
    assert!(is_closed(&mut proxy).await);
    assert_eq!(host.get("/").await.status, 200, "not counted");
}

#[tokio::test]
async fn a_second_head_has_no_more_time_than_a_first() {
    let host = Host::production(&[]).await;
    let mut proxy = TcpStream::connect(host.address).await.unwrap();
    ask(&mut proxy, &signed(&host, &sid(1))).await;
    proxy.write_all(b"POST /twilio/voice HT").await.unwrap();
    // The byte must have been seen before the clock moves.
    tokio::time::sleep(Duration::from_millis(200)).await;
    host.clock.advance(Duration::from_secs(11));
    assert!(is_closed(&mut proxy).await);
}

#[tokio::test]
async fn a_client_with_its_share_open_keeps_no_more() {
    let host = Host::production(&[("OFFHOOK_CONNECTIONS_MAX", "64")]).await;
    let mut kept = Vec::new();
    for n in 1..=8 {
        let mut proxy = TcpStream::connect(host.address).await.unwrap();
        assert_eq!(ask(&mut proxy, &signed(&host, &sid(n))).await.header("connection"), None);
        kept.push(proxy);
    }
    assert_eq!(host.get("/healthz").await.status, 503);
    drop(kept.pop());
    let mut reply = host.get("/healthz").await;
    while reply.status == 503 {
        tokio::task::yield_now().await;
        reply = host.get("/healthz").await;
    }
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn the_first_answer_of_a_drain_is_the_last_of_its_connection() {
    let host = Host::production(&[]).await;
    let mut proxy = TcpStream::connect(host.address).await.unwrap();
    assert_eq!(ask(&mut proxy, &signed(&host, &sid(1))).await.header("connection"), None);
    let (host, server) = host.split();
    let draining = tokio::spawn(server.drain(std::future::pending()));
    while host.get("/readyz").await.status == 200 {
        tokio::task::yield_now().await;
    }
    let reply = ask(&mut proxy, &signed(&host, &sid(2))).await;
    assert_eq!((reply.status, reply.header("connection")), (200, Some("close")));
    assert!(is_closed(&mut proxy).await);
    draining.abort();
}

#[tokio::test]
async fn a_quiet_connection_does_not_hold_up_the_end() {
    let host = Host::production(&[]).await;
    let mut proxy = TcpStream::connect(host.address).await.unwrap();
    assert_eq!(ask(&mut proxy, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.status, 200);
    let (host, server) = host.split();
    server.drain(std::future::pending()).await;
    assert!(is_closed(&mut proxy).await);
    drop(host);
}

//! Media sockets: who gets in, who does not, and with which words.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::time::Duration;

use support::socket::{Got, HANDSHAKE, Socket};
use support::*;

/// A call's socket path, freshly issued.
async fn path(host: &Host, call_sid: &str) -> String {
    host.post_signed("/twilio/voice", &call(call_sid)).await.stream_path(&host.base)
}

/// A refusal's status; panics where the socket opened.
async fn refused(host: &Host, path: &str, headers: &str) -> u16 {
    match Socket::open(host.address, path, headers).await {
        Ok(_) => panic!("the socket opened"),
        Err(reply) => reply.status,
    }
}

#[tokio::test]
async fn a_call_is_greeted_on_its_socket() {
    let host = Host::development(&[]).await;
    let mut socket = Socket::open(host.address, &path(&host, &sid(1)).await, "").await.unwrap();
    socket.start(ACCOUNT, &sid(1), "{}").await;
    let Got::Text(first) = socket.next().await else { panic!("a greeting") };
    assert!(first.starts_with(r#"{"event":"media","streamSid":"MZ1","media":{"payload":""#), "{first}");
    assert_eq!(host.metric("offhook_sockets_accepted_total").await, 1.0);
    assert_eq!(host.metric("offhook_media_calls_active").await, 1.0);
    let sessions = host.get("/twilio/sessions").await;
    assert!(sessions.body.contains("\"state\":\"streaming\""), "{}", sessions.body);
}

#[tokio::test]
async fn a_stream_is_shown_as_it_goes() {
    let host = Host::development(&[]).await;
    let mut socket = Socket::open(host.address, &path(&host, &sid(1)).await, "").await.unwrap();
    socket.start(ACCOUNT, &sid(1), "{}").await;
    // Shown once a second, by the engine's own clock.
    let mut shown = serde_json::Value::Null;
    for _ in 0..500 {
        let _ = tokio::time::timeout(Duration::from_millis(10), socket.next()).await;
        let page = host.get("/twilio/sessions").await.body;
        shown = serde_json::from_str::<serde_json::Value>(&page).unwrap()["sessions"][0]["stream"].clone();
        if shown["heard_ms"].as_u64() > Some(0) {
            break;
        }
    }
    assert!(shown["heard_ms"].as_u64() > Some(0) && shown["sent_ms"].as_u64() >= shown["heard_ms"].as_u64(), "{shown}");
    assert_eq!((&shown["turns"], &shown["barge_ins"], &shown["frames_in"]), (&0.into(), &0.into(), &0.into()));
    for value in shown["quality"].as_array().unwrap() {
        assert!(value["value"].as_u64() > Some(0) && value["name"].is_string(), "{shown}");
        assert!(["us", "carrier", "agent"].contains(&value["side"].as_str().unwrap()), "{shown}");
    }
    socket.stop(ACCOUNT, &sid(1)).await;
    socket.until_closed().await;
    for _ in 0..100 {
        let page = host.get("/twilio/sessions").await.body;
        let session = serde_json::from_str::<serde_json::Value>(&page).unwrap()["sessions"][0].clone();
        if session["state"] == "between" {
            return assert!(session["stream"].is_null(), "{session}");
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the stream's end was not seen");
}

#[tokio::test]
async fn a_token_works_once() {
    let host = Host::development(&[]).await;
    let path = path(&host, &sid(1)).await;
    let _socket = Socket::open(host.address, &path, "").await.unwrap();
    assert_eq!(refused(&host, &path, "").await, 403);
    assert_eq!(host.metric("offhook_sockets_refused_total{reason=\"token_unknown\"}").await, 1.0);
}

#[tokio::test]
async fn a_token_expires() {
    let host = Host::development(&[("OFFHOOK_TOKEN_LIFETIME_S", "3")]).await;
    let path = path(&host, &sid(1)).await;
    host.clock.advance(Duration::from_secs(3));
    assert_eq!(refused(&host, &path, "").await, 403);
}

#[tokio::test]
async fn what_is_no_token_opens_nothing() {
    let host = Host::development(&[]).await;
    for path in ["/twilio/ws/x", "/twilio/ws/00000000000000000000000000000000", "/twilio/ws/%ff", "/twilio/ws/a%2Fb"] {
        assert!([400, 403].contains(&refused(&host, path, "").await), "{path}");
    }
    assert_eq!(refused(&host, "/twilio/ws/a/b", "").await, 404);
}

#[tokio::test]
async fn a_start_for_another_call_or_account_is_closed_with_1008() {
    let host = Host::development(&[]).await;
    for (account, call) in [(ACCOUNT, sid(2)), ("ACffffffffffffffffffffffffffffffff", sid(1))] {
        let mut socket = Socket::open(host.address, &path(&host, &sid(1)).await, "").await.unwrap();
        socket.start(account, &call, "{}").await;
        assert_eq!(socket.until_closed().await, Got::Close(1008));
    }
    assert_eq!(host.metric("offhook_sockets_refused_total{reason=\"foreign\"}").await, 2.0);
    assert_eq!(host.metric("offhook_media_calls_active").await, 0.0);
}

#[tokio::test]
async fn a_token_may_come_as_a_parameter_of_start() {
    let host = Host::development(&[]).await;
    let token = path(&host, &sid(1)).await.rsplit('/').next().unwrap().to_owned();
    let mut socket = Socket::open(host.address, "/twilio/ws", "").await.unwrap();
    socket.start(ACCOUNT, &sid(1), &format!(r#"{{"token":"{token}"}}"#)).await;
    assert!(matches!(socket.next().await, Got::Text(_)));
    let mut again = Socket::open(host.address, "/twilio/ws", "").await.unwrap();
    again.start(ACCOUNT, &sid(1), &format!(r#"{{"token":"{token}"}}"#)).await;
    assert_eq!(again.until_closed().await, Got::Close(1008));
}

#[tokio::test]
async fn a_start_without_a_good_token_is_closed_with_1008() {
    let host = Host::development(&[("OFFHOOK_TOKEN_LIFETIME_S", "3")]).await;
    let token = path(&host, &sid(1)).await.rsplit('/').next().unwrap().to_owned();
    host.clock.advance(Duration::from_secs(3));
    for parameters in ["{}".to_owned(), r#"{"token":"x"}"#.to_owned(), format!(r#"{{"token":"{token}"}}"#)] {
        let mut socket = Socket::open(host.address, "/twilio/ws", "").await.unwrap();
        socket.start(ACCOUNT, &sid(1), &parameters).await;
        assert_eq!(socket.until_closed().await, Got::Close(1008), "{parameters}");
    }
    let other = path(&host, &sid(2)).await.rsplit('/').next().unwrap().to_owned();
    let mut socket = Socket::open(host.address, "/twilio/ws", "").await.unwrap();
    socket.start(ACCOUNT, &sid(1), &format!(r#"{{"token":"{other}"}}"#)).await;
    assert_eq!(socket.until_closed().await, Got::Close(1008));
}

#[tokio::test]
async fn in_production_a_socket_needs_its_signature_too() {
    let host = Host::production(&[]).await;
    let path = path(&host, &sid(1)).await;
    assert_eq!(refused(&host, &path, "").await, 403);
    assert_eq!(refused(&host, &path, "X-Twilio-Signature: AAAA\r\n").await, 403);
    let https = sign(TOKEN, &format!("{PUBLIC}{path}"), &[]);
    assert_eq!(refused(&host, &path, &format!("X-Twilio-Signature: {https}\r\n")).await, 403);
    // With the slash that Twilio may add when it signs; the refusals above have not used the token up.
    let signature = sign(TOKEN, &format!("wss://voice.example.com{path}/"), &[]);
    assert!(Socket::open(host.address, &path, &format!("X-Twilio-Signature: {signature}\r\n")).await.is_ok());
    assert_eq!(host.metric("offhook_sockets_refused_total{reason=\"signature\"}").await, 3.0);
}

#[tokio::test]
async fn a_handshake_that_is_none_is_told_what_is_missing() {
    let host = Host::development(&[]).await;
    let plain = host.get("/twilio/ws").await;
    assert_eq!((plain.status, plain.header("upgrade")), (426, Some("websocket")));
    let path = path(&host, &sid(1)).await;
    let check = async |from: &str, to: &str| {
        let headers = HANDSHAKE.replace(from, to);
        host.send(&format!("GET {path} HTTP/1.1\r\n{headers}\r\n")).await.status
    };
    assert_eq!(check("Upgrade: websocket", "Upgrade: h2c").await, 426);
    assert_eq!(check("keep-alive, Upgrade", "keep-alive").await, 426);
    assert_eq!(check("Version: 13", "Version: 8").await, 426);
    assert_eq!(check("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ=").await, 400);
    assert_eq!(check("dGhlIHNhbXBsZSBub25jZQ==", "not base64").await, 400);
    assert!(Socket::open(host.address, &path, "").await.is_ok(), "none of these used the token up");
}

#[tokio::test]
async fn sockets_that_show_no_token_are_bounded() {
    let host = Host::development(&[("OFFHOOK_CALLS_MAX", "2")]).await;
    let _one = Socket::open(host.address, "/twilio/ws", "").await.unwrap();
    let _two = Socket::open(host.address, "/twilio/ws", "").await.unwrap();
    assert_eq!(refused(&host, "/twilio/ws", "").await, 503);
}

#[tokio::test]
async fn bytes_that_come_with_the_handshake_are_not_lost() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let host = Host::development(&[]).await;
    let path = path(&host, &sid(1)).await;
    let mut stream = tokio::net::TcpStream::connect(host.address).await.unwrap();
    // A close frame with code 1000, masked with zeros, in the same packet as the handshake.
    let mut bytes = format!("GET {path} HTTP/1.1\r\n{HANDSHAKE}\r\n").into_bytes();
    bytes.extend([0x88, 0x82, 0, 0, 0, 0, 3, 232]);
    stream.write_all(&bytes).await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await.expect("closed").unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 101"));
}

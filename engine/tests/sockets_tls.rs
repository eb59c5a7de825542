//! The engine on sockets that speak TLS: all that bare ones do, through the real library at both ends.

#[allow(dead_code, reason = "other tests use the rest")]
mod socket_peer;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use engine::port::{AgentEvent, AgentPort, EndCause, Say};
use engine::{Engine, EngineConfig, Transport};
use fastwebsockets::{Frame, OpCode, Payload};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};
use serde_json::json;
use socket_peer::{Got, Peer, attach_over, connection, silent, sound};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::{TlsAcceptor, TlsConnector, client};

fn engine() -> Engine {
    Engine::start(EngineConfig { calls_max: 8, ..EngineConfig::default() }).expect("an engine")
}

/// A certificate for this machine, and somebody who trusts it.
fn both_sides(version: &'static SupportedProtocolVersion) -> (TlsAcceptor, TlsConnector) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()).into();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
    let server = server.expect("versions").with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key);
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).expect("a root");
    let client = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[version]).expect("versions");
    let client = client.with_root_certificates(roots).with_no_client_auth();
    (Arc::new(server.expect("a key that fits")).into(), Arc::new(client).into())
}

/// A connection inside TLS, attached to the engine.
async fn attach<F, A>(
    engine: &Engine,
    version: &'static SupportedProtocolVersion,
    agent: A,
) -> (Peer, mpsc::UnboundedReceiver<EndCause>)
where
    A: FnOnce(AgentPort) -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let (transport, client, ends) = shake(version).await;
    attach_over(engine, transport, Box::new(client), ends, None, agent)
}

async fn shake(
    version: &'static SupportedProtocolVersion,
) -> (Transport, client::TlsStream<TcpStream>, socket_peer::Ends) {
    let (server, client) = connection();
    let ends = (server.try_clone().expect("a handle"), client.try_clone().expect("a handle"));
    server.set_nonblocking(true).expect("nonblocking");
    let (server, client) = (TcpStream::from_std(server).expect("a socket"), TcpStream::from_std(client).expect("one"));
    let (acceptor, connector) = both_sides(version);
    let name = "localhost".try_into().expect("a name");
    let (server, client) = tokio::join!(acceptor.accept(server), connector.connect(name, client));
    let (socket, session) = server.expect("a handshake").into_inner();
    (Transport::Tls(socket.into_std().expect("a socket"), Box::new(session)), client.expect("a handshake"), ends)
}

async fn says(mut port: AgentPort, clip: Bytes) {
    assert_eq!(port.next().await, AgentEvent::Started);
    port.say(clip, Say::default()).expect("room");
    port.hang_up();
    while !matches!(port.next().await, AgentEvent::Ended(_)) {}
}

async fn a_clip_arrives_whole(version: &'static SupportedProtocolVersion) {
    let engine = engine();
    let clip: Bytes = (0..8_123u32).map(|n| (n % 251) as u8).collect();
    let said = clip.clone();
    let (mut peer, mut end) = attach(&engine, version, move |port| says(port, said)).await;
    peer.start().await;
    let mut heard = Vec::new();
    loop {
        match peer.next().await {
            Got::Message(message) if message["event"] == "media" => heard.extend(sound(&message)),
            Got::Message(message) if message["event"] == "mark" => {
                peer.mark(message["mark"]["name"].as_str().expect("a name")).await;
            }
            Got::Close(code) => break assert_eq!(code, 1000),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(heard, clip);
    drop(peer);
    assert_eq!(end.recv().await, Some(EndCause::AgentHungUp));
}

#[tokio::test]
async fn what_an_agent_says_arrives_whole_in_tls_1_3() {
    a_clip_arrives_whole(&TLS13).await;
}

#[tokio::test]
async fn what_an_agent_says_arrives_whole_in_tls_1_2() {
    a_clip_arrives_whole(&TLS12).await;
}

/// A message of thirty kilobytes is two records and many reads; the ping behind it is answered after it was taken.
#[tokio::test]
async fn messages_larger_than_a_read_and_than_a_record_are_taken_whole() {
    let engine = engine();
    let (mut peer, mut end) = attach(&engine, &TLS13, silent).await;
    peer.start().await;
    let padding = "x".repeat(30_000);
    for _ in 0..8 {
        peer.send(json!({"event": "future", "padding": padding})).await;
    }
    peer.frame(Frame::new(true, OpCode::Ping, None, Payload::Owned(b"all".to_vec()))).await;
    assert_eq!(peer.next().await, Got::Pong(b"all".to_vec()));
    assert_eq!(engine.stats().messages_unknown, 8);
    peer.send(json!({"event": "stop", "streamSid": socket_peer::STREAM, "stop": {}})).await;
    assert_eq!(peer.closed().await, 1000);
    drop(peer);
    assert_eq!(end.recv().await, Some(EndCause::CarrierStopped));
}

#[tokio::test]
async fn a_peer_that_never_reads_costs_its_own_call_only() {
    let engine = engine();
    let (mut good, mut good_end) = attach(&engine, &TLS13, silent).await;
    good.start().await;
    let (mut peer, mut end) = attach(&engine, &TLS13, |mut port: AgentPort| async move {
        while !matches!(port.next().await, AgentEvent::Ended(_)) {
            let _ = port.say(Bytes::from(vec![0x10; 80_000]), Say::default());
        }
    })
    .await;
    peer.narrow();
    peer.start().await;
    assert_eq!(tokio::time::timeout(Duration::from_secs(20), end.recv()).await, Ok(Some(EndCause::SocketLost)));
    good.send(json!({"event": "stop", "streamSid": socket_peer::STREAM, "stop": {}})).await;
    assert_eq!(good.closed().await, 1000);
    drop(good);
    assert_eq!(good_end.recv().await, Some(EndCause::CarrierStopped));
}

/// Bytes that are no record of the session, as after a fault on the way: an alert answers them, and the call ends.
#[tokio::test]
async fn what_does_not_decrypt_ends_the_stream() {
    let engine = engine();
    let (transport, client, ends) = shake(&TLS13).await;
    let (mut socket, _session) = client.into_inner();
    let (spare, _client) = shake(&TLS13).await.1.into_inner();
    let (peer, _end) = attach_over(&engine, transport, Box::new(spare), ends, None, silent);
    socket.write_all(&[0x17, 3, 3, 0, 32]).await.expect("written");
    socket.write_all(&[0; 32]).await.expect("written");
    let mut rest = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(5), socket.read_to_end(&mut rest)).await;
    read.expect("closed at once").ok();
    assert!(!rest.is_empty(), "an alert says why");
    drop(peer);
}

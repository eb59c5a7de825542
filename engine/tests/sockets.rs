//! The engine through real sockets: calls that work, and peers that do not behave.

mod socket_peer;

use std::time::Duration;

use bytes::Bytes;
use engine::audio::resample::Rate;
use engine::port::{AgentEvent, AgentPort, Digit, EndCause, Say};
use engine::{Engine, EngineConfig, Planted};
use fastwebsockets::{Frame, OpCode, Payload};
use serde_json::json;
use socket_peer::{Got, Peer, attach, silent, sound};
use tokio::sync::mpsc;

fn engine() -> Engine {
    Engine::start(EngineConfig { calls_max: 8, ..EngineConfig::default() }).expect("an engine")
}

/// Says one clip and hangs up.
async fn says(mut port: AgentPort, clip: Bytes) {
    assert_eq!(port.next().await, AgentEvent::Started);
    port.say(clip, Say::default()).expect("room");
    port.hang_up();
    while !matches!(port.next().await, AgentEvent::Ended(_)) {}
}

#[tokio::test]
async fn what_an_agent_says_arrives_whole_and_in_order_then_the_stream_is_closed() {
    let engine = engine();
    // Not a multiple of a frame, and longer than a lead.
    let clip: Bytes = (0..8_123u32).map(|n| (n % 251) as u8).collect();
    let said = clip.clone();
    let (mut peer, mut end) = attach(&engine, move |port| says(port, said)).await;
    peer.start().await;
    let mut heard = Vec::new();
    loop {
        match peer.next().await {
            Got::Message(message) if message["event"] == "media" => heard.extend(sound(&message)),
            Got::Message(message) if message["event"] == "mark" => {
                peer.mark(message["mark"]["name"].as_str().expect("a name")).await;
            }
            Got::Close(code) => {
                assert_eq!(code, 1000);
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(heard, clip);
    drop(peer);
    assert_eq!(end.recv().await, Some(EndCause::AgentHungUp));
}

#[tokio::test]
async fn forty_tiny_utterances_are_all_heard_though_no_mark_comes_back() {
    let engine = engine();
    let (mut peer, _end) = attach(&engine, |mut port: AgentPort| async move {
        assert_eq!(port.next().await, AgentEvent::Started);
        for n in 1..=40u8 {
            port.say(Bytes::from(vec![n; 8]), Say::default()).expect("room");
        }
        port.hang_up();
        while !matches!(port.next().await, AgentEvent::Ended(_)) {}
    })
    .await;
    peer.start().await;
    let mut heard = Vec::new();
    loop {
        match peer.next().await {
            Got::Message(message) if message["event"] == "media" => heard.extend(sound(&message)),
            Got::Message(_) | Got::Pong(_) => {}
            Got::Close(code) => break assert_eq!(code, 1000),
            Got::Gone => panic!("cut off"),
        }
    }
    let said: Vec<u8> = (1..=40).flat_map(|n| [n; 8]).collect();
    assert_eq!(heard, said);
    assert_eq!(engine.stats().panics, 0);
}

#[tokio::test]
async fn the_caller_s_sound_and_digits_reach_the_agent() {
    let engine = engine();
    let (told, mut hears) = mpsc::unbounded_channel();
    let (mut peer, mut end) = attach(&engine, move |mut port: AgentPort| async move {
        port.listen(true);
        loop {
            let event = port.next().await;
            let _ = told.send(event);
            if matches!(event, AgentEvent::Ended(_)) {
                return;
            }
        }
    })
    .await;
    peer.start().await;
    assert_eq!(hears.recv().await, Some(AgentEvent::Started));
    // Odd lengths are cut into frames, the remainder carried.
    peer.send(json!({"event": "dtmf", "streamSid": socket_peer::STREAM,
        "dtmf": {"track": "inbound_track", "digit": "5"}}))
        .await;
    assert_eq!(hears.recv().await, Some(AgentEvent::Digit(Digit('5'))));
    peer.media(&[1; 100]).await;
    peer.media(&[2; 100]).await;
    let Some(AgentEvent::Audio(frame)) = hears.recv().await else { panic!("no audio") };
    assert_eq!(frame.bytes(), [&[1u8; 100][..], &[2u8; 60][..]].concat());
    peer.send(json!({"event": "stop", "streamSid": socket_peer::STREAM, "stop": {}})).await;
    let Some(AgentEvent::Audio(rest)) = hears.recv().await else { panic!("the rest is lost") };
    assert_eq!(rest.samples(), 40);
    assert_eq!(hears.recv().await, Some(AgentEvent::Ended(EndCause::CarrierStopped)));
    assert_eq!(peer.closed().await, 1000);
    drop(peer);
    assert_eq!(end.recv().await, Some(EndCause::CarrierStopped));
}

#[tokio::test]
async fn a_second_of_sound_that_comes_at_once_reaches_the_agent_whole() {
    let engine = engine();
    let (told, mut hears) = mpsc::unbounded_channel();
    let (mut peer, _end) = attach(&engine, move |mut port: AgentPort| async move {
        port.listen(true);
        while let event = port.next().await
            && !matches!(event, AgentEvent::Ended(_))
        {
            let _ = told.send(event);
        }
    })
    .await;
    peer.start().await;
    assert_eq!(hears.recv().await, Some(AgentEvent::Started));
    // Until the engine has taken the wish to listen.
    while hears.try_recv().is_err() {
        peer.media(&[0xFF; 160]).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for n in 0..50 {
        peer.media(&[n; 160]).await;
    }
    let mut next = 0;
    while next < 50 {
        let Some(AgentEvent::Audio(frame)) = hears.recv().await else { continue };
        if frame.bytes()[0] != 0xFF {
            assert_eq!(frame.bytes()[0], next, "a frame is missing or out of order");
            next += 1;
        }
    }
    assert_eq!(engine.stats().frames_dropped, 0);
}

#[tokio::test]
async fn an_agent_may_hear_and_speak_pcm_at_its_own_rate() {
    let engine = engine();
    let (told, mut hears) = mpsc::unbounded_channel();
    let (mut peer, _end) = attach(&engine, move |mut port: AgentPort| async move {
        port.use_rate(Rate::Hz24000);
        port.listen(true);
        loop {
            match port.next().await {
                AgentEvent::Started => {
                    port.begin(Say::default()).expect("room");
                    // 301 ms, in pieces that are no frames.
                    for piece in [0i16; 7_224].chunks(1_000) {
                        port.append_pcm(piece).expect("room");
                    }
                    port.finish();
                }
                AgentEvent::Audio(frame) => {
                    let _ = told.send(port.heard_pcm(&frame).len());
                }
                AgentEvent::Played { .. } => port.hang_up(),
                AgentEvent::Ended(_) => return,
                _ => {}
            }
        }
    })
    .await;
    peer.start().await;
    let mut heard = 0;
    loop {
        peer.media(&[0xFF; 160]).await;
        match peer.next().await {
            Got::Message(message) if message["event"] == "media" => heard += sound(&message).len(),
            Got::Message(message) if message["event"] == "mark" => {
                peer.mark(message["mark"]["name"].as_str().expect("a name")).await;
            }
            Got::Close(code) => break assert_eq!(code, 1000),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(heard, 7_224 / 3, "as long at 8 kHz as it was");
    assert_eq!(hears.recv().await, Some(480), "20 ms at 24 kHz");
}

#[tokio::test]
async fn pings_are_answered_and_floods_of_them_are_not() {
    let engine = engine();
    let (mut peer, _end) = attach(&engine, silent).await;
    peer.start().await;
    peer.frame(Frame::new(true, OpCode::Ping, None, Payload::Owned(b"are you there".to_vec()))).await;
    assert_eq!(peer.next().await, Got::Pong(b"are you there".to_vec()));
    for _ in 0..100 {
        peer.frame(Frame::new(true, OpCode::Ping, None, Payload::Owned(vec![]))).await;
    }
    assert_eq!(peer.closed().await, 1008);
}

/// Sends what `misbehave` sends after a start, and expects this close code; other calls must not notice.
macro_rules! misbehaves {
    ($name:ident, $code:expr, |$peer:ident| $body:block) => {
        #[tokio::test]
        async fn $name() {
            let engine = engine();
            let (mut good, mut good_end) = attach(&engine, silent).await;
            good.start().await;
            let (mut $peer, mut end) = attach(&engine, silent).await;
            $peer.start().await;
            $body
            assert_eq!($peer.closed().await, $code);
            drop($peer);
            assert_eq!(end.recv().await, Some(EndCause::ProtocolError($code)));
            good.media(&[0xFF; 160]).await;
            good.send(json!({"event": "stop", "streamSid": socket_peer::STREAM, "stop": {}})).await;
            assert_eq!(good.closed().await, 1000, "another call suffered");
            drop(good);
            assert_eq!(good_end.recv().await, Some(EndCause::CarrierStopped));
            assert_eq!(engine.stats().panics, 0);
        }
    };
}

misbehaves!(a_second_start_is_refused, 1002, |peer| {
    peer.start().await;
});

misbehaves!(garbage_is_counted_and_in_the_end_refused, 1008, |peer| {
    for _ in 0..60 {
        peer.text("]garbage{").await;
    }
});

misbehaves!(wrong_types_are_refused_in_the_end, 1008, |peer| {
    for _ in 0..60 {
        peer.text(r#"{"event":"media","media":{"payload":[1,2,3]}}"#).await;
    }
});

misbehaves!(another_stream_s_messages_are_not_taken, 1008, |peer| {
    for _ in 0..60 {
        peer.send(json!({"event": "dtmf", "streamSid": "MZother", "dtmf": {"digit": "1"}})).await;
    }
});

misbehaves!(a_message_of_a_megabyte_is_refused, 1009, |peer| {
    peer.text("x".repeat(1 << 20)).await;
});

misbehaves!(a_message_in_a_thousand_pieces_is_refused, 1008, |peer| {
    peer.frame(Frame::new(false, OpCode::Text, None, Payload::Owned(b"{".to_vec()))).await;
    for _ in 0..1_000 {
        peer.frame(Frame::new(false, OpCode::Continuation, None, Payload::Owned(b" ".to_vec()))).await;
    }
});

misbehaves!(binary_is_refused, 1003, |peer| {
    peer.frame(Frame::binary(Payload::Owned(vec![0; 160]))).await;
});

misbehaves!(text_that_is_not_utf8_is_refused, 1007, |peer| {
    peer.frame(Frame::new(true, OpCode::Text, None, Payload::Owned(vec![0xC3, 0x28]))).await;
});

misbehaves!(a_flood_of_messages_is_refused, 1008, |peer| {
    for _ in 0..20_000 {
        peer.text(r#"{"event":"future"}"#).await;
    }
});

#[tokio::test]
async fn media_before_start_is_refused() {
    let engine = engine();
    let (mut peer, _end) = attach(&engine, silent).await;
    peer.media(&[0xFF; 160]).await;
    assert_eq!(peer.closed().await, 1002);
    assert_eq!(engine.active_calls(), 0);
}

#[tokio::test]
async fn a_stream_that_the_gate_refuses_is_closed_with_its_code() {
    let engine = engine();
    let (mut peer, _end) = attach(&engine, silent).await;
    peer.start_call("CArefused").await;
    assert_eq!(peer.closed().await, 1008);
    assert_eq!((engine.stats().calls_refused, engine.active_calls()), (1, 0));
}

#[tokio::test]
async fn more_calls_than_slots_are_refused_and_slots_come_back() {
    let engine = Engine::start(EngineConfig { calls_max: 1, ..EngineConfig::default() }).expect("an engine");
    let (mut first, mut end) = attach(&engine, silent).await;
    first.start().await;
    first.frame(Frame::new(true, OpCode::Ping, None, Payload::Owned(vec![]))).await;
    assert!(matches!(first.next().await, Got::Pong(_)), "the first call is attached");
    let (mut second, _) = attach(&engine, silent).await;
    second.start().await;
    assert_eq!(second.closed().await, 1013);
    drop(first);
    assert_eq!(end.recv().await, Some(EndCause::SocketLost));
    while engine.active_calls() > 0 {
        tokio::task::yield_now().await;
    }
    let (mut third, _end) = attach(&engine, silent).await;
    third.start().await;
    third.send(json!({"event": "stop", "streamSid": socket_peer::STREAM, "stop": {}})).await;
    assert_eq!(third.closed().await, 1000);
}

#[tokio::test]
async fn a_peer_that_never_reads_costs_its_own_call_only() {
    let engine = engine();
    let (mut peer, mut end) = attach(&engine, |mut port: AgentPort| async move {
        while !matches!(port.next().await, AgentEvent::Ended(_)) {
            let _ = port.say(Bytes::from(vec![0x10; 80_000]), Say::default());
        }
    })
    .await;
    peer.narrow();
    peer.start().await;
    // Ten seconds of sound do not fit into the buffers of a peer that reads nothing: its call ends, by the time a
    // write may take.
    assert_eq!(tokio::time::timeout(Duration::from_secs(20), end.recv()).await, Ok(Some(EndCause::SocketLost)));
}

/// A call whose stream stands, as far as a ping can tell.
async fn standing(engine: &Engine) -> (Peer, mpsc::UnboundedReceiver<EndCause>) {
    let (mut peer, end) = attach(engine, silent).await;
    peer.start().await;
    peer.frame(Frame::new(true, OpCode::Ping, None, Payload::Owned(vec![]))).await;
    assert!(matches!(peer.next().await, Got::Pong(_)), "the call is attached");
    (peer, end)
}

#[tokio::test]
async fn a_panic_in_a_call_s_step_ends_that_call_only() {
    let engine = engine();
    let (mut first, mut first_end) = standing(&engine).await;
    let (mut second, mut second_end) = standing(&engine).await;
    engine.plant(Planted::Step);
    first.media(&[0xFF; 160]).await;
    // The fault strikes whichever call is stepped next: mostly the one that got sound, else one whose look is due.
    let (code, struck_first) = tokio::select! {
        code = first.closed() => (code, true),
        code = second.closed() => (code, false),
    };
    assert_eq!(code, 1011);
    let (struck, mut other) = if struck_first { (first, second) } else { (second, first) };
    let (struck_end, other_end) =
        if struck_first { (&mut first_end, &mut second_end) } else { (&mut second_end, &mut first_end) };
    drop(struck);
    assert_eq!(struck_end.recv().await, Some(EndCause::Fault));
    other.send(json!({"event": "stop", "streamSid": socket_peer::STREAM, "stop": {}})).await;
    assert_eq!(other.closed().await, 1000);
    drop(other);
    assert_eq!(other_end.recv().await, Some(EndCause::CarrierStopped));
    assert_eq!((engine.stats().panics, engine.stats().workers_failed), (1, 0));
}

#[tokio::test]
async fn a_panic_of_a_worker_gives_its_calls_to_rescue_and_the_next_is_served() {
    let engine = engine();
    let (mut first, mut first_end) = standing(&engine).await;
    engine.plant(Planted::Tick);
    assert_eq!(first.closed().await, 1011);
    drop(first);
    assert_eq!(first_end.recv().await, Some(EndCause::Fault));
    // The agent waits for nothing but its next event: it must be told, or it holds the slot for good.
    let free = async {
        while engine.active_calls() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), free).await.expect("the slot is given back");
    let (mut second, mut second_end) = standing(&engine).await;
    second.send(json!({"event": "stop", "streamSid": socket_peer::STREAM, "stop": {}})).await;
    assert_eq!(second.closed().await, 1000);
    drop(second);
    assert_eq!(second_end.recv().await, Some(EndCause::CarrierStopped));
    assert_eq!(engine.stats().workers_failed, 1);
}

#[tokio::test]
async fn a_stopping_engine_closes_its_streams() {
    let engine = engine();
    let (mut peer, mut end) = attach(&engine, silent).await;
    peer.start().await;
    peer.frame(Frame::new(true, OpCode::Ping, None, Payload::Owned(vec![]))).await;
    assert!(matches!(peer.next().await, Got::Pong(_)));
    engine.shutdown();
    assert_eq!(peer.closed().await, 1001);
    assert_eq!(end.recv().await, Some(EndCause::Shutdown));
}

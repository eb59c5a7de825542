//! A call on a real socket, captured by its worker: decided again, every decision is the same.

#[allow(dead_code, reason = "each test uses its part of it")]
mod socket_peer;
#[path = "audio_hearing/voices.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod voices;

use std::time::Duration;

use bytes::Bytes;
use engine::audio::g711::encode_ulaw;
use engine::capture::{Decision, Reader, Scribe, Story, Verdict, create, tap};
use engine::port::{AgentEvent, AgentPort, Say};
use engine::{Engine, EngineConfig};
use fastwebsockets::{Frame, OpCode, Payload};
use serde_json::json;
use socket_peer::{Got, STREAM, attach_captured};

/// Talks all the time, listens, and stops itself at a digit.
async fn talkative(mut port: AgentPort) {
    port.listen(true);
    let clip = Bytes::from(vec![0x20; 40_000]);
    loop {
        match port.next().await {
            AgentEvent::Started | AgentEvent::TurnEnded { .. } | AgentEvent::Played { .. } => {
                let _ = port.say(clip.clone(), Say::default());
            }
            AgentEvent::Digit(_) => port.stop_speaking(),
            AgentEvent::Ended(_) => return,
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_call_that_a_worker_captured_is_decided_again_the_same() {
    let path = std::env::temp_dir().join(format!("offhook-{}.capture", std::process::id()));
    let (scribe, file) = (Scribe::start().expect("a thread"), create(&path).expect("a file"));
    let engine = Engine::start(EngineConfig { workers: Some(1), ..EngineConfig::default() }).expect("an engine");
    let (recorders, handed_over) = std::sync::mpsc::channel();
    let start = Box::new(move |header| {
        let (tap, recorder) = tap(header, Box::new(file) as Box<dyn std::io::Write + Send>);
        recorders.send(recorder).expect("a scribe");
        tap
    });
    let (mut peer, mut end) = attach_captured(&engine, Some(start), talkative).await;
    peer.start().await;
    let recorder =
        tokio::task::spawn_blocking(move || handed_over.recv().expect("a recorder")).await.expect("no panic");
    assert!(scribe.write(recorder).is_ok());
    for (clip, round) in voices::shipped().iter().cycle().zip(0..6) {
        let silence = [0i16; 8_000];
        let sound: Vec<u8> = clip.samples.iter().chain(&silence).map(|sample| encode_ulaw(*sample)).collect();
        for frame in sound.chunks(160) {
            peer.media(frame).await;
            // Four times as fast as it is said: a worker does not mind.
            tokio::time::sleep(Duration::from_millis(4)).await;
        }
        // What came meanwhile: marks are returned, up to the answer to a ping.
        peer.frame(Frame::new(true, OpCode::Ping, None, Payload::Borrowed(b"?"))).await;
        loop {
            match peer.next().await {
                Got::Message(message) if message["event"] == "mark" => {
                    peer.mark(message["mark"]["name"].as_str().expect("a name")).await;
                }
                Got::Message(_) => {}
                other => break assert!(matches!(other, Got::Pong(_)), "{other:?}"),
            }
        }
        if round % 2 == 0 {
            peer.send(json!({"event": "dtmf", "streamSid": STREAM, "dtmf": {"digit": "1"}})).await;
        }
    }
    peer.send(json!({"event": "stop", "streamSid": STREAM})).await;
    peer.closed().await;
    drop(peer);
    end.recv().await.expect("an end");
    assert_eq!(tokio::task::spawn_blocking(move || scribe.finish()).await.expect("no panic"), 0);
    let file = std::fs::read(&path).expect("a capture");
    std::fs::remove_file(&path).expect("removed");
    let story = Story::replay(Reader::new(&file[..]).expect("a capture"));
    assert!(story.broken.is_none() && story.missed.is_empty(), "{:?}", story.broken);
    let clears = story.recorded.iter().filter(|moment| matches!(moment.decision, Decision::Clear { .. })).count();
    assert!(clears >= 3, "{clears} clears");
    assert_eq!(story.replayed, story.recorded);
    assert_eq!(story.verdict(), Verdict::Identical);
    eprintln!("{} decisions, {clears} clears, {} bytes", story.recorded.len(), file.len());
}

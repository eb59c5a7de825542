//! The worker neither allocates nor frees: not in a tick, not when a call begins, not when it ends.
//!
//! The only test of its binary: the allocator below counts for the whole process.
#![allow(unsafe_code, reason = "a global allocator is an unsafe trait")]

#[allow(dead_code, reason = "each test uses its part of it")]
mod socket_peer;

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use engine::port::{AgentEvent, AgentPort, Say};
use engine::{Engine, EngineConfig};
use serde_json::json;
use socket_peer::{Got, STREAM, attach};

/// The thread whose allocations count; 0 while none does.
static WATCHED: AtomicI32 = AtomicI32::new(0);
static ALLOCATED: AtomicU64 = AtomicU64::new(0);
static FREED: AtomicU64 = AtomicU64::new(0);

struct Counting;

fn count(counter: &AtomicU64) {
    let watched = WATCHED.load(Ordering::Relaxed);
    if watched != 0 && rustix::thread::gettid().as_raw_nonzero().get() == watched {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

// SAFETY: every call is passed on to the system's allocator as it is; counting touches atomics only.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(&ALLOCATED);
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(&FREED);
        // SAFETY: as above; the pointer came from the same allocator.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The kernel's number of the thread with this name.
fn thread_named(name: &str) -> i32 {
    let tasks = fs::read_dir("/proc/self/task").expect("a proc file system");
    let named = |path: &std::path::Path| fs::read_to_string(path.join("comm")).is_ok_and(|comm| comm.trim() == name);
    let task = tasks.flatten().map(|task| task.path()).find(|path| named(path)).expect("the thread runs");
    task.file_name().and_then(|id| id.to_str()).and_then(|id| id.parse().ok()).expect("a number")
}

/// Greets, listens, stops itself, speaks again, hangs up: everything that a worker does for an agent.
async fn busy(mut port: AgentPort) {
    port.listen(true);
    let clip = Bytes::from(vec![0x20; 4_000]);
    let _ = port.say(clip.clone(), Say::default());
    loop {
        match port.next().await {
            AgentEvent::Digit(_) => {
                port.stop_speaking();
                let _ = port.say(clip.clone(), Say { interruptible: false });
                port.hang_up();
            }
            AgentEvent::Ended(_) => return,
            _ => {}
        }
    }
}

/// Whether what this thread allocates is counted while it is watched.
fn counts_this_thread() -> bool {
    WATCHED.store(rustix::thread::gettid().as_raw_nonzero().get(), Ordering::Relaxed);
    drop(std::hint::black_box(Box::new(1)));
    WATCHED.store(0, Ordering::Relaxed);
    ALLOCATED.swap(0, Ordering::Relaxed) == 1 && FREED.swap(0, Ordering::Relaxed) == 1
}

/// One call from its start to its end, with loud sound, marks and a digit.
async fn whole_call(engine: &Engine) {
    let (mut peer, mut end) = attach(engine, busy).await;
    peer.start().await;
    for n in 0..20u8 {
        peer.media(&[n.wrapping_mul(37); 160]).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    peer.send(json!({"event": "dtmf", "streamSid": STREAM, "dtmf": {"digit": "1"}})).await;
    loop {
        match peer.next().await {
            Got::Message(message) if message["event"] == "mark" => {
                peer.mark(message["mark"]["name"].as_str().expect("a name")).await;
            }
            Got::Message(_) | Got::Pong(_) => {}
            Got::Close(_) | Got::Gone => break,
        }
    }
    drop(peer);
    end.recv().await.expect("an end");
}

#[tokio::test]
async fn a_worker_neither_allocates_nor_frees_from_attach_to_end() {
    assert!(counts_this_thread(), "the counter counts");
    let engine = Engine::start(EngineConfig { workers: Some(1), ..EngineConfig::default() }).expect("an engine");
    // The first call lets libraries set up what they keep per thread.
    whole_call(&engine).await;
    WATCHED.store(thread_named("worker-0"), Ordering::Relaxed);
    let ticks = engine.stats().ticks;
    for _ in 0..3 {
        whole_call(&engine).await;
    }
    WATCHED.store(0, Ordering::Relaxed);
    assert!(engine.stats().ticks > ticks + 50, "the worker was at work");
    assert_eq!((ALLOCATED.load(Ordering::Relaxed), FREED.load(Ordering::Relaxed)), (0, 0));
}

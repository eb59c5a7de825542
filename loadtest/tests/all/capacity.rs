//! The search for capacity as a user runs it, against the minimal server on real sockets.
#![cfg(target_os = "linux")]

use std::path::PathBuf;

use serde_json::Value;

use crate::support::Fault;
use crate::support::program::{program, run};
use crate::support::server::serve;

/// A folder of this test's own, for the reports.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Runs the program with short plateaus; a busy machine is not what is tested here.
async fn capacity(name: &str, arguments: &str) -> (i32, String, String) {
    let mut command = program();
    command.arg("capacity").args(arguments.split(' ').filter(|word| !word.is_empty()));
    command.args(["--plateau", "3", "--proof", "3", "--seed", "7", "--rate", "50"]);
    command.args(["--clear-p95-ms", "5000", "--clear-p99-ms", "5000", "--first-audio-p95-ms", "5000"]);
    command.args(["--blocked-max-percent", "100", "--gaps-max-per-hour", "100000"]);
    command.arg("--html").arg(folder(name).join("capacity.html"));
    if !arguments.contains("--void-above-ms") {
        command.args(["--void-above-ms", "10000"]);
    }
    run(command).await
}

#[tokio::test]
async fn a_good_server_is_searched_to_the_end_and_written_about() {
    let (url, _) = serve(Fault::None).await;
    let (code, out, err) =
        capacity("good", &format!("--url {url} --start 3 --max 6 --pid {}", std::process::id())).await;
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.starts_with("This machine holds 6 calls within budget (server "), "{out}");
    assert!(err.contains("proof of 6") || err.contains("held"), "progress in plain lines: {err}");
    let json: Value = serde_json::from_slice(&std::fs::read(folder("good").join("capacity.json")).unwrap()).unwrap();
    assert_eq!((&json["found"]["held"], &json["void"]), (&6.into(), &Value::Null));
    let plateaus = json["plateaus"].as_array().unwrap();
    assert_eq!(plateaus.iter().map(|p| p["calls"].as_u64().unwrap()).collect::<Vec<_>>(), [3, 6, 6]);
    assert!(plateaus[2]["seconds"].as_array().unwrap().len() >= 3);
    let html = std::fs::read_to_string(folder("good").join("capacity.html")).unwrap();
    assert!(html.contains("This machine holds 6 calls") && html.contains("capacity --url"));
}

#[tokio::test]
async fn a_server_that_holds_no_call_misses_and_one_behind_a_busy_machine_is_not_judged() {
    let (deaf, _) = serve(Fault::Deaf).await;
    let (code, out, err) = capacity("deaf", &format!("--url {deaf} --start 1 --max 2")).await;
    assert_eq!(code, 3, "{out}{err}");
    assert!(out.contains("holds no call within budget") && out.contains("barge-in"), "{out}");
    let (url, _) = serve(Fault::None).await;
    let (code, out, err) = capacity("void", &format!("--url {url} --start 1 --max 1 --void-above-ms 0")).await;
    assert_eq!(code, 4, "{out}{err}");
    assert!(out.contains("VOID"), "{out}");
}

#[tokio::test]
async fn a_server_that_does_not_come_up_is_quoted() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/twilio/voice", listener.local_addr().unwrap());
    drop(listener);
    let mut command = program();
    command.args(["capacity", "--url", &url, "--serve", "echo no database; exit 1"]);
    let (code, _, err) = run(command).await;
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("does not come up") && err.contains("no database"), "{err}");
}

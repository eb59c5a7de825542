//! The stream of webhooks as a user runs it, against servers that keep their connections and servers that do not.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use crate::support::Fault;
use crate::support::program::{program, run};
use crate::support::server::serve;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Runs the program; a busy machine is not what is tested here.
async fn webhooks(arguments: &str) -> (i32, String, String) {
    let mut command = program();
    command.arg("webhooks").args(arguments.split(' ')).args(["--seed", "7", "--warm-up", "0"]);
    if !arguments.contains("--void-above-ms") {
        command.args(["--void-above-ms", "10000"]);
    }
    run(command).await
}

/// A server that refuses every call on connections that it keeps; returns its URL and the bodies that it sees.
async fn refusing(status: u16) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let bodies = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&bodies);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let seen = Arc::clone(&seen);
            tokio::spawn(async move {
                let (mut bytes, mut chunk) = (Vec::new(), [0; 4_096]);
                while let Ok(1..) = stream.read(&mut chunk).await.inspect(|&n| bytes.extend_from_slice(&chunk[..n])) {
                    let text = String::from_utf8(bytes.clone()).unwrap();
                    // The last field says that the body is whole.
                    let Some((_, body)) = text.split_once("\r\n\r\n").filter(|(_, b)| b.ends_with("Passed-A")) else {
                        continue;
                    };
                    seen.lock().unwrap().push(body.to_owned());
                    bytes.clear();
                    let twiml = "<Response><Reject/></Response>";
                    let head = format!("HTTP/1.1 {status} x\r\nContent-Type: text/xml\r\nContent-Length: ");
                    let answer = format!("{head}{}\r\n\r\n{twiml}", twiml.len());
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            });
        }
    });
    (url, bodies)
}

#[tokio::test]
async fn requests_come_at_their_rate_each_a_call_of_its_own_to_a_number_of_the_range() {
    let (url, bodies) = refusing(200).await;
    let pid = std::process::id();
    let arguments = format!(
        "--url {url} --rate 200 --duration 2 --connections 4 --to-range +15550000000:50 --pid {pid} --failed-max 0 --json -"
    );
    let (code, out, err) = webhooks(&arguments).await;
    assert_eq!(code, 0, "{out}{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&report["answers"]["Reject"], &report["unsent"]), (&400.into(), &0.into()), "{out}");
    assert_eq!((&report["latency"]["count"], &report["reconnected"]), (&400.into(), &0.into()), "{out}");
    let per_second = report["answers_per_second"].as_f64().unwrap();
    assert!((180.0..220.0).contains(&per_second), "{per_second}");
    let bodies = bodies.lock().unwrap();
    let values = |name: &str| -> BTreeSet<String> {
        bodies.iter().map(|b| b.split('&').find_map(|p| p.strip_prefix(name)).unwrap().to_owned()).collect()
    };
    assert_eq!((values("CallSid=").len(), values("To=").len()), (400, 50));
}

#[tokio::test]
async fn as_many_as_possible_are_signed_and_a_server_that_closes_is_asked_again() {
    let (url, seen) = serve(Fault::None).await;
    let (code, out, err) = webhooks(&format!("--url {url} --rate max --duration 1 --connections 2")).await;
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("× Connect") && out.contains("reconnected "), "{out}");
    let seen = seen.lock().unwrap();
    assert!(seen.requests.len() > 20 && seen.bad_signatures.is_empty(), "{:?}", seen.bad_signatures);
}

#[tokio::test]
async fn what_is_no_twiml_fails_and_thresholds_exit_with_3() {
    let (url, _) = refusing(503).await;
    let arguments = format!("--url {url} --duration 1 --failed-max 0 --p99-ms 0 --rate-min 100000");
    let (code, out, _) = webhooks(&arguments).await;
    assert_eq!(code, 3, "{out}");
    for line in ["100 × status 503", "MISSED: failed or unsent: 100.00 > 0", "MISSED: due → answered p99", "per second"]
    {
        assert!(out.contains(line), "{line}: {out}");
    }
}

#[tokio::test]
async fn nobody_there_exits_with_1_wrong_usage_with_2_and_a_slow_machine_with_4() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/twilio/voice", listener.local_addr().unwrap());
    drop(listener);
    let (code, out, _) = webhooks(&format!("--url {url} --duration 1")).await;
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("start the server there"), "{out}");
    let (url, _) = refusing(200).await;
    assert_eq!(webhooks(&format!("--url {url} --duration 1 --void-above-ms 0")).await.0, 4);
    for (arguments, part) in [
        ("--rate 0", "--rate"),
        ("--to-range 5", "--to-range"),
        ("--connections 0", "--connections 0"),
        ("--duration 0", "--duration 0"),
        ("--pid 4294967295", "no such process"),
        ("--per-core-min 1", "--pid"),
    ] {
        let (code, _, err) = webhooks(arguments).await;
        assert!(code == 2 && err.contains(part), "{arguments}: {err}");
    }
}

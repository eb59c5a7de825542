//! The fleet as a user runs it, against the minimal server on real sockets.
#![cfg(target_os = "linux")]

use crate::support::Fault;
use crate::support::program::{program, run};
use crate::support::server::serve;
use serde_json::Value;

/// Runs the program; a busy machine is not what is tested here.
async fn fleet(arguments: &str) -> (i32, String, String) {
    let mut command = program();
    command.arg("fleet").args(arguments.split(' ')).args(["--ramp", "0.5", "--seed", "7"]);
    if !arguments.contains("--void-above-ms") {
        command.args(["--void-above-ms", "10000"]);
    }
    run(command).await
}

#[tokio::test]
async fn twenty_callers_interrupt_for_five_seconds_and_everything_is_measured() {
    let (url, seen) = serve(Fault::None).await;
    let pid = std::process::id();
    let (code, out, err) = fleet(&format!("--url {url} --calls 20 --duration 5 --pid {pid} --json -")).await;
    assert_eq!(code, 0, "{out}{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    let count = |figure: &str| report[figure]["count"].as_u64().unwrap();
    assert_eq!(count("first_audio"), 20);
    assert!(count("clear") >= 20, "{}", report["clear"]);
    assert_eq!(count("clear"), count("share"));
    assert!(count("ping") > 0);
    let counts = &report["counts"];
    assert_eq!((&counts["missed"], &counts["false_clears"], &counts["refused"]), (&0.into(), &0.into(), &0.into()));
    assert_eq!(counts["clears"], counts["interruptions"]);
    let frames = counts["frames"].as_u64().unwrap();
    assert!((4_700..=5_300).contains(&frames), "20 calls of 50 frames a second for 5 s, not {frames}");
    assert!(report["server"]["cpu_ms_per_call_second"].as_f64().unwrap() > 0.0);
    assert_eq!(report["lost"].as_object().unwrap().len(), 0, "{}", report["lost"]);
    let seen = seen.lock().unwrap();
    assert_eq!(seen.bad_signatures, Vec::<String>::new());
    assert_eq!((seen.requests.len(), seen.stops), (20, 20), "every caller said goodbye");
}

#[tokio::test]
async fn a_deaf_server_misses_and_a_nervous_one_stops_for_nothing() {
    let (deaf, _) = serve(Fault::Deaf).await;
    let (code, out, _) = fleet(&format!("--url {deaf} --calls 3 --duration 4 --missed-max-percent 0")).await;
    assert_eq!(code, 3, "{out}");
    assert!(out.contains("EXCEEDED: missed, %: 100.00 > 0"), "{out}");
    let (nervous, _) = serve(Fault::Nervous).await;
    // It stops 1.2 s into a call, which only calls that begin in the measured time can show.
    let (code, out, _) = fleet(&format!("--url {nervous} --calls 10 --duration 4 --churn 2 --false-max 0")).await;
    assert_eq!(code, 3, "{out}");
    assert!(out.contains("EXCEEDED: false clears"), "{out}");
}

#[tokio::test]
async fn calls_that_end_are_replaced_and_a_stall_is_caught_up_with() {
    let (url, seen) = serve(Fault::None).await;
    let status = url.replace("voice", "status");
    let arguments = format!(
        "--url {url} --calls 10 --duration 5 --churn 2 --stall-at 1 --stall-ms 500 --json - --status-callback {status}"
    );
    let (code, out, err) = fleet(&arguments).await;
    assert_eq!(code, 0, "{out}{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["recovery"].as_array().unwrap().len(), 20);
    let pings: u64 = report["recovery"].as_array().unwrap().iter().map(|r| r["ping"]["count"].as_u64().unwrap()).sum();
    assert!(pings > 10, "pings come often behind a stall: {pings}");
    // Nothing was lost by not being sent in time: a call second is 50 frames, stalled or not.
    let call_seconds = report["call_seconds"].as_f64().unwrap();
    assert!((45.0..=51.0).contains(&call_seconds), "{call_seconds}");
    let seen = seen.lock().unwrap();
    let ended = seen.requests.iter().filter(|request| *request == "/twilio/status completed").count();
    assert!(ended > 12, "{ended} calls");
    assert_eq!((seen.stops as usize, seen.requests.len()), (ended, 2 * ended), "every end was told twice");
    assert_eq!(seen.bad_signatures, Vec::<String>::new());
}

#[tokio::test]
async fn a_machine_that_is_too_slow_makes_the_run_void() {
    let (url, _) = serve(Fault::None).await;
    let (code, out, _) = fleet(&format!("--url {url} --calls 5 --duration 1 --void-above-ms 0")).await;
    assert_eq!(code, 4, "{out}");
    assert!(out.contains("VOID: "), "{out}");
}

#[tokio::test]
async fn nobody_there_exits_with_1_and_the_cure_and_wrong_usage_with_2() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/twilio/voice", listener.local_addr().unwrap());
    drop(listener);
    let (code, out, _) = fleet(&format!("--url {url} --calls 2 --duration 1")).await;
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("start the server there"), "{out}");
    for (arguments, part) in [
        ("--calls 0", "--calls 0"),
        ("--duration 0", "--duration 0"),
        ("--clip nobody", "built in are"),
        ("--pid 4294967295", "no such process"),
        ("--metrics nonsense", "--metrics"),
        ("--core 5000", "no such core"),
        ("--cpu-per-call-max-ms 1", "--pid"),
        ("--duration 2 --stall-at 2", "before --duration"),
        ("--churn inf", "--churn"),
    ] {
        let (code, _, err) = fleet(arguments).await;
        assert_eq!(code, 2, "{arguments}: {err}");
        assert!(err.contains(part), "{arguments}: {err}");
    }
}

//! The program as a user runs it: exit codes, what it prints, the WAV that it writes.

use std::path::PathBuf;

use crate::support::Fault;
use crate::support::program::{program, run};
use crate::support::server::serve;

fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

async fn loadtest(arguments: &[&str], folder: &std::path::Path) -> (i32, String, String) {
    let mut command = program();
    // A busy machine is not what is tested here.
    let patient: &[&str] = if arguments.contains(&"--url") { &["--void-above-ms", "10000"] } else { &[] };
    command.args(arguments).args(patient).current_dir(folder);
    run(command).await
}

#[tokio::test]
async fn a_call_prints_a_timeline_and_writes_both_sides() {
    let (url, _) = serve(Fault::None).await;
    let folder = folder("timeline");
    let (code, out, err) = loadtest(&["call", "--url", &url, "--script", "interrupt", "--seed", "1"], &folder).await;
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.starts_with("interrupt: interrupt the greeting"), "{out}");
    for part in ["stream started MZ", "first audio from the server", "(onset)", "clear received: ", "OK", "call.wav"] {
        assert!(out.contains(part), "no {part:?} in\n{out}");
    }
    let mut wav = hound::WavReader::open(folder.join("call.wav")).unwrap();
    assert_eq!((wav.spec().channels, wav.spec().sample_rate, wav.spec().bits_per_sample), (2, 8_000, 16));
    let samples: Vec<i16> = wav.samples().map(Result::unwrap).collect();
    let loudest = |side: usize| samples.iter().skip(side).step_by(2).map(|s| s.unsigned_abs()).max().unwrap();
    assert!(loudest(0) > 3_000 && loudest(1) > 2_000, "one side is silent");
}

#[tokio::test]
async fn a_url_without_a_path_means_the_usual_webhook() {
    let (url, _) = serve(Fault::None).await;
    let host = url.strip_suffix("/twilio/voice").expect("the test's server answers there");
    let (code, out, err) = loadtest(&["call", "--url", host, "--script", "interrupt"], &folder("host")).await;
    assert_eq!(code, 0, "{out}{err}");
}

#[tokio::test]
async fn many_calls_print_a_table_and_machines_get_json() {
    let (url, seen) = serve(Fault::None).await;
    let arguments = ["call", "--url", &url, "--script", "interrupt", "--count", "5", "--ramp-ms", "100", "--json"];
    let (code, out, err) = loadtest(&arguments, &folder("table")).await;
    assert_eq!(code, 0, "{out}{err}");
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["table"]["calls"], 5);
    assert_eq!(report["table"]["good"], 5);
    assert_eq!(report["table"]["clear"]["count"], 5);
    assert_eq!(report["calls"].as_array().unwrap().len(), 5);
    assert_eq!(seen.lock().unwrap().bad_signatures, Vec::<String>::new());
}

#[tokio::test]
async fn missed_expectations_and_budgets_exit_with_3() {
    let (url, _) = serve(Fault::Deaf).await;
    let (code, out, _) = loadtest(&["call", "--url", &url, "--script", "interrupt"], &folder("deaf")).await;
    assert_eq!(code, 3, "{out}");
    assert!(out.contains("MISSED: clear after interrupting: no clear within"), "{out}");
    let (url, _) = serve(Fault::None).await;
    let arguments = ["call", "--url", &url, "--script", "interrupt", "--clear-p50-ms", "1"];
    let (code, out, _) = loadtest(&arguments, &folder("budget")).await;
    assert_eq!(code, 3, "{out}");
    assert!(out.contains("over budget: onset → clear p50"), "{out}");
}

#[tokio::test]
async fn a_server_that_is_not_there_exits_with_1_and_the_cure() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/twilio/voice", listener.local_addr().unwrap());
    drop(listener);
    let (code, out, _) = loadtest(&["call", "--url", &url], &folder("nobody")).await;
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("start the server there"), "{out}");
}

#[tokio::test]
async fn wrong_usage_exits_with_2_and_one_line() {
    let folder = folder("usage");
    for (arguments, part) in [
        (&["call", "--script", "nothing"][..], "built in are default, greeting"),
        (&["call", "--url", "nothing"], "--url"),
        (&["call", "--url", "https://example.com/voice"], "--public-url"),
        (&["call", "--count", "0"], "--count 0"),
        (&["call", "--wav", "/nonexist/x.wav"], "--wav /nonexist/x.wav"),
        (&["call", "--account-sid", "AC1"], "32 hexadecimal digits"),
        (&["dial"], "unrecognized subcommand"),
    ] {
        let (code, _, err) = loadtest(arguments, &folder).await;
        assert_eq!(code, 2, "{arguments:?}: {err}");
        assert!(err.contains(part), "{arguments:?}: {err}");
    }
    assert_eq!(loadtest(&["--help"], &folder).await.0, 0);
    assert_eq!(loadtest(&["list"], &folder).await.0, 0);
}

#[tokio::test]
async fn scenarios_print_a_row_each_and_exit_with_3_when_one_is_missed() {
    let folder = folder("scenarios");
    let (url, _) = serve(Fault::None).await;
    let only = ["scenarios", "--url", &url, "--only", "greeting,first-word,coughs,reset"];
    let (code, out, err) = loadtest(&only, &folder).await;
    assert_eq!(code, 0, "{out}{err}");
    for part in ["ok      greeting", "ok      first-word", "info    coughs", "ok      reset", "for information (noise)"]
    {
        assert!(out.contains(part), "no {part:?} in\n{out}");
    }
    let (url, _) = serve(Fault::Deaf).await;
    let (code, out, err) = loadtest(&["scenarios", "--url", &url, "--only", "first-word", "--json"], &folder).await;
    assert_eq!(code, 3, "{out}{err}");
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["rows"][0]["outcome"], "missed");
    let (code, _, err) = loadtest(&["scenarios", "--only", "nothing"], &folder).await;
    assert_eq!(code, 2);
    assert!(err.contains("loadtest list shows them"), "{err}");
}

#[tokio::test]
async fn the_account_places_a_call_and_is_told_of_each_step() {
    let folder = folder("outbound");
    let (url, seen) = serve(Fault::None).await;
    let status = url.replace("voice", "status");
    let told = ["--status-callback", &status, "--status-callback-events", "initiated,ringing,answered,completed"];
    let call = ["call", "--url", &url, "--script", "interrupt", "--outbound"];
    let (code, out, err) = loadtest(&[&call[..], &told].concat(), &folder).await;
    assert_eq!(code, 0, "{out}{err}");
    let requests = std::mem::take(&mut seen.lock().unwrap().requests);
    let expected =
        ["status initiated", "status ringing", "status in-progress", "voice in-progress", "status completed"];
    let steps: Vec<&str> = requests.iter().map(|line| line.trim_start_matches("/twilio/")).collect();
    let mut sorted = (steps.clone(), expected.to_vec());
    sorted.0.sort_unstable();
    sorted.1.sort_unstable();
    assert_eq!(sorted.0, sorted.1, "the callback of the answer and the request for TwiML overtake each other");
    assert_eq!((steps[0], steps[1], *steps.last().unwrap()), (expected[0], expected[1], expected[4]));

    let busy = ["--pickup", "busy"];
    let (code, out, err) = loadtest(&[&call[..], &told, &busy].concat(), &folder).await;
    assert_eq!(code, 0, "{out}{err}");
    assert!(!out.contains("MISSED"), "{out}");
    let requests = &seen.lock().unwrap().requests;
    assert_eq!(*requests, ["initiated", "ringing", "busy"].map(|status| format!("/twilio/status {status}")));
}

#[tokio::test]
async fn a_reader_that_goes_away_is_no_failure() {
    let mut command = program();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = command.arg("list").stdout(writer).output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap()), (Some(0), String::new()));
}

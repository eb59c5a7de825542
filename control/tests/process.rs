//! The program itself: exit codes, what it prints, what it logs, how it ends, and a machine out of file descriptors.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use support::socket::{Got, Socket};
use support::*;

/// The program with nothing set.
fn offhook() -> Command {
    bare(Command::new(env!("CARGO_BIN_EXE_offhook")))
}

fn bare(mut command: Command) -> Command {
    // A directory per test; the next run of the test begins with an empty one.
    let test = std::thread::current().name().unwrap_or("test").replace("::", "-");
    let data = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("process-{test}"));
    let _ = std::fs::remove_dir_all(&data);
    command
        .env_clear()
        .env("OFFHOOK_DATA_DIR", data)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs to the end: exit code and standard error.
fn fails(command: &mut Command) -> (i32, String) {
    let data = DataDir::new();
    let output = command.env("OFFHOOK_DATA_DIR", &data.0).output().unwrap();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// A running program and what it has said on standard error so far.
struct Running {
    child: Child,
    lines: BufReader<std::process::ChildStderr>,
    greeting: String,
    address: std::net::SocketAddr,
    /// What it keeps; gone with it.
    _data: DataDir,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let data = DataDir::new();
        let mut child = command.env("OFFHOOK_DATA_DIR", &data.0).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut greeting = String::new();
        while !greeting.contains("next ") {
            assert!(lines.read_line(&mut greeting).unwrap() > 0, "it ended: {greeting}");
        }
        let address = greeting.split("http://").nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap();
        Self { child, lines, greeting, address, _data: data }
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Waits for the end: exit code and all of standard error.
    fn finish(mut self) -> (i32, String) {
        let mut said = self.greeting;
        self.lines.read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap().code().unwrap_or(-1), said)
    }
}

#[test]
fn it_says_what_it_is_and_listens_at_once() {
    let mut command = offhook();
    command.args(["--listen", "127.0.0.1:0"]);
    let running = Running::start(command);
    let greeting = running.greeting.clone();
    for words in
        ["answers phone calls", "development, because", "SWITCHED OFF", "cargo run --release -p loadtest -- call"]
    {
        assert!(greeting.contains(words), "{words:?} is not in:\n{greeting}");
    }
    assert!(greeting.contains(&format!("-- call --url http://{}/twilio/voice\n", running.address)), "{greeting}");
    running.signal("-TERM");
    assert_eq!(running.finish().0, 0);
}

#[test]
fn a_bad_configuration_exits_2_with_a_line_per_fault() {
    let (code, said) = fails(offhook().env("OFFHOOK_CALLS_MAX", "x").env("LOG_LEVEL", "loud"));
    assert_eq!(code, 2);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 2, "{said}");
    assert!(
        lines[0].starts_with("offhook: OFFHOOK_CALLS_MAX (from environment variable OFFHOOK_CALLS_MAX): "),
        "{said}"
    );
    let (code, said) = fails(offhook().env("TWILIO_ACCOUNT_SID", ACCOUNT));
    assert!(code == 2 && said.contains("TWILIO_AUTH_TOKEN: is not set"), "{said}");
    assert_eq!(fails(offhook().args(["--config", "/nowhere.toml"])).0, 2);
    assert_eq!(fails(offhook().arg("--no-such-flag")).0, 2);
    let valid = offhook().args(["config"]).output().unwrap();
    assert!(valid.status.success() && String::from_utf8_lossy(&valid.stdout).contains("configuration is valid"));
}

#[test]
fn an_address_that_cannot_be_listened_on_is_named_with_what_to_do() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, said) = fails(offhook().args(["--listen", &address]));
    assert_eq!(code, 2);
    assert!(said.contains(&address) && said.contains("stop what uses it") && said.contains("OFFHOOK_LISTEN"), "{said}");
    // An address of documentation (RFC 5737), which no machine has.
    let (code, said) = fails(offhook().args(["--listen", "192.0.2.1:8080", "--environment", "development"]));
    assert_eq!(code, 2);
    assert!(said.contains("this machine has no such address") && !said.contains("stop what"), "{said}");
}

/// A production program with a call on it; its log must give nobody away.
#[tokio::test]
async fn the_log_shows_no_number_and_no_secret() {
    let mut command = offhook();
    command.args(["--listen", "127.0.0.1:0", "--log-level", "trace"]);
    command
        .envs(PRODUCTION.iter().copied())
        .env("OFFHOOK_ADMIN_KEY", "admin-key-admin-key")
        .env("OFFHOOK_TRANSFER_TO", "+15550001111");
    let running = Running::start(command);
    let host = Remote { address: running.address };
    let one = sid(1);
    let path = host.post_signed("/twilio/voice", &call(&one)).await.stream_path(PUBLIC);
    let signature = format!("X-Twilio-Signature: {}\r\n", sign(TOKEN, &format!("wss://voice.example.com{path}"), &[]));
    let mut socket = Socket::open(host.address, &path, &signature).await.unwrap();
    socket.start(ACCOUNT, &one, r#"{"token":"parameter-secret"}"#).await;
    assert!(matches!(socket.next().await, Got::Text(_)));
    assert_eq!(Socket::open(host.address, &path, &signature).await.err().unwrap().status, 403);
    host.post_signed("/twilio/status", &call_with(&one, &[("CallStatus", "in-progress")])).await;
    host.post_signed("/twilio/dtmf?round=1", &call_with(&one, &[("Digits", "3")])).await;
    let words = [("TranscriptionSid", "GT1"), ("TranscriptionText", "my secret words")];
    host.post_signed("/twilio/transcription", &call_with(&one, &words)).await;
    let named = host.send(&form_request("/twilio/voice", &call(&one), "X-Request-Id: my-own-1\r\n")).await;
    assert_eq!(named.header("x-request-id"), Some("my-own-1"));
    let queried = form_request("/twilio/voice?From=%2B15551234567", &call(&one), "X-Twilio-Signature: wrong\r\n");
    assert_eq!(host.send(&queried).await.status, 403);
    assert_eq!(Socket::open(host.address, &path, "X-Twilio-Signature: wrong\r\n").await.err().unwrap().status, 403);
    socket.press('3').await;
    socket.until_closed().await;
    host.post_signed("/twilio/resume?n=0", &call(&one)).await;
    running.signal("-TERM");
    let (code, log) = running.finish();
    assert_eq!(code, 0, "{log}");
    assert!(log.contains(" quality=\""), "{log}");
    let of_request = log.lines().filter(|line| line.contains("request{id=my-own-1}"));
    assert!(
        of_request.filter(|line| line.contains("webhook refused") || line.contains("answered")).count() == 2,
        "{log}"
    );
    assert!(log.contains("call taken") && log.contains("stream ended") && log.contains("+1555•••4567"), "{log}");
    for (line, url) in [
        ("webhook refused: signature result=\"missing\"", "url=\"https://voice.example.com/twilio/voice\""),
        ("webhook refused: signature result=\"invalid\"", "url=\"https://voice.example.com/twilio/voice\""),
        ("media socket refused: signature", "url=\"wss://voice.example.com/twilio/ws/…\""),
    ] {
        assert!(log.lines().any(|l| l.contains(line) && l.contains(url)), "{line} {url}:\n{log}");
    }
    let token = path.rsplit('/').next().unwrap();
    for secret in [
        "5551234567",
        "5557654321",
        "5550001111",
        token,
        "other-token",
        "admin-key",
        "parameter-secret",
        "my secret words",
    ] {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
    for line in log.lines().filter(|line| line.to_ascii_lowercase().contains("signature:")) {
        assert!(!line.contains('='), "a signature's value: {line}");
    }
}

#[tokio::test]
async fn running_out_of_file_descriptors_is_survived() {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 40; exec \"$0\" --listen 127.0.0.1:0", env!("CARGO_BIN_EXE_offhook")]);
    let running = Running::start(bare(command));
    let host = Remote { address: running.address };
    let mut held = Vec::new();
    for _ in 0..60 {
        held.push(tokio::net::TcpStream::connect(host.address).await.unwrap());
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    drop(held);
    let answer =
        tokio::time::timeout(Duration::from_secs(5), host.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")).await;
    assert_eq!(answer.expect("it accepts again").status, 200);
    let metrics = host.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert!(metrics.metric("offhook_http_accept_errors_total") >= 1.0);
    running.signal("-INT");
    let (code, log) = running.finish();
    assert_eq!(code, 0);
    assert!(log.contains("cannot accept connections"), "{log}");
    assert!(log.contains("too few open files") && log.contains("LimitNOFILE="), "{log}");
}

#[test]
fn the_limit_of_open_files_is_raised_to_the_hardest() {
    let mut command = Command::new("sh");
    let line = "ulimit -Sn 100; exec \"$0\" --listen 127.0.0.1:0 --calls-max 10 --connections-max 10";
    command.args(["-c", line, env!("CARGO_BIN_EXE_offhook")]);
    let running = Running::start(bare(command));
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", running.child.id())).unwrap();
    let open_files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let [.., soft, hard, _] = open_files.split_whitespace().collect::<Vec<_>>()[..] else { panic!("{open_files}") };
    assert_eq!(soft, hard);
    running.signal("-TERM");
    let (_, log) = running.finish();
    assert!(log.contains("open files from=\"100\"") && !log.contains("too few open files"), "{log}");
    assert!(log.contains("engine started workers="), "{log}");
}

#[test]
fn the_kernel_gives_it_small_pages_only() {
    let mut command = offhook();
    command.args(["--listen", "127.0.0.1:0"]);
    let running = Running::start(command);
    let read = |file| std::fs::read_to_string(format!("/proc/{}/{file}", running.child.id())).unwrap_or_default();
    // Older kernels have neither line.
    let status = read("status");
    let allowed = status.lines().find_map(|line| line.strip_prefix("THP_enabled:"));
    assert!(allowed.is_none_or(|allowed| allowed.trim() == "0"), "{status}");
    let memory = read("smaps_rollup");
    let huge = memory.lines().find_map(|line| line.strip_prefix("AnonHugePages:"));
    // What is touched before `main` may be one or two of them where the kernel makes them unasked.
    let kb = huge.and_then(|huge| huge.trim().strip_suffix("kB")?.trim().parse::<u32>().ok());
    assert!(kb.is_none_or(|kb| kb <= 4096), "{memory}");
    running.signal("-TERM");
    assert_eq!(running.finish().0, 0);
}

//! Twilio's own Python library against the program: what it takes for Twilio, others will.
//!
//! Needs Python 3 with venv, and for the first run the package index; the environment is kept under `target`.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::support::Fault;
use crate::support::server::{TOKEN, serve};

/// The version that the model was read from.
const LIBRARY: &str = "twilio==9.13.0";
const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
const KEY: &str = "SK0123456789abcdef0123456789abcdef";

/// The program, ended with the test.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Python with the library; made once. The folder gets its name when it is complete.
fn python() -> PathBuf {
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(LIBRARY.replace("==", "-"));
    let python = kept.join("bin/python");
    if python.exists() {
        return python;
    }
    let making = kept.with_extension(format!("making-{}", std::process::id()));
    let run = |command: &mut Command, cure: &str| {
        let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}; {cure}"));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?} failed; {cure}\n{said}");
    };
    run(Command::new("python3").args(["-m", "venv"]).arg(&making), "install Python 3 with venv");
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", LIBRARY];
    run(Command::new(making.join("bin/python")).args(pip), "pip must reach a package index for the first run");
    if std::fs::rename(&making, &kept).is_err() {
        // Another test run was faster.
        let _ = std::fs::remove_dir_all(&making);
    }
    python
}

/// Serves on a free port; the program's base URL.
fn start(voice: &str) -> (Served, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_loadtest"))
        .args(["serve", "--listen", "127.0.0.1:0", "--account-sid", ACCOUNT, "--auth-token", TOKEN])
        .args(["--api-key", &format!("{KEY}:secret"), "--number", &format!("+14155550199={voice}")])
        .args(["--anybody", "silent"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let served = Served(child);
    let first = lines.next().unwrap().unwrap();
    let base = first.split_whitespace().find(|word| word.starts_with("http://")).unwrap().to_owned();
    (served, base)
}

#[tokio::test]
async fn twilios_python_library_takes_it_for_twilio() {
    let (voice, seen) = serve(Fault::None).await;
    let (_served, base) = start(&voice);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/official_client.py");
    let library = tokio::task::spawn_blocking(move || {
        let output = Command::new(python()).arg(script).args([&base, ACCOUNT, TOKEN, KEY, "secret", &voice]).output();
        output.unwrap()
    });
    let output = library.await.unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    let seen = seen.lock().unwrap();
    assert_eq!(seen.bad_signatures, Vec::<String>::new());
    assert!(seen.requests.contains(&"/twilio/voice in-progress".to_owned()), "{:?}", seen.requests);
    assert!(seen.requests.contains(&"/twilio/status completed".to_owned()), "{:?}", seen.requests);
    let of_the_stream: Vec<_> = seen.requests.iter().filter(|asked| asked.starts_with("/twilio/stream ")).collect();
    assert_eq!(of_the_stream, ["/twilio/stream stream-started", "/twilio/stream stream-stopped"]);
    let of_the_leg: Vec<_> = seen.requests.iter().filter(|asked| asked.starts_with("/twilio/leg ")).collect();
    assert_eq!(of_the_leg, ["/twilio/leg in-progress", "/twilio/leg completed"]);
}

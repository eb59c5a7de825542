//! Capturing a call from the outside: a setting, a call, a file that decides the call again.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::capture::{Reader, Story, Verdict};
use support::socket::Socket;
use support::*;

/// The capture in `dir`, once it is complete: its end is what a reader asks for.
async fn complete(dir: &Path) -> (PathBuf, Story) {
    for _ in 0..300 {
        for path in std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
            let bytes = std::fs::read(&path).unwrap();
            if let Ok(reader) = Reader::new(&bytes[..]) {
                let story = Story::replay(reader);
                if story.broken.is_none() {
                    return (path, story);
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("no complete capture in {}", dir.display());
}

#[tokio::test]
async fn a_captured_call_can_be_decided_again() {
    let dir = std::env::temp_dir().join(format!("offhook-captures-{}", std::process::id()));
    let host = Host::development(&[("OFFHOOK_CAPTURE_DIR", dir.to_str().unwrap())]).await;
    let path = host.post_signed("/twilio/voice", &call(&sid(1))).await.stream_path(&host.base);
    let mut socket = Socket::open(host.address, &path, "").await.unwrap();
    socket.start(ACCOUNT, &sid(1), "{}").await;
    for digit in ['1', '2'] {
        socket.next().await;
        socket.press(digit).await;
    }
    socket.stop(ACCOUNT, &sid(1)).await;
    socket.until_closed().await;
    let (file, story) = complete(&dir).await;
    assert_eq!(file.file_name().unwrap().to_str().unwrap(), format!("{}-MZ1.capture", sid(1)));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(!story.recorded.is_empty());
    assert_eq!(story.verdict(), Verdict::Identical);
    std::fs::remove_dir_all(&dir).unwrap();
}

//! Captures, where an operator asked for them: every input of every stream in a file of its own, to be decided again by
//! the engine's `replay`.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use engine::capture::{AnyRecorder, Scribe, StartCapture, Tap, create, tap};
use engine::wire::StartInfo;

/// Bytes that one process captures; then calls go on without. A hundred calls write about 130 MB in a minute.
const BYTES_MAX: u64 = 64 * 1024 * 1024 * 1024;

/// Where captures go, and who writes them.
#[derive(Debug)]
pub(crate) struct Captures {
    dir: PathBuf,
    scribe: Arc<Scribe>,
    written: Arc<AtomicU64>,
}

impl Captures {
    /// Makes the directory, for its owner only, and the thread that writes.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn start(dir: &Path) -> io::Result<Self> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        Ok(Self { dir: dir.to_owned(), scribe: Arc::new(Scribe::start()?), written: Arc::default() })
    }

    /// The capture of a stream that begins; `None` when enough was written. Never waits: its file is made by the thread
    /// that writes.
    pub(crate) fn of(&self, start: &StartInfo) -> Option<StartCapture> {
        if self.written.load(Ordering::Relaxed) >= BYTES_MAX {
            tracing::warn!(call = %start.call_sid, bytes_max = BYTES_MAX, "stream not captured: enough has been written");
            return None;
        }
        let path = self.dir.join(file_name(start.call_sid.as_str(), start.stream_sid.as_str()));
        let file = LateFile { path, file: None, written: Arc::clone(&self.written) };
        let scribe = Arc::clone(&self.scribe);
        Some(Box::new(move |header| {
            let (tap, recorder): (Tap, AnyRecorder) = tap(header, Box::new(file));
            if scribe.write(recorder).is_ok() {
                return tap;
            }
            tracing::warn!("stream not captured: too many began at once");
            Tap::off()
        }))
    }
}

/// `CA…-MZ….capture`. What a carrier calls its streams names no other file.
fn file_name(call: &str, stream: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' };
    let part = |sid: &str| sid.chars().take(64).map(plain).collect::<String>();
    format!("{}-{}.capture", part(call), part(stream))
}

/// A file that is made when something is written to it.
struct LateFile {
    path: PathBuf,
    file: Option<File>,
    written: Arc<AtomicU64>,
}

impl Write for LateFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.file.is_none() {
            let made = create(&self.path).inspect_err(|error| {
                tracing::warn!(path = %self.path.display(), %error, "stream not captured: no file; check OFFHOOK_CAPTURE_DIR");
            })?;
            self.file = Some(made);
        }
        let written = self.file.as_mut().map_or(Ok(0), |file| file.write(bytes))?;
        self.written.fetch_add(written as u64, Ordering::Relaxed);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), File::flush)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_s_name_leads_nowhere_else() {
        assert_eq!(file_name("CA01ab", "MZ../../etc/x"), "CA01ab-MZ______etc_x.capture");
        assert_eq!(file_name(&"C".repeat(500), "M").len(), 64 + 1 + 1 + 8);
    }
}

//! Log lines to standard error, written by a thread of their own so that a slow reader never holds up a call.
//!
//! *Full:* at `LINES_MAX` waiting lines the newest is dropped and counted.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Lines that may wait; a second of a very talkative service.
const LINES_MAX: usize = 4096;

static LINES_DROPPED: AtomicU64 = AtomicU64::new(0);

/// How many lines were lost.
pub(crate) fn lines_dropped() -> u64 {
    LINES_DROPPED.load(Ordering::Relaxed)
}

/// Writes what still waits when it is dropped.
#[derive(Debug)]
pub struct Logs {
    lines: Option<SyncSender<Option<Vec<u8>>>>,
    writer: Option<JoinHandle<()>>,
}

impl Logs {
    /// Starts logging what `targets` let through. Once per process.
    ///
    /// # Errors
    /// Where the thread cannot be started.
    pub fn start(targets: Targets) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(LINES_MAX);
        let writer = std::thread::Builder::new().name("logs".into()).spawn(move || write_lines(&receiver))?;
        let layer =
            tracing_subscriber::fmt::layer().with_ansi(io::stderr().is_terminal()).with_writer(Lines(sender.clone()));
        // A second start, as in tests, keeps the first's settings.
        let _ = tracing_subscriber::registry().with(targets).with(layer).try_init();
        Ok(Self { lines: Some(sender), writer: Some(writer) })
    }
}

impl Drop for Logs {
    fn drop(&mut self) {
        // The subscriber keeps its sender for ever, so the end is a message.
        if let Some(lines) = self.lines.take() {
            let _ = lines.send(None);
        }
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

fn write_lines(lines: &Receiver<Option<Vec<u8>>>) {
    while let Ok(Some(line)) = lines.recv() {
        // Locked for one line only: others write here too. Where it fails, nobody is left to tell.
        let _ = io::stderr().write_all(&line);
    }
}

/// Makes a writer for each line.
#[derive(Debug, Clone)]
struct Lines(SyncSender<Option<Vec<u8>>>);

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line { lines: self.0.clone(), text: Vec::with_capacity(256) }
    }
}

/// One line being written; sent when it is dropped.
struct Line {
    lines: SyncSender<Option<Vec<u8>>>,
    text: Vec<u8>,
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let text = std::mem::take(&mut self.text);
        if !text.is_empty()
            && let Err(TrySendError::Full(_)) = self.lines.try_send(Some(text))
        {
            LINES_DROPPED.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_too_many_is_dropped_and_counted() {
        let (sender, receiver) = sync_channel(1);
        let lines = Lines(sender);
        let before = lines_dropped();
        for _ in 0..3 {
            lines.make_writer().write_all(b"line\n").unwrap();
        }
        assert_eq!(lines_dropped() - before, 2);
        assert_eq!(receiver.recv().unwrap(), Some(b"line\n".to_vec()));
        assert!(receiver.try_recv().is_err());
    }
}

//! Says no to a connection that there is no place for, and lets the answer arrive.
//!
//! Closing a socket with unread bytes resets it, and a reset overtakes the answer. So the writing side is closed first,
//! and for a moment what still comes is read and thrown away. *Full:* at [`LINGERING_MAX`] of these the answer is sent
//! and the socket closed at once: some will see a reset.

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

const NO: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n";
/// Refused connections that are still listened to; each is an open file.
const LINGERING_MAX: usize = 64;
/// For the answer to be fetched; a round trip or two.
const LINGER_TIME: Duration = Duration::from_millis(500);
/// Of what still comes; more than any webhook has.
const LINGER_BYTES_MAX: usize = 128 * 1024;

/// Refuses connections.
#[derive(Debug)]
pub(crate) struct Refusal {
    lingering: Arc<Semaphore>,
}

impl Refusal {
    pub(crate) fn new() -> Self {
        Self { lingering: Arc::new(Semaphore::new(LINGERING_MAX)) }
    }

    /// Answers 503 and closes, without making the accept loop wait.
    pub(crate) fn refuse(&self, stream: TcpStream) {
        match Arc::clone(&self.lingering).try_acquire_owned() {
            Ok(place) => {
                tokio::spawn(async move {
                    answer_in_time(stream, NO).await;
                    drop(place);
                });
            }
            Err(_) => answer_at_once(stream),
        }
    }
}

/// Says `no` and closes, and gives it a moment to arrive.
pub(crate) async fn answer_in_time(stream: TcpStream, no: &[u8]) {
    let _ = timeout(LINGER_TIME, answer(stream, no)).await;
}

async fn answer(mut stream: TcpStream, no: &[u8]) -> std::io::Result<()> {
    stream.write_all(no).await?;
    stream.shutdown().await?;
    let mut thrown_away = [0; 4096];
    let mut left = LINGER_BYTES_MAX;
    while left > 0 {
        match stream.read(&mut thrown_away).await? {
            0 => break,
            bytes => left = left.saturating_sub(bytes),
        }
    }
    Ok(())
}

/// The answer fits any fresh socket's buffer, and a head of usual size is here already.
fn answer_at_once(stream: TcpStream) {
    let Ok(mut stream) = stream.into_std() else { return };
    let _ = stream.write(NO);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let _ = stream.read(&mut [0; 4096]);
}

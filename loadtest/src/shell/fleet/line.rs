//! One media socket: writes what is given to it at once if it can, keeps the rest in order, reads without waiting.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

/// What waits to be written at most: 256 KiB, about 13 s of frames. A server that reads nothing for so long has lost
/// the call.
const WAITING_MAX_BYTES: usize = 256 * 1024;

/// A socket with what it has not yet taken.
#[derive(Debug)]
pub struct Line {
    stream: TcpStream,
    waiting: Vec<u8>,
}

/// Why a socket is of no more use.
#[derive(Debug, PartialEq, Eq)]
pub enum Lost {
    /// The peer ended the connection.
    Cut,
    /// The peer has not read for a long time.
    Stuck,
    /// The system's words.
    Io(ErrorKind),
}

impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cut => f.write_str("the server cut the connection without closing the WebSocket"),
            Self::Stuck => f.write_str("the server did not read; 256 KiB wait"),
            Self::Io(kind) => write!(f, "the connection broke: {kind}"),
        }
    }
}

impl Line {
    /// Takes over a connected, non-blocking socket.
    #[must_use]
    pub const fn new(stream: TcpStream) -> Self {
        Self { stream, waiting: Vec::new() }
    }

    /// The socket, to be watched.
    #[must_use]
    pub const fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Writes `bytes` behind what waits. Returns whether all is on its way.
    ///
    /// # Errors
    /// [`Lost`] when the connection is.
    pub fn write(&mut self, bytes: &[u8]) -> Result<bool, Lost> {
        if !self.waiting.is_empty() {
            self.wait(bytes)?;
            return self.flush();
        }
        let written = self.attempt(bytes)?;
        if written < bytes.len() {
            self.wait(&bytes[written..])?;
        }
        Ok(written == bytes.len())
    }

    /// Writes what waits. Returns whether nothing is left.
    ///
    /// # Errors
    /// [`Lost`] when the connection is.
    pub fn flush(&mut self) -> Result<bool, Lost> {
        if self.waiting.is_empty() {
            return Ok(true);
        }
        let waiting = std::mem::take(&mut self.waiting);
        let written = self.attempt(&waiting)?;
        self.waiting = waiting;
        self.waiting.drain(..written);
        Ok(self.waiting.is_empty())
    }

    /// Reads once into `buffer`; `None` when there is nothing.
    ///
    /// # Errors
    /// [`Lost`] when the connection is.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, Lost> {
        loop {
            return match self.stream.read(buffer) {
                Ok(0) => Err(Lost::Cut),
                Ok(count) => Ok(Some(count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => Err(Lost::Io(error.kind())),
            };
        }
    }

    fn wait(&mut self, bytes: &[u8]) -> Result<(), Lost> {
        if self.waiting.len() + bytes.len() > WAITING_MAX_BYTES {
            return Err(Lost::Stuck);
        }
        self.waiting.extend_from_slice(bytes);
        Ok(())
    }

    fn attempt(&self, bytes: &[u8]) -> Result<usize, Lost> {
        let mut written = 0;
        while written < bytes.len() {
            match (&self.stream).write(&bytes[written..]) {
                Ok(count) => written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Lost::Io(error.kind())),
            }
        }
        Ok(written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (Line, TcpStream) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        ours.set_nonblocking(true).unwrap();
        (Line::new(ours), listener.accept().unwrap().0)
    }

    #[test]
    fn what_the_peer_does_not_take_waits_in_order_up_to_a_bound() {
        let (mut line, mut peer) = pair();
        let mut sent = Vec::new();
        let lost = (0_u32..).find_map(|n| {
            let bytes: Vec<u8> = n.to_le_bytes().repeat(1_000);
            let result = line.write(&bytes);
            if result.is_ok() {
                sent.extend_from_slice(&bytes);
            }
            result.err()
        });
        assert_eq!(lost, Some(Lost::Stuck));
        let reader = std::thread::spawn(move || {
            let mut all = Vec::new();
            peer.read_to_end(&mut all).unwrap();
            all
        });
        while !line.flush().unwrap() {
            std::thread::yield_now();
        }
        drop(line);
        assert_eq!(reader.join().unwrap(), sent);
    }

    #[test]
    fn the_end_of_the_peer_is_told() {
        let (mut line, peer) = pair();
        assert_eq!(line.read(&mut [0; 10]), Ok(None));
        drop(peer);
        let lost = loop {
            match line.read(&mut [0; 10]) {
                Ok(_) => std::thread::yield_now(),
                Err(lost) => break lost,
            }
        };
        assert_eq!(lost, Lost::Cut);
    }
}

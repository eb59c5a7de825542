//! A stream's socket, behind a reading half and a writing half.
//!
//! Every socket of an I/O thread reads into the same few kilobytes, one after the other, and what was read is taken
//! there: a socket that waits for its next frame has no buffer. What it keeps is the beginning of a frame whose rest has
//! not come, and what it has read and nobody has room for.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::frame::{self, Fault, Kind, Piece};
use crate::limits::WRITE_TIME;
use crate::port::EndCause;

/// Time for which sent data may stay unacknowledged before the kernel gives the connection up.
const UNACKNOWLEDGED: Duration = Duration::from_secs(10);

/// Bytes that may wait in the kernel before a write waits instead. What waits there no clear can overtake: 8 KiB are
/// half a second of sound.
const UNSENT_BYTES: u32 = 8 * 1024;

/// Bytes read at once: some forty frames of a second that comes at once. It is in the processor's cache.
const READ_BYTES: usize = 16 * 1024;

/// Room that a socket with nothing to keep may keep for it.
const HELD_ROOM: usize = 512;

/// Room for a mark and the longest message of sound, which is ten frames: 2,135 characters and its frame around it.
const BATCH_ROOM: usize = 2_400;

/// First byte of a frame: the last of its message.
const FIN: u8 = 0x80;
/// Second byte of a frame whose length follows in two bytes; below it, the length itself.
const LENGTH_16_BITS: u8 = 126;

thread_local! {
    /// Where the sockets of this thread read.
    static ROOM: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into());
}

/// How reading ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadEnd {
    /// The peer closed, or the connection broke.
    Gone,
    /// The peer broke the protocol or a bound.
    Fault(Fault),
}

impl ReadEnd {
    /// Why the call ended, seen from here.
    pub(super) fn cause(self) -> EndCause {
        match self {
            Self::Gone => EndCause::SocketLost,
            Self::Fault(fault) => EndCause::ProtocolError(fault.code),
        }
    }
}

/// Who takes what is read.
pub(super) trait Takes {
    /// Whether it has room for a frame.
    fn has_room(&mut self) -> bool;

    /// Takes a frame; says where reading must end.
    fn take(&mut self, piece: Piece<'_>) -> Result<(), ReadEnd>;
}

/// The reading half.
pub(super) struct Reader {
    socket: OwnedReadHalf,
    /// Read and not taken.
    held: Vec<u8>,
}

/// The writing half: frames are put together in one buffer and written at once, because a write costs more than all the
/// rest. A server's frame is a header of two or four bytes and the payload as it is (RFC 6455, 5.2).
pub(super) struct Writer {
    socket: OwnedWriteHalf,
    /// Whole frames, not written yet. Keeps its room.
    batch: Vec<u8>,
    /// A write was begun and not finished: nothing sensible can follow it.
    broken: bool,
}

/// Takes over a socket on which the upgrade has been answered; `early` was read past the request.
pub(super) fn split(socket: std::net::TcpStream, early: &Bytes) -> io::Result<(Reader, Writer)> {
    socket.set_nonblocking(true)?;
    let options = SockRef::from(&socket);
    options.set_tcp_nodelay(true)?;
    options.set_tcp_user_timeout(Some(UNACKNOWLEDGED))?;
    options.set_tcp_notsent_lowat(UNSENT_BYTES)?;
    let (read, write) = TcpStream::from_std(socket)?.into_split();
    let reader = Reader { socket: read, held: early.to_vec() };
    Ok((reader, Writer { socket: write, batch: Vec::with_capacity(BATCH_ROOM), broken: false }))
}

impl Reader {
    /// Gives `to` what has come, frame by frame. Ready where it has no room for more, or reading must end; pending where
    /// nothing more has come.
    pub(super) fn poll(&mut self, context: &mut Context<'_>, to: &mut impl Takes) -> Poll<Result<(), ReadEnd>> {
        if !self.held.is_empty() {
            self.take_held(to)?;
        }
        while to.has_room() {
            ready!(self.read(context, to))?;
        }
        Poll::Ready(Ok(()))
    }

    /// Reads once and takes what it can.
    fn read(&mut self, context: &mut Context<'_>, to: &mut impl Takes) -> Poll<Result<(), ReadEnd>> {
        ROOM.with_borrow_mut(|room| {
            let mut buffer = ReadBuf::new(room);
            let read = ready!(Pin::new(&mut self.socket).poll_read(context, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                return Poll::Ready(Err(ReadEnd::Gone));
            }
            if !self.held.is_empty() {
                self.held.extend_from_slice(buffer.filled());
                return Poll::Ready(self.take_held(to));
            }
            let filled = buffer.filled_mut();
            let taken = take_frames(filled, to)?;
            self.held.extend_from_slice(&filled[taken..]);
            Poll::Ready(Ok(()))
        })
    }

    fn take_held(&mut self, to: &mut impl Takes) -> Result<(), ReadEnd> {
        let taken = take_frames(&mut self.held, to)?;
        self.held.drain(..taken);
        if self.held.is_empty() && self.held.capacity() > HELD_ROOM {
            self.held = Vec::new();
        }
        Ok(())
    }
}

/// Gives `to` the whole frames of `bytes` that it has room for; says how many bytes they were.
fn take_frames(bytes: &mut [u8], to: &mut impl Takes) -> Result<usize, ReadEnd> {
    let mut at = 0;
    while at < bytes.len() && to.has_room() {
        let Some((length, piece)) = frame::split_first(&mut bytes[at..]).map_err(ReadEnd::Fault)? else { break };
        to.take(piece)?;
        at += length;
    }
    Ok(at)
}

impl Writer {
    /// Adds a text message to what will be written; `fill` appends its payload. Gives how many messages were added: none
    /// for no payload.
    pub(super) fn add_text(&mut self, fill: impl FnOnce(&mut Vec<u8>)) -> u64 {
        u64::from(self.add(Kind::Text, fill))
    }

    /// Adds the answer to a ping.
    pub(super) fn add_pong(&mut self, payload: &[u8]) {
        self.add(Kind::Pong, |batch| batch.extend_from_slice(payload));
    }

    /// How many bytes wait to be written.
    pub(super) fn waiting(&self) -> usize {
        self.batch.len()
    }

    /// Writes what was added.
    pub(super) async fn flush(&mut self) -> Result<(), EndCause> {
        if self.batch.is_empty() {
            return Ok(());
        }
        self.broken = true;
        // Almost always the kernel takes all of it; only where it does not, a clock is needed.
        let written = self.socket.try_write(&self.batch).unwrap_or(0);
        if written < self.batch.len() {
            let rest = self.socket.write_all(&self.batch[written..]);
            // A peer that does not read, and one that is gone, are the same to a call.
            if !matches!(tokio::time::timeout(WRITE_TIME, rest).await, Ok(Ok(()))) {
                return Err(EndCause::SocketLost);
            }
        }
        self.broken = false;
        self.batch.clear();
        Ok(())
    }

    /// Says goodbye, if that can still be understood.
    pub(super) async fn close(&mut self, fault: Fault) {
        if self.broken {
            return;
        }
        self.add(Kind::Close, |batch| {
            batch.extend_from_slice(&fault.code.to_be_bytes());
            batch.extend_from_slice(fault.reason.as_bytes());
        });
        let _ = self.flush().await;
    }

    /// Appends one frame. A text without payload is none: false, and nothing is appended.
    fn add(&mut self, kind: Kind, fill: impl FnOnce(&mut Vec<u8>)) -> bool {
        let start = self.batch.len();
        self.batch.extend_from_slice(&[FIN | kind.opcode(), LENGTH_16_BITS, 0, 0]);
        fill(&mut self.batch);
        let payload = self.batch.len() - start - 4;
        if payload == 0 && kind == Kind::Text {
            self.batch.truncate(start);
            return false;
        }
        if payload < usize::from(LENGTH_16_BITS) {
            self.batch[start + 1] = payload as u8;
            self.batch.drain(start + 2..start + 4);
        } else {
            // Outbound messages are a few kilobytes: the lead bounds them.
            let length = u16::try_from(payload).unwrap_or(u16::MAX);
            self.batch[start + 2..start + 4].copy_from_slice(&length.to_be_bytes());
        }
        true
    }
}

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

use super::batch::Batch;
use super::frame::{self, Fault, Piece};
use super::tls::Tls;
use super::transport::Transport;
use crate::clock::Clock;
use crate::limits::WRITE_TIME;
use crate::port::EndCause;
use crate::time::Instant;

/// Time for which sent data may stay unacknowledged before the kernel gives the connection up.
const UNACKNOWLEDGED: Duration = Duration::from_secs(10);

/// Bytes that may wait in the kernel before a write waits instead. What waits there no clear can overtake: 8 KiB are
/// half a second of sound.
const UNSENT_BYTES: u32 = 8 * 1024;

/// Bytes read at once: some forty frames of a second that comes at once. It is in the processor's cache.
const READ_BYTES: usize = 16 * 1024;

/// Room that a socket with nothing to keep may keep for it.
const HELD_ROOM: usize = 512;

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

    /// Takes a frame that was read at `now`; says where reading must end.
    fn take(&mut self, now: Instant, piece: Piece<'_>) -> Result<(), ReadEnd>;
}

/// The reading half.
pub(super) struct Reader {
    socket: OwnedReadHalf,
    tls: Option<Tls>,
    clock: Clock,
    /// Read and not taken.
    held: Vec<u8>,
}

/// The writing half.
pub(super) struct Writer {
    socket: OwnedWriteHalf,
    tls: Option<Tls>,
    /// Not written yet.
    pub(super) batch: Batch,
    /// A write was begun and not finished: nothing sensible can follow it.
    broken: bool,
}

/// Takes over a socket on which the upgrade has been answered; `early` was read past the request.
pub(super) fn split(transport: Transport, early: &Bytes, clock: Clock) -> io::Result<(Reader, Writer)> {
    let (socket, tls) = match transport {
        Transport::Plain(socket) => (socket, None),
        Transport::Tls(socket, session) => (socket, Some(Tls::new(*session))),
    };
    socket.set_nonblocking(true)?;
    let options = SockRef::from(&socket);
    options.set_tcp_nodelay(true)?;
    options.set_tcp_user_timeout(Some(UNACKNOWLEDGED))?;
    options.set_tcp_notsent_lowat(UNSENT_BYTES)?;
    let (read, write) = TcpStream::from_std(socket)?.into_split();
    let reader = Reader { socket: read, tls: tls.clone(), clock, held: early.to_vec() };
    Ok((reader, Writer { socket: write, tls, batch: Batch::new(), broken: false }))
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
            let Ok(read @ 1..) = ready!(self.poll_bytes(context, room)) else {
                return Poll::Ready(Err(ReadEnd::Gone));
            };
            let filled = &mut room[..read];
            if !self.held.is_empty() {
                self.held.extend_from_slice(filled);
                return Poll::Ready(self.take_held(to));
            }
            let taken = take_frames(self.clock.now(), filled, to)?;
            self.held.extend_from_slice(&filled[taken..]);
            Poll::Ready(Ok(()))
        })
    }

    /// Reads once, in clear.
    fn poll_bytes(&mut self, context: &mut Context<'_>, room: &mut [u8]) -> Poll<io::Result<usize>> {
        if let Some(tls) = &self.tls {
            return tls.poll_read(self.socket.as_ref(), context, room);
        }
        let mut buffer = ReadBuf::new(room);
        ready!(Pin::new(&mut self.socket).poll_read(context, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }

    fn take_held(&mut self, to: &mut impl Takes) -> Result<(), ReadEnd> {
        let taken = take_frames(self.clock.now(), &mut self.held, to)?;
        self.held.drain(..taken);
        if self.held.is_empty() && self.held.capacity() > HELD_ROOM {
            self.held = Vec::new();
        }
        Ok(())
    }
}

/// Gives `to` the whole frames of `bytes` that it has room for; says how many bytes they were.
pub(super) fn take_frames(now: Instant, bytes: &mut [u8], to: &mut impl Takes) -> Result<usize, ReadEnd> {
    let mut at = 0;
    while at < bytes.len() && to.has_room() {
        let Some((length, piece)) = frame::split_first(&mut bytes[at..]).map_err(ReadEnd::Fault)? else { break };
        to.take(now, piece)?;
        at += length;
    }
    Ok(at)
}

impl Writer {
    /// Writes what was added.
    pub(super) async fn flush(&mut self) -> Result<(), EndCause> {
        let bytes = self.batch.bytes();
        if bytes.is_empty() {
            return Ok(());
        }
        self.broken = true;
        // Almost always the kernel takes all of it; only where it does not, a clock is needed. A peer that does not read,
        // and one that is gone, are the same to a call.
        if let Some(tls) = &self.tls {
            let socket = self.socket.as_ref();
            if !tls.write(socket, bytes).map_err(|_| EndCause::SocketLost)? {
                in_time(tls.write_rest(socket)).await?;
            }
        } else {
            let written = self.socket.try_write(bytes).unwrap_or(0);
            if written < bytes.len() {
                in_time(self.socket.write_all(&bytes[written..])).await?;
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
        self.batch.add_close(fault);
        if self.flush().await.is_ok()
            && let Some(tls) = &self.tls
        {
            tls.close(self.socket.as_ref());
        }
    }
}

async fn in_time(write: impl Future<Output = io::Result<()>>) -> Result<(), EndCause> {
    match tokio::time::timeout(WRITE_TIME, write).await {
        Ok(Ok(())) => Ok(()),
        _ => Err(EndCause::SocketLost),
    }
}

//! The WebSocket library, behind a reading half and a writing half.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use fastwebsockets::{Frame, OpCode, Payload, Role, WebSocketError, WebSocketRead, after_handshake_split};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use crate::limits::WRITE_TIME;
use crate::port::EndCause;
use crate::wire::MESSAGE_BYTES_MAX;

/// Time for which sent data may stay unacknowledged before the kernel gives the connection up.
const UNACKNOWLEDGED: Duration = Duration::from_secs(10);

/// Bytes that may wait in the kernel before a write waits instead. What waits there no clear can overtake: 8 KiB are
/// half a second of sound.
const UNSENT_BYTES: u32 = 8 * 1024;

/// Room for a mark and the longest message of sound, which is ten frames: 2,135 characters and its frame around it.
const BATCH_ROOM: usize = 2_400;

/// First byte of a frame: the last of its message.
const FIN: u8 = 0x80;
/// Second byte of a frame whose length follows in two bytes; below it, the length itself.
const LENGTH_16_BITS: u8 = 126;

/// How a stream goes wrong, as a WebSocket close code and the words that go with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) code: u16,
    pub(super) reason: &'static str,
}

impl Fault {
    pub(super) const fn new(code: u16, reason: &'static str) -> Self {
        Self { code, reason }
    }
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

/// A frame as the wire has it: messages may come in several.
pub(super) struct Piece {
    pub(super) kind: PieceKind,
    pub(super) last: bool,
    pub(super) bytes: Bytes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PieceKind {
    Text,
    Binary,
    Continuation,
    Ping,
    Pong,
    Close,
}

/// The reading half.
pub(super) struct Reader(WebSocketRead<Prefixed>);

/// The writing half: frames are put together in one buffer and written at once.
///
/// The library writes each frame by itself, and a write costs more than all the rest; a server's frames are a header of
/// two or four bytes and the payload as it is (RFC 6455, 5.2).
pub(super) struct Writer {
    socket: OwnedWriteHalf,
    /// Whole frames, not written yet. Keeps its room.
    batch: Vec<u8>,
    /// A write was begun and not finished: nothing sensible can follow it.
    broken: bool,
}

/// Takes over a socket on which the upgrade has been answered; `early` was read past the request.
pub(super) fn split(socket: std::net::TcpStream, early: Bytes) -> io::Result<(Reader, Writer)> {
    socket.set_nonblocking(true)?;
    let options = SockRef::from(&socket);
    options.set_tcp_nodelay(true)?;
    options.set_tcp_user_timeout(Some(UNACKNOWLEDGED))?;
    options.set_tcp_notsent_lowat(UNSENT_BYTES)?;
    let (read, write) = TcpStream::from_std(socket)?.into_split();
    // The library splits both halves; ours of the writing one is a sink that is never written.
    let (mut reader, _) =
        after_handshake_split(Prefixed { early: without_room(early), socket: read }, tokio::io::sink(), Role::Server);
    // The library refuses a frame of this size or more.
    reader.set_max_message_size(MESSAGE_BYTES_MAX + 1);
    reader.set_auto_close(false);
    reader.set_auto_pong(false);
    Ok((Reader(reader), Writer { socket: write, batch: Vec::with_capacity(BATCH_ROOM), broken: false }))
}

impl Reader {
    /// The next frame. Not to be called again after it was dropped half-way: the library would lose its place.
    pub(super) async fn next(&mut self) -> Result<Piece, ReadEnd> {
        // Never called: pings and closes are answered by the writer.
        let mut never = async |_: Frame<'_>| Ok::<(), io::Error>(());
        let frame = self.0.read_frame(&mut never).await.map_err(read_end)?;
        let kind = match frame.opcode {
            OpCode::Text => PieceKind::Text,
            OpCode::Binary => PieceKind::Binary,
            OpCode::Continuation => PieceKind::Continuation,
            OpCode::Ping => PieceKind::Ping,
            OpCode::Pong => PieceKind::Pong,
            OpCode::Close => PieceKind::Close,
        };
        let bytes = match frame.payload {
            Payload::Bytes(bytes) => bytes.freeze(),
            other => Bytes::copy_from_slice(&other),
        };
        Ok(Piece { kind, last: frame.fin, bytes })
    }
}

impl Writer {
    /// Adds a text message to what will be written; `fill` appends its payload. Gives how many messages were added: none
    /// for no payload.
    pub(super) fn add_text(&mut self, fill: impl FnOnce(&mut Vec<u8>)) -> u64 {
        u64::from(self.add(OpCode::Text, fill))
    }

    /// Adds the answer to a ping.
    pub(super) fn add_pong(&mut self, payload: &[u8]) {
        self.add(OpCode::Pong, |batch| batch.extend_from_slice(payload));
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
        match tokio::time::timeout(WRITE_TIME, self.socket.write_all(&self.batch)).await {
            Ok(Ok(())) => {
                self.broken = false;
                self.batch.clear();
                Ok(())
            }
            // A peer that does not read, and one that is gone, are the same to a call.
            Ok(Err(_)) | Err(_) => Err(EndCause::SocketLost),
        }
    }

    /// Says goodbye, if that can still be understood.
    pub(super) async fn close(&mut self, fault: Fault) {
        if self.broken {
            return;
        }
        self.add(OpCode::Close, |batch| {
            batch.extend_from_slice(&fault.code.to_be_bytes());
            batch.extend_from_slice(fault.reason.as_bytes());
        });
        let _ = self.flush().await;
    }

    /// Appends one frame. A text without payload is none: false, and nothing is appended.
    fn add(&mut self, kind: OpCode, fill: impl FnOnce(&mut Vec<u8>)) -> bool {
        let start = self.batch.len();
        self.batch.extend_from_slice(&[FIN | kind as u8, LENGTH_16_BITS, 0, 0]);
        fill(&mut self.batch);
        let payload = self.batch.len() - start - 4;
        if payload == 0 && kind == OpCode::Text {
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

fn read_end(error: WebSocketError) -> ReadEnd {
    match error {
        WebSocketError::UnexpectedEOF | WebSocketError::IoError(_) | WebSocketError::ConnectionClosed => ReadEnd::Gone,
        WebSocketError::FrameTooLarge => ReadEnd::Fault(Fault::new(1009, "message larger than 65536 bytes")),
        WebSocketError::InvalidUTF8 => ReadEnd::Fault(Fault::new(1007, "text that is not UTF-8")),
        _ => ReadEnd::Fault(Fault::new(1002, "not a valid WebSocket frame")),
    }
}

/// Nothing, where there is nothing left: empty bytes would keep the 8 KiB buffer that they were read into.
fn without_room(bytes: Bytes) -> Bytes {
    if bytes.is_empty() { Bytes::new() } else { bytes }
}

/// A socket whose first bytes were read by somebody else.
struct Prefixed {
    early: Bytes,
    socket: OwnedReadHalf,
}

impl AsyncRead for Prefixed {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.early.has_remaining() {
            let n = this.early.len().min(buffer.remaining());
            buffer.put_slice(&this.early.split_to(n));
            this.early = without_room(std::mem::take(&mut this.early));
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut this.socket).poll_read(context, buffer)
    }
}

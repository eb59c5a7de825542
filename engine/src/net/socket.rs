//! The WebSocket library, behind a reading half and a writing half.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use fastwebsockets::{
    Frame, OpCode, Payload, Role, WebSocketError, WebSocketRead, WebSocketWrite, after_handshake_split,
};
use socket2::SockRef;
use tokio::io::{AsyncRead, ReadBuf};
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

/// The writing half.
pub(super) struct Writer {
    socket: WebSocketWrite<OwnedWriteHalf>,
    /// A frame has been begun and not finished: nothing sensible can follow it.
    mid_frame: bool,
}

/// Takes over a socket on which the upgrade has been answered; `early` was read past the request.
pub(super) fn split(socket: std::net::TcpStream, early: Bytes) -> io::Result<(Reader, Writer)> {
    socket.set_nonblocking(true)?;
    let options = SockRef::from(&socket);
    options.set_tcp_nodelay(true)?;
    options.set_tcp_user_timeout(Some(UNACKNOWLEDGED))?;
    options.set_tcp_notsent_lowat(UNSENT_BYTES)?;
    let (read, write) = TcpStream::from_std(socket)?.into_split();
    let (mut reader, writer) = after_handshake_split(Prefixed { early, socket: read }, write, Role::Server);
    // The library refuses a frame of this size or more.
    reader.set_max_message_size(MESSAGE_BYTES_MAX + 1);
    reader.set_auto_close(false);
    reader.set_auto_pong(false);
    Ok((Reader(reader), Writer { socket: writer, mid_frame: false }))
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
    /// Writes a text message.
    pub(super) async fn text(&mut self, message: &[u8]) -> Result<(), EndCause> {
        self.write(Frame::text(Payload::Borrowed(message))).await
    }

    /// Answers a ping.
    pub(super) async fn pong(&mut self, payload: &[u8]) -> Result<(), EndCause> {
        self.write(Frame::pong(Payload::Borrowed(payload))).await
    }

    /// Says goodbye, if that can still be understood.
    pub(super) async fn close(&mut self, fault: Fault) {
        if !self.mid_frame {
            let _ = self.write(Frame::close(fault.code, fault.reason.as_bytes())).await;
        }
    }

    async fn write(&mut self, frame: Frame<'_>) -> Result<(), EndCause> {
        self.mid_frame = true;
        match tokio::time::timeout(WRITE_TIME, self.socket.write_frame(frame)).await {
            Ok(Ok(())) => {
                self.mid_frame = false;
                Ok(())
            }
            // A peer that does not read, and one that is gone, are the same to a call.
            Ok(Err(_)) | Err(_) => Err(EndCause::SocketLost),
        }
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
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut this.socket).poll_read(context, buffer)
    }
}

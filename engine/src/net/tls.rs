//! A stream's TLS session between its two halves and its socket, without a buffer of ours.
//!
//! *Full:* what has been encrypted and the kernel does not take is one batch of the writer's, who adds nothing until it
//! is gone: like what is in the kernel, no clear can overtake it, and it is no more than that. What has been decrypted
//! and not taken is one read of 4 KiB, or a record of 16.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use rustls::ServerConnection;
use tokio::net::TcpStream;

/// The session, which reading and writing share. They are one task: the lock is never waited for.
#[derive(Clone)]
pub(super) struct Tls(Arc<Mutex<ServerConnection>>);

impl Tls {
    /// A session whose handshake is done.
    pub(super) fn new(session: ServerConnection) -> Self {
        Self(Arc::new(Mutex::new(session)))
    }

    /// Reads what was decrypted; where there is none, takes from `socket` what has come. Nothing read is the end.
    pub(super) fn poll_read(
        &self,
        socket: &TcpStream,
        context: &mut Context<'_>,
        room: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut session = self.lock();
        loop {
            match session.reader().read(room) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                read => return Poll::Ready(read),
            }
            // This also ends the turn of a peer that sends records with nothing in them, without end.
            ready!(socket.poll_read_ready(context))?;
            match session.read_tls(&mut Ciphertext(socket)) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                read => read?,
            };
            if let Err(error) = session.process_new_packets() {
                // It has put an alert together that says why.
                let _ = session.write_tls(&mut Ciphertext(socket));
                return Poll::Ready(Err(io::Error::new(ErrorKind::InvalidData, error)));
            }
        }
    }

    /// Encrypts `bytes`, and writes what the kernel takes at once; whether that was all.
    pub(super) fn write(&self, socket: &TcpStream, bytes: &[u8]) -> io::Result<bool> {
        self.lock().writer().write_all(bytes)?;
        self.write_on(socket)
    }

    /// Writes the rest of what was encrypted.
    pub(super) async fn write_rest(&self, socket: &TcpStream) -> io::Result<()> {
        while !self.write_on(socket)? {
            socket.writable().await?;
        }
        Ok(())
    }

    /// Tells the peer that nothing more will come, as far as the kernel takes it.
    pub(super) fn close(&self, socket: &TcpStream) {
        self.lock().send_close_notify();
        let _ = self.write_on(socket);
    }

    fn write_on(&self, socket: &TcpStream) -> io::Result<bool> {
        let mut session = self.lock();
        while session.wants_write() {
            match session.write_tls(&mut Ciphertext(socket)) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    fn lock(&self) -> MutexGuard<'_, ServerConnection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The socket as rustls wants one: what would wait is an error.
struct Ciphertext<'a>(&'a TcpStream);

impl Read for Ciphertext<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(room)
    }
}

impl Write for Ciphertext<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, parts: &[io::IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(parts)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

//! What a stream is given to live on: a connection, bare or inside TLS.

use std::fmt;
use std::net::TcpStream;

use rustls::ServerConnection;

/// A connection on which the upgrade to a media socket has been answered.
pub enum Transport {
    /// Bare: TLS, where there is any, ends in front of us.
    Plain(TcpStream),
    /// With a session of its own, whose handshake is done.
    Tls(TcpStream, Box<ServerConnection>),
}

impl From<TcpStream> for Transport {
    fn from(socket: TcpStream) -> Self {
        Self::Plain(socket)
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(socket) => f.debug_tuple("Plain").field(socket).finish(),
            Self::Tls(socket, _) => f.debug_tuple("Tls").field(socket).finish_non_exhaustive(),
        }
    }
}

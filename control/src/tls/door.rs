//! Where connections become TLS: one configuration for the life of the service, one certificate at a time.

use std::fmt;
use std::io::ErrorKind;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::certificate::Certificate;
use super::renewal::Renewal;
use crate::http::refusal;
use crate::metrics::HandshakeFault;
use crate::model::Timestamp;

/// Media sockets upgrade from this, and nothing else does here.
const HTTP_1_1: &[u8] = b"http/1.1";
const SPEAK_TLS: &[u8] = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\n\
    Content-Length: 45\r\n\r\nthis port speaks TLS: use https:// or wss://\n";

/// Takes connections in.
pub(crate) struct Door {
    acceptor: TlsAcceptor,
    shown: Arc<Shown>,
    pub(super) renewal: Renewal,
}

/// The certificate that is shown to who comes next.
#[derive(Debug)]
struct Shown(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl Door {
    /// A door that shows this certificate.
    ///
    /// # Errors
    /// Where the system has no randomness for the tickets' key.
    pub(crate) fn new(certificate: &Certificate) -> Result<Self, rustls::Error> {
        let shown = Arc::new(Shown(ArcSwap::new(Arc::clone(&certificate.key))));
        // TLS 1.2 and 1.3.
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth();
        let mut config = config.with_cert_resolver(Arc::clone(&shown) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![HTTP_1_1.to_vec()];
        // Who comes again saves half a handshake, and nothing of it is kept here.
        config.ticketer = ring::Ticketer::new()?;
        config.send_tls13_tickets = 1;
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), shown, renewal: Renewal::new(certificate) })
    }

    /// When the certificate expires that is shown now.
    pub(crate) fn expires(&self) -> Timestamp {
        self.renewal.expires()
    }

    /// From now on this one is shown; what runs goes on.
    pub(super) fn show(&self, certificate: &Certificate) {
        self.shown.0.store(Arc::clone(&certificate.key));
    }

    /// Shakes hands. Takes as long as the client does: whoever waits has the time. A request without TLS is told so.
    pub(crate) async fn open(&self, socket: TcpStream) -> Result<TlsStream<TcpStream>, HandshakeFault> {
        let mut first = [0];
        match socket.peek(&mut first).await {
            // A method; no record of TLS begins with a letter.
            Ok(1..) if first[0].is_ascii_uppercase() => {
                refusal::answer_in_time(socket, SPEAK_TLS).await;
                return Err(HandshakeFault::Plain);
            }
            Ok(1..) => {}
            _ => return Err(HandshakeFault::Gone),
        }
        self.acceptor.accept(socket).await.map_err(|error| {
            tracing::debug!(%error, "no TLS");
            match error.kind() {
                ErrorKind::InvalidData => HandshakeFault::Protocol,
                _ => HandshakeFault::Gone,
            }
        })
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Door")
    }
}

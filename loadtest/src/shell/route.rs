//! Where to connect to for a URL: there, or at the server under test that stands behind the public name.

use crate::twilio::url::Url;

/// Public names and the local server that answers for them.
#[derive(Clone, Debug, Default)]
pub struct Route {
    /// The public URL's host, and the server that is connected to instead, without TLS.
    pub behind: Option<(String, Url)>,
}

/// A place to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl Route {
    /// Where `url` is answered.
    ///
    /// # Errors
    /// When only TLS would do, which this program does not speak yet.
    pub fn place(&self, url: &Url) -> Result<Place, String> {
        if let Some((_, local)) = self.behind.as_ref().filter(|(host, _)| host.eq_ignore_ascii_case(&url.host)) {
            return Ok(Place { host: local.host.clone(), port: local.port_or_default() });
        }
        if url.is_tls() {
            return Err(format!(
                "{}:// is not spoken yet; test the server behind its proxy: --url http://127.0.0.1:8080/… --public-url {}",
                url.scheme, url
            ));
        }
        Ok(Place { host: url.host.clone(), port: url.port_or_default() })
    }
}

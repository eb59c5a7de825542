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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_name_is_answered_by_the_local_server_and_others_are_not() {
        let local = Url::parse("http://127.0.0.1:8080/twilio/voice").unwrap();
        let route = Route { behind: Some(("voice.example.com".into(), local)) };
        let place = |text: &str| route.place(&Url::parse(text).unwrap());
        let expected = Place { host: "127.0.0.1".into(), port: 8080 };
        assert_eq!(place("https://voice.example.com/twilio/voice"), Ok(expected.clone()));
        assert_eq!(place("wss://VOICE.example.com/twilio/ws/t"), Ok(expected));
        assert_eq!(place("http://other:81/"), Ok(Place { host: "other".into(), port: 81 }));
        assert!(place("wss://other/").unwrap_err().contains("--public-url"));
    }
}

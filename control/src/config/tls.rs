//! The certificate's settings: both or neither, and files that hold what they should. Read here, so that a missing file
//! is found before a port opens.

use std::path::PathBuf;

use super::layers::Layers;
use super::settings::{TLS_CERT, TLS_KEY};
use crate::clock::Clock;
use crate::tls::{Certificate, Files};

pub(super) fn tls(layers: &mut Layers) -> Option<Certificate> {
    let file = |setting| layers.get(setting).map(|given| PathBuf::from(given.value.trim()));
    let files = match (file(&TLS_CERT), file(&TLS_KEY)) {
        (None, None) => return None,
        (Some(certificate), Some(key)) => Files { certificate, key },
        (Some(_), None) => {
            layers.fault(&TLS_KEY, "is not set, and OFFHOOK_TLS_CERT is", "name the certificate's private key too");
            return None;
        }
        (None, Some(_)) => {
            layers.fault(&TLS_CERT, "is not set, and OFFHOOK_TLS_KEY is", "name the key's certificate too");
            return None;
        }
    };
    match Certificate::load(&files) {
        Ok(certificate) => {
            // Callers who do not look at the date are answered all the same.
            if let Some(fault) = certificate.fault_at(Clock::machine().wall()) {
                layers.warnings.push(fault.to_string());
            }
            Some(certificate)
        }
        Err(fault) => {
            layers.fault(fault.setting, fault.wrong, fault.fix);
            None
        }
    }
}

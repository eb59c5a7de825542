//! A certificate and its key: two files in PEM, read and checked as a pair.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use secrecy::zeroize::Zeroizing;
use sha2::{Digest as _, Sha256};

use super::validity::Validity;
use crate::config::settings::{Setting, TLS_CERT, TLS_KEY};
use crate::model::Timestamp;

/// Of a file, so much is read: a chain of certificates is a few kilobytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Where the two are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// The certificate, and behind it those that lead to a root.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// What the files held, and what it was read as.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// Where it came from.
    pub files: Files,
    pub(super) key: Arc<CertifiedKey>,
    pub(super) validity: Validity,
    pub(super) digest: Digest,
}

/// Which contents were read.
pub(super) type Digest = [u8; 32];

/// What is wrong with the files, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{}: {wrong}; {fix}", setting.name)]
pub struct CertificateFault {
    /// Which of the two settings names the file at fault.
    pub setting: &'static Setting,
    /// What is wrong.
    pub wrong: String,
    /// What to do.
    pub fix: &'static str,
}

/// What the files hold now.
pub(super) struct Contents {
    certificate: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
}

impl Files {
    /// Reads both.
    pub(super) fn read(&self) -> Result<Contents, CertificateFault> {
        let certificate = read(&TLS_CERT, &self.certificate)?;
        Ok(Contents { certificate, key: Zeroizing::new(read(&TLS_KEY, &self.key)?) })
    }
}

impl Contents {
    pub(super) fn digest(&self) -> Digest {
        let length = (self.certificate.len() as u64).to_be_bytes();
        Sha256::new().chain_update(length).chain_update(&self.certificate).chain_update(&self.key[..]).finalize().into()
    }
}

impl Certificate {
    /// Reads and checks the pair. One that has expired is a pair all the same: see [`fault_at`](Self::fault_at).
    ///
    /// # Errors
    /// See [`CertificateFault`].
    pub fn load(files: &Files) -> Result<Self, CertificateFault> {
        Self::of(files, &files.read()?)
    }

    pub(super) fn of(files: &Files, contents: &Contents) -> Result<Self, CertificateFault> {
        let (chain, key) = (chain(files, &contents.certificate)?, private_key(files, &contents.key)?);
        let validity = Validity::of(&chain[0]).ok_or_else(|| no_certificate(files, "its validity cannot be read"))?;
        let key =
            CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|error| misfit(files, &error))?;
        Ok(Self { files: files.clone(), key: Arc::new(key), validity, digest: contents.digest() })
    }

    /// When it expires.
    #[must_use]
    pub fn expires(&self) -> Timestamp {
        self.validity.until
    }

    /// Why nobody who looks at the date will take it at `now`.
    #[must_use]
    pub fn fault_at(&self, now: Timestamp) -> Option<CertificateFault> {
        let Validity { from, until } = self.validity;
        let wrong = if now > until {
            format!("the certificate has expired at {until}")
        } else if now < from {
            format!("the certificate is not valid before {from}")
        } else {
            return None;
        };
        Some(CertificateFault { setting: &TLS_CERT, wrong, fix: "renew it, or set this machine's clock" })
    }
}

fn read(setting: &'static Setting, path: &Path) -> Result<Vec<u8>, CertificateFault> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(FILE_BYTES_MAX).read_to_end(&mut bytes));
    read.map_err(|error| {
        let wrong = format!("cannot be read: {}: {error}", path.display());
        CertificateFault { setting, wrong, fix: "name a file that this user may read" }
    })?;
    Ok(bytes)
}

fn chain(files: &Files, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, CertificateFault> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        Ok(_) => Err(no_certificate(files, "no -----BEGIN CERTIFICATE----- in it")),
        Err(error) => Err(no_certificate(files, &error.to_string())),
    }
}

fn no_certificate(files: &Files, why: &str) -> CertificateFault {
    let wrong = format!("{} holds no certificate in PEM: {why}", files.certificate.display());
    CertificateFault { setting: &TLS_CERT, wrong, fix: "name the full chain in PEM, such as certbot's fullchain.pem" }
}

fn private_key(files: &Files, pem: &[u8]) -> Result<PrivateKeyDer<'static>, CertificateFault> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| {
        let encrypted = pem.windows(9).any(|word| word == b"ENCRYPTED");
        let why = if encrypted { "it is encrypted".to_owned() } else { error.to_string() };
        no_key(files, &why)
    })
}

fn no_key(files: &Files, why: &str) -> CertificateFault {
    let wrong = format!("{} holds no private key that can be used: {why}", files.key.display());
    CertificateFault { setting: &TLS_KEY, wrong, fix: "name an unencrypted key in PEM, such as certbot's privkey.pem" }
}

fn misfit(files: &Files, error: &Error) -> CertificateFault {
    match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            let (key, certificate) = (files.key.display(), files.certificate.display());
            let wrong = format!("{key} is not the key of the first certificate in {certificate}");
            let fix =
                "name the two files of one pair, and put the service's own certificate before those of its issuers";
            CertificateFault { setting: &TLS_KEY, wrong, fix }
        }
        Error::InvalidCertificate(error) => no_certificate(files, &format!("{error:?}")),
        _ => no_key(files, &error.to_string()),
    }
}

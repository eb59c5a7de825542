//! TLS of our own, where no proxy in front has it: a certificate from two files, looked at again every few seconds.

mod certificate;
mod door;
mod renewal;
mod validity;

pub use certificate::{Certificate, CertificateFault, Files};
pub(crate) use door::Door;
pub(crate) use renewal::{Found, Renewal};

//! A certificate that is renewed on disk is shown to who comes next, without a restart.
//!
//! What has changed must look the same twice before it is read as a pair: whoever renews writes one file after the other.
//! *Broken:* files that cannot be read, do not fit each other or have expired change nothing: what was shown is shown
//! on, and the log says why, once for each thing that is wrong.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::certificate::{Certificate, CertificateFault, Digest, Files};
use super::door::Door;
use crate::model::Timestamp;

/// What is known of the files.
#[derive(Debug)]
pub(crate) struct Renewal {
    files: Files,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    shown: Digest,
    expires: Timestamp,
    /// Has been seen, and not judged.
    changed: Option<Digest>,
    /// What was wrong at the last look.
    wrong: Option<String>,
}

/// What a look has found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing new.
    Same,
    /// A new certificate, which is shown from now on.
    Renewed,
    /// Something wrong that was not wrong before.
    Broken(String),
}

impl Renewal {
    /// Between two looks.
    pub(crate) const EVERY_S: u64 = 3;

    /// `certificate` is what is shown now.
    pub(super) fn new(certificate: &Certificate) -> Self {
        let (shown, expires) = (certificate.digest, certificate.expires());
        let state = State { shown, expires, changed: None, wrong: None };
        Self { files: certificate.files.clone(), state: Mutex::new(state) }
    }

    pub(super) fn expires(&self) -> Timestamp {
        self.lock().expires
    }

    /// The pair in the files, where it is another one and stays.
    fn renewed(&self, now: Timestamp) -> Result<Option<Certificate>, CertificateFault> {
        let contents = self.files.read()?;
        let digest = contents.digest();
        {
            let mut state = self.lock();
            if state.shown == digest {
                (state.changed, state.wrong) = (None, None);
                return Ok(None);
            }
            if state.changed.replace(digest) != Some(digest) {
                return Ok(None);
            }
        }
        let certificate = Certificate::of(&self.files, &contents)?;
        match certificate.fault_at(now) {
            Some(fault) => Err(fault),
            None => Ok(Some(certificate)),
        }
    }

    /// Whether it is news.
    fn is_wrong(&self, fault: &CertificateFault) -> Found {
        let wrong = fault.to_string();
        let mut state = self.lock();
        if state.wrong.as_ref() == Some(&wrong) {
            return Found::Same;
        }
        state.wrong = Some(wrong.clone());
        Found::Broken(wrong)
    }

    /// Each change leaves it whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Door {
    /// Reads the files again and shows what is new in them. Reads from disk: not for the runtime's own threads.
    pub(crate) fn renew(&self, now: Timestamp) -> Found {
        match self.renewal.renewed(now) {
            Ok(None) => Found::Same,
            Ok(Some(certificate)) => {
                self.show(&certificate);
                let (shown, expires) = (certificate.digest, certificate.expires());
                *self.renewal.lock() = State { shown, expires, changed: None, wrong: None };
                Found::Renewed
            }
            Err(fault) => self.renewal.is_wrong(&fault),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// Two files that go with it.
    struct Pair(PathBuf);

    impl Pair {
        fn files(&self) -> Files {
            Files { certificate: self.0.join("cert.pem"), key: self.0.join("key.pem") }
        }

        fn write(&self, until: i32) {
            let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
            params.not_after = rcgen::date_time_ymd(until, 1, 1);
            params.not_before = rcgen::date_time_ymd(2001, 1, 1);
            let key = rcgen::KeyPair::generate().unwrap();
            std::fs::write(self.files().certificate, params.self_signed(&key).unwrap().pem()).unwrap();
            std::fs::write(self.files().key, key.serialize_pem()).unwrap();
        }
    }

    impl Drop for Pair {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn broken(found: Found, words: &str) {
        assert!(matches!(&found, Found::Broken(wrong) if wrong.contains(words)), "{found:?}");
    }

    #[test]
    fn a_new_pair_is_taken_at_the_second_look_and_what_is_wrong_is_told_once() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let pair = Pair(std::env::temp_dir().join(format!("offhook-renewal-{}", std::process::id())));
        std::fs::create_dir_all(&pair.0).unwrap();
        pair.write(2090);
        let door = Door::new(&Certificate::load(&pair.files()).unwrap()).unwrap();
        let look = || door.renew(now);
        assert_eq!((look(), look()), (Found::Same, Found::Same));
        let first = std::fs::read(pair.files().key).unwrap();
        pair.write(2091);
        assert_eq!((look(), look(), look()), (Found::Same, Found::Renewed, Found::Same));
        assert_eq!(door.expires().to_string(), "2091-01-01T00:00:00.000Z");
        // Another's key.
        let own = std::fs::read(pair.files().key).unwrap();
        std::fs::write(pair.files().key, first).unwrap();
        assert_eq!(look(), Found::Same, "the other file may come yet");
        broken(look(), "is not the key of the first certificate");
        assert_eq!(look(), Found::Same, "it is known");
        std::fs::write(pair.files().key, own).unwrap();
        assert_eq!((look(), look()), (Found::Same, Found::Same), "what is shown is back");
        pair.write(2002);
        assert_eq!(look(), Found::Same);
        broken(look(), "has expired at 2002-01-01");
        std::fs::remove_file(pair.files().certificate).unwrap();
        broken(look(), "cannot be read");
        assert_eq!(door.expires().to_string(), "2091-01-01T00:00:00.000Z");
        pair.write(2092);
        assert_eq!((look(), look()), (Found::Same, Found::Renewed), "and then one that is good");
    }
}

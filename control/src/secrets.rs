//! Secrets at rest: what tenants entrust to the service is in the database only encrypted, under a key that is not.
//!
//! AES-256-GCM with a random nonce. Who it belongs to is authenticated with it, so that a row that is copied to another
//! tenant or record does not open there. While keys are rotated several are known: the first seals, all of them open. A
//! key that is lost takes what it sealed along: there is no other way in.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use secrecy::zeroize::{Zeroize as _, Zeroizing};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest as _, Sha256};

use crate::model::{ProviderConfigId, TenantId};

/// The first byte of what is sealed, for the day when it is sealed otherwise.
const FORMAT: u8 = 1;
const KEY_BYTES: usize = 32;
/// More than anybody rotates through.
const KEYS_MAX: usize = 16;

/// What is sealed, and with which key.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Format, nonce, ciphertext and tag.
    pub bytes: Vec<u8>,
    /// The key's name: the first 8 hex digits of its SHA-256.
    pub key_id: String,
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes, key {})", self.bytes.len(), self.key_id)
    }
}

/// Whose a secret is: it opens nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// The tenant.
    pub tenant: TenantId,
    /// The record that has it.
    pub record: ProviderConfigId,
}

/// Why something was not sealed or opened. None says what is inside.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// None of the keys that are known.
    #[error("it was sealed with the key {0}, which OFFHOOK_SECRETS_KEY does not have (any more)")]
    NoSuchKey(String),
    /// It was changed, or belongs elsewhere.
    #[error("it does not open: it was changed, or is another record's")]
    Broken,
    /// The system has none.
    #[error("the system has no random numbers to give")]
    NoRandom,
}

/// What is no list of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadKeys;

/// The keys, the one that seals first. Cheap to clone.
#[derive(Clone)]
pub struct Keys(Arc<[Key]>);

struct Key {
    id: String,
    key: LessSafeKey,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| &key.id)).finish()
    }
}

impl FromStr for Keys {
    type Err = BadKeys;

    /// Reads keys of 32 bytes, in base64 or 64 hex digits each, with commas or line ends between.
    fn from_str(text: &str) -> Result<Self, BadKeys> {
        let parts = text.split([',', '\n']).map(str::trim).filter(|part| !part.is_empty());
        let keys = parts.map(Key::parse).collect::<Option<Vec<Key>>>().ok_or(BadKeys)?;
        let twice = keys.iter().enumerate().any(|(n, key)| keys[..n].iter().any(|other| other.id == key.id));
        if keys.is_empty() || keys.len() > KEYS_MAX || twice { Err(BadKeys) } else { Ok(Self(keys.into())) }
    }
}

impl Keys {
    /// Seals texts for their owner, with the first key.
    ///
    /// # Errors
    /// [`SecretError::NoRandom`].
    pub fn seal(&self, owner: Owner, secrets: &[SecretString]) -> Result<Sealed, SecretError> {
        // There is at least one: no list without is made.
        let Key { id, key } = &self.0[0];
        let mut bytes = vec![FORMAT; 1 + NONCE_LEN];
        getrandom::fill(&mut bytes[1..]).map_err(|_| SecretError::NoRandom)?;
        let texts: Vec<&str> = secrets.iter().map(ExposeSecret::expose_secret).collect();
        let mut inside = Zeroizing::new(serde_json::to_vec(&texts).map_err(|_| SecretError::Broken)?);
        let tag = key.seal_in_place_separate_tag(nonce(&bytes)?, aad(owner), &mut inside);
        let tag = tag.map_err(|_| SecretError::Broken)?;
        bytes.extend_from_slice(&inside);
        bytes.extend_from_slice(tag.as_ref());
        Ok(Sealed { bytes, key_id: id.clone() })
    }

    /// Opens what was sealed for this owner.
    ///
    /// # Errors
    /// [`SecretError::NoSuchKey`]; [`SecretError::Broken`].
    pub fn open(&self, owner: Owner, sealed: &Sealed) -> Result<Vec<SecretString>, SecretError> {
        let key = self.0.iter().find(|key| key.id == sealed.key_id);
        let Key { key, .. } = key.ok_or_else(|| SecretError::NoSuchKey(sealed.key_id.clone()))?;
        if sealed.bytes.first() != Some(&FORMAT) {
            return Err(SecretError::Broken);
        }
        let inside = sealed.bytes.get(1 + NONCE_LEN..).ok_or(SecretError::Broken)?;
        let mut inside = Zeroizing::new(inside.to_vec());
        let opened = key.open_in_place(nonce(&sealed.bytes)?, aad(owner), &mut inside);
        let opened = opened.map_err(|_| SecretError::Broken)?;
        let texts: Vec<String> = serde_json::from_slice(opened).map_err(|_| SecretError::Broken)?;
        Ok(texts.into_iter().map(SecretString::from).collect())
    }

    /// The name of the key that seals.
    #[must_use]
    pub fn current(&self) -> &str {
        &self.0[0].id
    }
}

impl Key {
    fn parse(text: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new(decode(text)?);
        let digest = Sha256::digest(&*bytes);
        let id = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        let key = UnboundKey::new(&AES_256_GCM, &bytes).ok().map(LessSafeKey::new);
        bytes.zeroize();
        Some(Self { id, key: key? })
    }
}

/// 64 hex digits would be base64 too, of another length.
fn decode(text: &str) -> Option<Vec<u8>> {
    if text.len() == 2 * KEY_BYTES && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return (0..KEY_BYTES).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()).collect();
    }
    let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let alphabets = [&STANDARD, &URL_SAFE].into_iter();
    let mut read = alphabets.filter_map(|alphabet| GeneralPurpose::new(alphabet, lenient).decode(text).ok());
    read.find(|bytes| bytes.len() == KEY_BYTES)
}

fn nonce(bytes: &[u8]) -> Result<Nonce, SecretError> {
    let part = bytes.get(1..1 + NONCE_LEN).ok_or(SecretError::Broken)?;
    Nonce::try_assume_unique_for_key(part).map_err(|_| SecretError::Broken)
}

fn aad(owner: Owner) -> Aad<[u8; 32]> {
    let mut both = [0; 32];
    both[..16].copy_from_slice(owner.tenant.0.as_bytes());
    both[16..].copy_from_slice(owner.record.0.as_bytes());
    Aad::from(both)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    const BASE64: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const OTHER: &str = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

    fn keys(text: &str) -> Keys {
        text.parse().unwrap()
    }

    fn owner() -> Owner {
        Owner { tenant: TenantId::new(), record: ProviderConfigId::new() }
    }

    fn opened(keys: &Keys, owner: Owner, sealed: &Sealed) -> Result<Vec<String>, SecretError> {
        let open = keys.open(owner, sealed)?;
        Ok(open.iter().map(|text| text.expose_secret().to_owned()).collect())
    }

    #[test]
    fn what_is_sealed_opens_for_its_owner_only_and_is_never_the_same() {
        let (keys, owner) = (keys(HEX), owner());
        let secrets: Vec<SecretString> = vec!["new token".into(), "old".into()];
        let sealed = keys.seal(owner, &secrets).unwrap();
        assert_eq!(opened(&keys, owner, &sealed).unwrap(), ["new token", "old"]);
        assert_ne!(keys.seal(owner, &secrets).unwrap(), sealed, "a nonce is used once");
        assert!(!sealed.bytes.windows(5).any(|part| part == b"token"));
        for other in [Owner { tenant: TenantId::new(), ..owner }, Owner { record: ProviderConfigId::new(), ..owner }] {
            assert_eq!(opened(&keys, other, &sealed), Err(SecretError::Broken));
        }
    }

    #[test]
    fn whatever_was_changed_does_not_open() {
        let (keys, owner) = (keys(HEX), owner());
        let sealed = keys.seal(owner, &["a".into()]).unwrap();
        for at in 0..sealed.bytes.len() {
            let mut changed = sealed.clone();
            changed.bytes[at] ^= 1;
            assert_eq!(opened(&keys, owner, &changed), Err(SecretError::Broken), "byte {at}");
            changed.bytes.truncate(at);
            assert_eq!(opened(&keys, owner, &changed), Err(SecretError::Broken), "{at} bytes");
        }
    }

    #[test]
    fn the_first_key_seals_and_all_open() {
        let owner = owner();
        let old = keys(HEX).seal(owner, &["a".into()]).unwrap();
        let rotating = keys(&format!("{OTHER}, {HEX}"));
        assert_eq!(opened(&rotating, owner, &old).unwrap(), ["a"]);
        let new = rotating.seal(owner, &["a".into()]).unwrap();
        assert_eq!((&new.key_id[..], new.key_id == old.key_id), (rotating.current(), false));
        assert_eq!(opened(&keys(OTHER), owner, &new).unwrap(), ["a"]);
        let gone = SecretError::NoSuchKey(old.key_id.clone());
        assert_eq!(opened(&keys(OTHER), owner, &old), Err(gone));
    }

    #[test]
    fn a_key_is_32_bytes_however_it_is_written() {
        // The first 8 digits of: printf 000102…1f | xxd -r -p | sha256sum
        assert_eq!(keys(HEX).current(), "630dcd29");
        for same in [BASE64, BASE64.trim_end_matches('='), &HEX.to_uppercase(), &format!("\n{HEX}\n")] {
            assert_eq!(keys(same).current(), keys(HEX).current(), "{same}");
        }
        for bad in ["", " , ", "short", &HEX[1..], "not base64 at all, no", &format!("{HEX},{HEX}")] {
            assert!(bad.parse::<Keys>().is_err(), "{bad}");
        }
    }

    #[test]
    fn no_key_is_shown() {
        assert_eq!(format!("{:?}", keys(HEX)), "[\"630dcd29\"]");
    }
}

//! The accounts file: accounts, keys, numbers and who answers, in TOML.
//!
//! ```toml
//! [party]
//! "+15551230001" = "interrupt"          # who answers there: a built-in script, or the path of a .toml file
//!
//! [[account]]
//! sid = "AC0123456789abcdef0123456789abcdef"
//! auth_token = "12345"
//! calls_per_second = 1
//! concurrent_calls = 2                  # as many as you like when absent
//! concurrent_requests = 100
//! faults = ["kind=cut,times=1"]         # what goes wrong with its requests: `faults.rs`
//! callbacks = { lose = 0.1 }            # and with its status callbacks, as in a script
//! verified = ["+14155550111"]           # further numbers that may be called from
//!
//! [[account.key]]
//! sid = "SK0123456789abcdef0123456789abcdef"
//! secret = "secret"
//!
//! [[account.number]]
//! phone_number = "+14155550199"
//! voice_url = "http://127.0.0.1:8080/twilio/voice"
//! ```

use std::collections::BTreeMap;

use serde::Deserialize;
use thiserror::Error;

use super::account::{AccountPlan, ApiKey};
use super::number::NumberPlan;
use super::phone;
use crate::caller::pickup::RawMishaps;
use crate::twilio::ids;
use crate::twilio::url::Url;

/// What a file says.
#[derive(Clone, Debug)]
pub struct Accounts {
    /// The accounts.
    pub accounts: Vec<AccountPlan>,
    /// Number → script.
    pub parties: BTreeMap<String, String>,
}

/// Why a file says nothing.
#[derive(Debug, Error)]
pub enum BadFile {
    /// No TOML, or unknown keys.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    /// A value is wrong.
    #[error("{0}")]
    Value(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default)]
    account: Vec<RawAccount>,
    #[serde(default)]
    party: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAccount {
    sid: String,
    auth_token: String,
    #[serde(default)]
    key: Vec<RawKey>,
    #[serde(default)]
    number: Vec<RawNumber>,
    #[serde(default)]
    verified: Vec<String>,
    calls_per_second: Option<u32>,
    concurrent_calls: Option<usize>,
    concurrent_requests: Option<usize>,
    #[serde(default)]
    faults: Vec<String>,
    #[serde(default)]
    callbacks: RawMishaps,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKey {
    sid: String,
    secret: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawNumber {
    phone_number: String,
    #[serde(default)]
    friendly_name: String,
    #[serde(default)]
    voice_url: String,
    #[serde(default)]
    voice_method: Method,
    #[serde(default)]
    voice_fallback_url: String,
    #[serde(default)]
    voice_fallback_method: Method,
    #[serde(default)]
    status_callback: String,
    #[serde(default)]
    status_callback_method: Method,
}

#[derive(Clone, Copy, Default, Deserialize, PartialEq)]
enum Method {
    #[serde(rename = "GET")]
    Get,
    #[default]
    #[serde(rename = "POST")]
    Post,
}

/// Reads a file's text.
///
/// # Errors
/// [`BadFile`] names the key and what it ought to be.
pub fn parse(text: &str) -> Result<Accounts, BadFile> {
    let raw: RawFile = toml::from_str(text)?;
    let accounts = raw.account.into_iter().map(account).collect::<Result<Vec<_>, _>>()?;
    check(&accounts).map_err(BadFile::Value)?;
    let mut parties = BTreeMap::new();
    for (written, script) in raw.party {
        let party = phone::party(&written).ok_or_else(|| BadFile::Value(format!("party {written:?} is no number")))?;
        parties.insert(party, script);
    }
    Ok(Accounts { accounts, parties })
}

/// Whether these accounts can be served together.
///
/// # Errors
/// One line that says what is wrong.
pub fn check(accounts: &[AccountPlan]) -> Result<(), String> {
    if accounts.is_empty() {
        return Err("needs at least one [[account]]".into());
    }
    for (index, account) in accounts.iter().enumerate() {
        let sid = &account.sid;
        if !ids::is_sid("AC", sid) {
            return Err(format!("account SID {sid:?}: AC and 32 hexadecimal digits"));
        }
        if accounts[..index].iter().any(|other| other.sid == *sid) {
            return Err(format!("account {sid} is there twice"));
        }
        if account.auth_token.is_empty() || !(1..=1_000).contains(&account.calls_per_second) {
            return Err(format!("account {sid}: needs an auth_token, and calls_per_second from 1 to 1000"));
        }
        if let Some(key) = account.keys.iter().find(|key| !ids::is_sid("SK", &key.sid)) {
            return Err(format!("account {sid}: key {:?}: SK and 32 hexadecimal digits", key.sid));
        }
        account.numbers.iter().try_for_each(number_is_good).map_err(|why| format!("account {sid}: {why}"))?;
    }
    Ok(())
}

fn number_is_good(number: &NumberPlan) -> Result<(), String> {
    let named = &number.phone_number;
    if phone::number(named).as_ref() != Some(named) {
        return Err(format!("number {named:?}: E.164, such as +14155550199"));
    }
    let urls = [&number.voice_url, &number.voice_fallback_url, &number.status_callback];
    match urls.into_iter().find(|url| !url.is_empty() && Url::parse(url).is_err()) {
        Some(url) => Err(format!("number {named}: {url:?} is no http or https URL")),
        None => Ok(()),
    }
}

fn account(raw: RawAccount) -> Result<AccountPlan, BadFile> {
    let usual = AccountPlan::default();
    let verified = raw.verified.iter().map(|written| {
        phone::number(written).ok_or_else(|| BadFile::Value(format!("verified {written:?} is no number")))
    });
    let faults = raw.faults.iter().map(|written| {
        written.parse().map_err(|why| BadFile::Value(format!("account {}: fault {written:?}: {why}", raw.sid)))
    });
    Ok(AccountPlan {
        faults: faults.collect::<Result<_, _>>()?,
        mishaps: raw.callbacks.mishaps(),
        verified: verified.collect::<Result<_, _>>()?,
        keys: raw.key.into_iter().map(|key| ApiKey { sid: key.sid, secret: key.secret }).collect(),
        numbers: raw.number.into_iter().map(number).collect(),
        calls_per_second: raw.calls_per_second.unwrap_or(usual.calls_per_second),
        concurrent_calls: raw.concurrent_calls,
        concurrent_requests: raw.concurrent_requests.unwrap_or(usual.concurrent_requests),
        sid: raw.sid,
        auth_token: raw.auth_token,
    })
}

fn number(raw: RawNumber) -> NumberPlan {
    NumberPlan {
        phone_number: raw.phone_number,
        friendly_name: raw.friendly_name,
        voice_url: raw.voice_url,
        voice_get: raw.voice_method == Method::Get,
        voice_fallback_url: raw.voice_fallback_url,
        voice_fallback_get: raw.voice_fallback_method == Method::Get,
        status_callback: raw.status_callback,
        status_callback_get: raw.status_callback_method == Method::Get,
        ..NumberPlan::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SID: &str = "AC0123456789abcdef0123456789abcdef";

    #[test]
    fn a_file_says_all_that_an_account_has() {
        let text = format!(
            "[party]\n'(555) 123-0001' = 'interrupt'\n[[account]]\nsid = '{SID}'\nauth_token = 't'\n\
             concurrent_calls = 2\nverified = ['+14155550111']\nfaults = ['kind=cut']\n\
             callbacks = {{ lose = 0.5 }}\n[[account.key]]\n\
             sid = 'SK0123456789abcdef0123456789abcdef'\nsecret = 's'\n[[account.number]]\n\
             phone_number = '+14155550199'\nvoice_url = 'http://h/v'\nvoice_method = 'GET'\n"
        );
        let file = parse(&text).unwrap();
        let account = &file.accounts[0];
        assert_eq!(file.parties["+15551230001"], "interrupt");
        assert_eq!((account.calls_per_second, account.concurrent_calls, account.keys.len()), (1, Some(2), 1));
        assert_eq!((account.faults.len(), account.mishaps.lose), (1, 0.5));
        let number = &account.numbers[0];
        assert!(number.voice_url == "http://h/v" && number.voice_get && !number.status_callback_get);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let with = |more: &str| parse(&format!("[[account]]\nsid = '{SID}'\nauth_token = 't'\n{more}")).map(drop);
        let why = |more: &str| with(more).unwrap_err().to_string();
        assert!(with("").is_ok());
        assert!(parse("").unwrap_err().to_string().contains("at least one"));
        assert!(why("calls_per_second = 0").contains("from 1 to 1000"));
        assert!(why("faults = ['kind=x']").contains("late, refuse, cut or stale"));
        assert!(why("token = 'x'").contains("unknown field"));
        assert!(why("[[account.number]]\nphone_number = '415'").contains("E.164"));
        assert!(why("[[account.number]]\nphone_number = '+14155550199'\nvoice_url = 'x'").contains("no http"));
        assert!(why("[[account.key]]\nsid = 'x'\nsecret = 's'").contains("SK and 32"));
        assert!(why(&format!("[[account]]\nsid = '{SID}'\nauth_token = 'u'")).contains("twice"));
    }
}

//! Who asks: HTTP Basic with the account's SID and token, or with one of its API keys.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::account::AccountPlan;

/// Whether this `Authorization` opens what belongs to `account`. Another account's key does not, nor a token under
/// another name.
#[must_use]
pub fn opens(account: &AccountPlan, authorization: Option<&str>) -> bool {
    let Some((user, password)) = authorization.and_then(basic) else { return false };
    let is_account = user == account.sid && password == account.auth_token;
    is_account || account.keys.iter().any(|key| user == key.sid && password == key.secret)
}

/// Whether it opens `account` itself: its token does, a standard key does not.
#[must_use]
pub fn opens_account(account: &AccountPlan, authorization: Option<&str>) -> bool {
    authorization.and_then(basic).is_some_and(|(user, password)| user == account.sid && password == account.auth_token)
}

fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, credentials) = header.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let plain = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
    plain.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
}

/// The header for this user and password.
#[must_use]
pub fn header(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rest::account::ApiKey;

    #[test]
    fn token_and_keys_open_their_account_and_nothing_else_does() {
        let keys = vec![ApiKey { sid: "SK1".into(), secret: "s:1".into() }];
        let account = AccountPlan { sid: "AC1".into(), auth_token: "t".into(), keys, ..AccountPlan::default() };
        let opens = |user: &str, password: &str| opens(&account, Some(&header(user, password)));
        assert!(opens("AC1", "t") && opens("SK1", "s:1"));
        assert!(opens_account(&account, Some(&header("AC1", "t"))));
        assert!(!opens_account(&account, Some(&header("SK1", "s:1"))) && !opens_account(&account, None));
        for (user, password) in [("AC1", "s:1"), ("SK1", "t"), ("AC2", "t"), ("AC1", ""), ("", "")] {
            assert!(!opens(user, password), "{user}:{password}");
        }
        for header in ["", "Basic", "Basic ???", "Bearer QUMxOnQ=", "QUMxOnQ="] {
            assert!(!super::opens(&account, Some(header)), "{header}");
        }
        assert!(!super::opens(&account, None));
        assert!(super::opens(&account, Some("basic QUMxOnQ=")));
    }
}

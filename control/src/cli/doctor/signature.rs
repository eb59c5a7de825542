//! Does the signature check work, and with what would it check?

use secrecy::SecretString;

use super::finding::Finding;
use crate::config::Config;
use crate::twilio::signature::{Algorithm, Request, Signed, verify};

/// The example that all of Twilio's helper libraries are tested with.
const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
const TOKEN: &str = "12345";
const FORM: [(&str, &str); 5] = [
    ("CallSid", "CA1234567890ABCDE"),
    ("Caller", "+14158675309"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
];
const SIGNATURE: &str = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";

/// The check itself, and what is configured for it.
pub(super) fn own(config: &Config) -> Finding {
    if !judges(SIGNATURE, TOKEN) || judges(SIGNATURE, "12346") || judges("RSOYDt4T1cUTdK1PDd93/VVr8B9=", TOKEN) {
        let found = "the check judges Twilio's own example wrongly";
        return Finding::fail("signatures", found, "this program is damaged: install it anew");
    }
    let (tokens, keys) = (config.tokens.len(), config.shared_keys.len());
    if !config.can_check_signatures() {
        let fix = "before a real number calls: set TWILIO_AUTH_TOKEN and OFFHOOK_PUBLIC_URL";
        return Finding::warn("signatures", "the check works, but no token is set: nothing is checked", fix);
    }
    let public = config.public.as_ref().map_or("the address listened on", |public| public.as_str());
    let found = format!("the check works; {tokens} auth tokens, {keys} shared keys, for {public}");
    Finding::ok("signatures", found)
}

fn judges(signature: &str, token: &str) -> bool {
    let form = FORM.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let request = Request { url: URL, signed: Signed::Form(&form), signature: signature.as_bytes() };
    verify([&SecretString::from(token)], Algorithm::HmacSha1, &request)
}

//! Which numbers may be dialled at all, whoever asks: guards against toll fraud.
//!
//! A profile's allow-list says whom a call *is* connected to; this says what an allow-list, an agent or a program may not
//! ask for. Refused are short numbers (emergency and service numbers), premium and shared-cost ranges, and other
//! countries than the tenant's own number is in, unless the operator opened them (`OFFHOOK_DIAL_PREFIXES`). A tenant's own
//! list (its setting `dial_prefixes`), where it has one, is all that is left of that: it narrows, and opens nothing. Ranges
//! and countries are those of Google's libphonenumber, which follows the numbering plans month by month.

use std::fmt;
use std::str::FromStr;

use phonenumber::metadata::DATABASE;
use phonenumber::{PhoneNumber, Type, country};
use serde::{Deserialize, Serialize};

/// Behind the country code, more digits than any emergency or service number has.
const NATIONAL_DIGITS_MIN: usize = 5;

/// Why a number is not dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denied {
    /// Not written as `+` and digits, or of no country.
    NotANumber,
    /// So short that it is an emergency or service number.
    Short,
    /// The called party is paid for the call, or sets its price.
    Premium,
    /// Another country, or a satellite, that nobody opened.
    Abroad,
    /// Not among those that the tenant keeps to.
    Narrowed,
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotANumber => "it is no number in E.164",
            Self::Short => "it is as short as an emergency or service number",
            Self::Premium => "it is a premium or shared-cost number",
            Self::Abroad => "it is in another country (OFFHOOK_DIAL_PREFIXES opens countries)",
            Self::Narrowed => "the tenant's setting dial_prefixes does not have it",
        })
    }
}

/// The beginning of a number: `+` and one to seven digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Prefix(String);

/// It is no prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no beginning of a number: write + and one to seven digits, the first not 0")]
pub struct BadPrefix;

impl FromStr for Prefix {
    type Err = BadPrefix;

    fn from_str(text: &str) -> Result<Self, BadPrefix> {
        let digits = text.strip_prefix('+').ok_or(BadPrefix)?;
        let fits = (1..=7).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        if fits && !digits.starts_with('0') { Ok(Self(text.to_owned())) } else { Err(BadPrefix) }
    }
}

impl TryFrom<String> for Prefix {
    type Error = BadPrefix;

    fn try_from(text: String) -> Result<Self, BadPrefix> {
        text.parse()
    }
}

impl From<Prefix> for String {
    fn from(Prefix(text): Prefix) -> Self {
        text
    }
}

/// Whether a call of the tenant's number `own` may be connected to `to`: `opened` by the operator, or at home, and within
/// the tenant's own list, where it has one.
///
/// # Errors
/// Why not.
pub(crate) fn check(opened: &[Prefix], kept: Option<&[Prefix]>, own: &str, to: &str) -> Result<(), Denied> {
    let number = parse(to)?;
    let prefix_digits = 1 + number.code().value().to_string().len();
    if to.len() < prefix_digits + NATIONAL_DIGITS_MIN {
        return Err(Denied::Short);
    }
    if matches!(number.number_type(&DATABASE), Type::PremiumRate | Type::SharedCost | Type::PersonalNumber) {
        return Err(Denied::Premium);
    }
    let (there, main) = (region(&number), main_region(number.code().value()));
    let at_home = there.is_some() && parse(own).is_ok_and(|own| region(&own) == there);
    // A country code alone opens its main country; the others that share it are opened by their own digits.
    let is_opened = |Prefix(digits): &Prefix| {
        to.starts_with(digits) && (digits.len() > prefix_digits || there == main || is_both_american(there))
    };
    if !at_home && !opened.iter().any(is_opened) {
        return Err(Denied::Abroad);
    }
    // At home the country's code means that country, whichever is the code's main one.
    let is_kept = |prefix: &Prefix| is_opened(prefix) || (at_home && to.starts_with(&prefix.0));
    if kept.is_none_or(|kept| kept.iter().any(is_kept)) { Ok(()) } else { Err(Denied::Narrowed) }
}

/// Reads the ranges, so that the first call to be connected need not wait for them.
pub(crate) fn warm_up() {
    let _ = check(&[], None, "+12025550123", "+12025550123");
}

fn parse(text: &str) -> Result<PhoneNumber, Denied> {
    let digits = text.strip_prefix('+').ok_or(Denied::NotANumber)?;
    if digits.is_empty() || digits.len() > 15 || digits.starts_with('0') || !digits.bytes().all(|b| b.is_ascii_digit())
    {
        return Err(Denied::NotANumber);
    }
    // The library refuses two digits and fewer behind the country code.
    phonenumber::parse(None, text).map_err(|_| if digits.len() < 7 { Denied::Short } else { Denied::NotANumber })
}

/// Where a number is; where its digits do not say, in the main country of its code.
fn region(number: &PhoneNumber) -> Option<country::Id> {
    number.country().id().or_else(|| main_region(number.code().value()))
}

/// `None` for codes that belong to no country, such as satellites.
fn main_region(code: u16) -> Option<country::Id> {
    DATABASE.region(&code)?.first()?.parse().ok()
}

/// `+1` means both to everybody who writes it.
fn is_both_american(region: Option<country::Id>) -> bool {
    matches!(region, Some(country::Id::US | country::Id::CA))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "+14155550199";

    fn list(prefixes: &[&str]) -> Vec<Prefix> {
        prefixes.iter().map(|prefix| prefix.parse().unwrap()).collect()
    }

    fn denied(opened: &[&str], own: &str, to: &str) -> Option<Denied> {
        check(&list(opened), None, own, to).err()
    }

    #[test]
    fn ones_own_country_is_open() {
        for (own, to) in [
            (OWN, "+12025550123"),
            (OWN, "+15550001111"),
            ("+15550001111", "+15550001112"),
            ("+442079460000", "+447400123456"),
            ("+390612345678", "+393331234567"),
            (OWN, "+18005550199"),
        ] {
            assert_eq!(denied(&[], own, to), None, "{own} → {to}");
        }
    }

    #[test]
    fn another_country_is_not_although_it_may_share_the_code() {
        for to in ["+442079460000", "+18765551234", "+18095551234", "+14165550199", "+881612345678", "+8835100123456"] {
            assert_eq!(denied(&[], OWN, to), Some(Denied::Abroad), "{to}");
        }
        assert_eq!(denied(&[], "+79991234567", "+77011234567"), Some(Denied::Abroad), "Kazakhstan, from Russia");
        assert_eq!(denied(&[], "client:somebody", "+12025550123"), Some(Denied::Abroad), "nobody's country");
    }

    #[test]
    fn a_prefix_opens_a_country() {
        assert_eq!(denied(&["+44"], OWN, "+442079460000"), None);
        assert_eq!(denied(&["+1"], "+442079460000", "+14165550199"), None);
        assert_eq!(denied(&["+1"], OWN, "+18765551234"), Some(Denied::Abroad), "+1 does not open Jamaica");
        assert_eq!(denied(&["+1876"], OWN, "+18765551234"), None);
        assert_eq!(denied(&["+8816"], OWN, "+881612345678"), None);
        assert_eq!(denied(&["+44"], OWN, "+447911123456"), Some(Denied::Abroad), "Guernsey");
    }

    #[test]
    fn a_tenants_own_list_narrows_and_opens_nothing() {
        let kept = |kept: &[&str], own, to| check(&list(&["+44", "+1876"]), Some(&list(kept)), own, to).err();
        assert_eq!(kept(&["+44"], OWN, "+442079460000"), None);
        assert_eq!(kept(&["+44"], OWN, "+12025550123"), Some(Denied::Narrowed), "its own country, not named");
        assert_eq!(kept(&["+1202"], OWN, "+12025550123"), None);
        assert_eq!(kept(&["+1202"], OWN, "+14155550123"), Some(Denied::Narrowed));
        assert_eq!(kept(&[], OWN, "+12025550123"), Some(Denied::Narrowed), "an empty list has nothing");
        assert_eq!(kept(&["+49"], OWN, "+4930123456"), Some(Denied::Abroad), "what the operator did not open");
        assert_eq!(kept(&["+1"], OWN, "+18765551234"), Some(Denied::Narrowed), "+1 is not Jamaica");
        assert_eq!(kept(&["+1"], "+18765550100", "+18765551234"), None, "but for Jamaica itself");
        assert_eq!(kept(&["+1"], OWN, "+19002345678"), Some(Denied::Premium));
    }

    #[test]
    fn premium_and_short_numbers_stay_shut() {
        let opened = ["+1", "+44", "+33", "+34"];
        for to in ["+19002345678", "+449012345678", "+34806123456", "+33899123456"] {
            assert_eq!(denied(&opened, OWN, to), Some(Denied::Premium), "{to}");
        }
        for to in ["+911", "+1911", "+112", "+44999", "+49110", "+33112", "+61000"] {
            assert_eq!(denied(&opened, OWN, to), Some(Denied::Short), "{to}");
        }
    }

    #[test]
    fn what_is_no_number_is_not_dialled() {
        for to in ["", "+", "911", "12025550123", "sip:a@b", "+0123456789", "+1202555012x", "+12025550123456789"] {
            assert_eq!(denied(&["+1"], OWN, to), Some(Denied::NotANumber), "{to:?}");
        }
    }

    #[test]
    fn a_prefix_is_a_plus_and_a_few_digits() {
        for bad in ["", "+", "44", "+0", "+44x", "+12345678"] {
            assert_eq!(bad.parse::<Prefix>(), Err(BadPrefix), "{bad:?}");
        }
    }
}

//! The forms that text takes in bodies and parameters, each with its check and its pattern.

use uuid::Uuid;

use super::fault::Faults;
use crate::config::PhoneNumber;
use crate::guard::Prefix;
use crate::model::Timestamp;

/// Text within these numbers of characters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text {
    pub(super) form: Form,
    pub(super) min: usize,
    pub(super) max: usize,
}

/// What the characters may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// One line, not blank.
    Line,
    /// Lines, not blank.
    Lines,
    /// A telephone number, E.164.
    Phone,
    /// The beginning of a telephone number.
    Prefix,
    /// An account at Twilio.
    Account,
    /// What opens something: visible characters.
    Secret,
    /// A language, BCP 47.
    Language,
    /// A key of a telephone.
    Digit,
    /// A UUID.
    Id,
    /// A point in time, RFC 3339.
    Time,
    /// Anything: only ever sent by us.
    Any,
}

impl Text {
    /// One line.
    pub(crate) const fn line(min: usize, max: usize) -> Self {
        Self { form: Form::Line, min, max }
    }

    /// Lines.
    pub(crate) const fn lines(min: usize, max: usize) -> Self {
        Self { form: Form::Lines, min, max }
    }

    /// A telephone number.
    pub(crate) const PHONE: Self = Self { form: Form::Phone, min: 8, max: 16 };
    /// The beginning of a telephone number.
    pub(crate) const PREFIX: Self = Self { form: Form::Prefix, min: 2, max: 8 };
    /// An account at Twilio.
    pub(crate) const ACCOUNT: Self = Self { form: Form::Account, min: 34, max: 34 };
    /// What opens something.
    pub(crate) const SECRET: Self = Self { form: Form::Secret, min: 16, max: 256 };
    /// A language.
    pub(crate) const LANGUAGE: Self = Self { form: Form::Language, min: 2, max: 35 };
    /// A key of a telephone.
    pub(crate) const DIGIT: Self = Self { form: Form::Digit, min: 1, max: 1 };
    /// A UUID.
    pub(crate) const ID: Self = Self { form: Form::Id, min: 36, max: 36 };
    /// A point in time.
    pub(crate) const TIME: Self = Self { form: Form::Time, min: 20, max: 64 };
    /// What we send.
    pub(crate) const ANY: Self = Self { form: Form::Any, min: 0, max: usize::MAX };

    /// Finds what is wrong with `value`.
    pub(crate) fn check(&self, value: &str, faults: &mut Faults) {
        let before = faults.len();
        match value.chars().count() {
            count if count < self.min => {
                faults.here("too_short", format!("has {count} characters, at least {} are needed", self.min));
            }
            count if count > self.max => {
                faults.here("too_long", format!("has {count} characters, at most {} are allowed", self.max));
            }
            _ => {}
        }
        if value.contains(self.form.is_forbidden()) {
            faults.here("control_character", format!("has a control character; {}", self.form.rule()));
        }
        if faults.len() == before && !self.form.fits(value) {
            faults.here("bad_format", self.form.rule());
        }
    }
}

impl Form {
    fn is_forbidden(self) -> fn(char) -> bool {
        match self {
            Self::Any => |_| false,
            Self::Lines => |c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'),
            _ => char::is_control,
        }
    }

    fn fits(self, value: &str) -> bool {
        match self {
            Self::Line | Self::Lines => value.is_empty() || !value.trim().is_empty(),
            Self::Phone => {
                value.parse::<PhoneNumber>().is_ok_and(|number| number.as_str() == value && value == value.trim())
            }
            Self::Prefix => value.parse::<Prefix>().is_ok(),
            Self::Account => is_account(value),
            Self::Secret => value.bytes().all(|byte| byte.is_ascii_graphic()),
            Self::Language => is_language(value),
            Self::Digit => value.chars().all(|c| c.is_ascii_digit() || c == '*' || c == '#'),
            Self::Id => id(value).is_some(),
            Self::Time => value.parse::<Timestamp>().is_ok(),
            Self::Any => true,
        }
    }

    /// The rule as a sentence's end.
    fn rule(self) -> &'static str {
        match self {
            Self::Line => "must be one line of text, not blank",
            Self::Lines => "must be text, not blank; line ends and tabs are allowed",
            Self::Phone => {
                "must be a telephone number in the international form: + and 7 to 15 digits, such as +15551234567"
            }
            Self::Prefix => "must be the beginning of a telephone number: + and one to seven digits, such as +44",
            Self::Account => "must be the account's SID: AC and 32 hex digits, as the Twilio console shows it",
            Self::Secret => "must be visible ASCII characters, no spaces",
            Self::Language => "must be a language tag such as en or en-US",
            Self::Digit => "must be one of 0 to 9, * and #",
            Self::Id => "must be a UUID",
            Self::Time => "must be a point in time such as 2026-01-31T12:00:00Z",
            Self::Any => "may be anything",
        }
    }

    /// The rule as a pattern of the schema, where it has one.
    pub(super) fn pattern(self) -> Option<&'static str> {
        match self {
            Self::Line => {
                Some(r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$")
            }
            Self::Lines => Some(
                r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$",
            ),
            Self::Phone => Some(r"^\+[1-9][0-9]{6,14}$"),
            Self::Prefix => Some(r"^\+[1-9][0-9]{0,6}$"),
            Self::Account => Some(r"^AC[0-9a-fA-F]{32}$"),
            Self::Secret => Some(r"^[!-~]+$"),
            Self::Language => Some(r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$"),
            Self::Digit => Some(r"^[0-9*#]$"),
            Self::Id | Self::Time | Self::Any => None,
        }
    }
}

fn is_account(sid: &str) -> bool {
    let digits = sid.strip_prefix("AC").unwrap_or_default();
    digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A language of two or three letters, then subtags of two to eight letters or digits.
fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let language = parts.next().unwrap_or_default();
    let letters = (2..=3).contains(&language.len()) && language.bytes().all(|b| b.is_ascii_alphabetic());
    letters && parts.all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// A UUID as we write it, whatever its letters' case; no other of its forms.
pub(super) fn id(text: &str) -> Option<Uuid> {
    if text.len() == 36 { Uuid::try_parse(text).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: Text, value: &str) -> Vec<&'static str> {
        let mut faults = Faults::default();
        text.check(value, &mut faults);
        faults.into_result().err().unwrap_or_default().into_iter().map(|fault| fault.code).collect()
    }

    #[test]
    fn each_form_refuses_what_is_not_of_it() {
        let good = [
            (Text::line(1, 9), "a b"),
            (Text::lines(1, 9), "a\n\tb\r\n"),
            (Text::PHONE, "+15551234567"),
            (Text::PREFIX, "+1876"),
            (Text::ACCOUNT, "AC0123456789abcdefABCDEF0123456789"),
            (Text::SECRET, "0123456789abcdef"),
            (Text::LANGUAGE, "zh-Hans-CN"),
            (Text::DIGIT, "#"),
            (Text::ID, "00000000-0000-7000-8000-000000000000"),
            (Text::TIME, "2026-01-31T12:00:00+02:00"),
        ];
        good.iter().for_each(|(text, value)| assert_eq!(codes(*text, value), [""; 0], "{value}"));
        let bad = [
            (Text::line(1, 9), "a\nb", "control_character"),
            (Text::line(1, 9), " ", "bad_format"),
            (Text::line(1, 3), "äöüß", "too_long"),
            (Text::lines(1, 9), "a\0", "control_character"),
            (Text::lines(1, 9), "a\u{85}", "control_character"),
            (Text::PHONE, "+15551234567 ", "bad_format"),
            (Text::PREFIX, "+0", "bad_format"),
            (Text::PREFIX, "4420", "bad_format"),
            (Text::ACCOUNT, "SK0123456789abcdef0123456789abcdef", "bad_format"),
            (Text::SECRET, "0123456789 abcdef", "bad_format"),
            (Text::LANGUAGE, "english", "bad_format"),
            (Text::LANGUAGE, "en_US", "bad_format"),
            (Text::DIGIT, "x", "bad_format"),
            (Text::ID, "{00000000-0000-7000-8000-0000000000}", "bad_format"),
            (Text::TIME, "yesterday at five o'clock", "bad_format"),
        ];
        bad.iter().for_each(|(text, value, code)| assert_eq!(codes(*text, value), [*code], "{value:?}"));
    }
}

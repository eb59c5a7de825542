//! What goes wrong with the API itself, on demand: rules that a test or an option sets, taken in their order.
//!
//! ```text
//! request ─► rule that fits, has not been spent, and is drawn ─► late, refused, or cut off
//!                  └ none ─► as usual
//! ```
//! Nothing of it is Twilio's. Full ([`MOST`]): no further rule is taken.

use std::fmt;
use std::str::FromStr;

use serde_json::{Value, json};

use super::answer::{Answer, Refusal};
use super::route::Resource;
use crate::rng::Rng;
use crate::time::Micros;

/// Rules of one account.
pub const MOST: usize = 100;
/// What a rule may say; `kind` must be there.
pub const KEYS: [&str; 9] = ["kind", "on", "ms", "status", "retry_after_s", "made", "skip", "times", "share"];
/// No answer is held back longer.
const LATEST: Micros = Micros::from_ms(600_000);

/// Which requests a rule is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// A call is created.
    Create,
    /// A call is changed.
    Update,
    /// One call is fetched.
    Fetch,
    /// Calls are listed.
    List,
    /// All but ours.
    Any,
}

const ON: [(&str, On); 5] =
    [("create", On::Create), ("update", On::Update), ("fetch", On::Fetch), ("list", On::List), ("any", On::Any)];

impl On {
    /// Whether this request is meant.
    #[must_use]
    pub fn has(self, method: &str, resource: &Resource<'_>) -> bool {
        match self {
            Self::Create => method == "POST" && *resource == Resource::Calls,
            Self::Update => method == "POST" && matches!(resource, Resource::Call(_)),
            Self::Fetch => method == "GET" && matches!(resource, Resource::Call(_)),
            Self::List => method == "GET" && *resource == Resource::Calls,
            Self::Any => !resource.is_ours(),
        }
    }
}

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It is carried out, and answered late.
    Late,
    /// It is answered with this status, and, where that is given, a `Retry-After` in seconds.
    Refuse(u16, Option<u64>),
    /// The connection is closed without an answer.
    Cut,
    /// It does not see calls that were created less than `ms` ago.
    Stale,
}

/// One rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// For which requests.
    pub on: On,
    /// What happens.
    pub kind: Kind,
    /// Whether the request is carried out all the same.
    pub made: bool,
    /// So much later than usual; of stale ones, so far behind.
    pub after: Micros,
    /// So many requests that fit are let pass first.
    pub skip: u64,
    /// It happens so often, then no more; always when absent.
    pub times: Option<u64>,
    /// It happens to this share of the requests, 0 to 1.
    pub share: f64,
    /// How often it has happened.
    pub happened: u64,
}

impl Fault {
    /// Reads a rule of these keys and values.
    ///
    /// # Errors
    /// One line that names the key and what it ought to be.
    pub fn read(said: &[(&str, &str)]) -> Result<Self, String> {
        if let Some((other, _)) = said.iter().find(|(key, _)| !KEYS.contains(key)) {
            return Err(format!("{other:?} is unknown: {}", KEYS.join(", ")));
        }
        let get = |key: &str| said.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
        let whole = |key: &str, least: u64, most: u64| match get(key) {
            None => Ok(None),
            Some(text) => match text.parse::<u64>() {
                Ok(value) if (least..=most).contains(&value) => Ok(Some(value)),
                _ => Err(format!("{key} {text:?}: from {least} to {most}")),
            },
        };
        let status = whole("status", 400, 599)?.unwrap_or(503);
        let status = u16::try_from(status).unwrap_or(503);
        let kind = match get("kind") {
            Some("late") => Kind::Late,
            Some("refuse") => Kind::Refuse(status, whole("retry_after_s", 0, 3_600)?),
            Some("cut") => Kind::Cut,
            Some("stale") => Kind::Stale,
            other => return Err(format!("kind {:?}: late, refuse, cut or stale", other.unwrap_or_default())),
        };
        let on = get("on").unwrap_or(if kind == Kind::Stale { "list" } else { "create" });
        let on = ON.iter().find(|(word, _)| *word == on).ok_or_else(|| format!("on {on:?}: {}", words()))?.1;
        let made = match get("made") {
            // What is refused was not carried out, unless that is wanted; what is only late was.
            None => !matches!(kind, Kind::Refuse(..)),
            Some("true") => true,
            Some("false") if !matches!(kind, Kind::Late | Kind::Stale) => false,
            Some(other) => return Err(format!("made {other:?}: true or false; late and stale are always made")),
        };
        let after = Micros::from_ms(whole("ms", 0, LATEST.0 / 1_000)?.unwrap_or(0));
        if matches!(kind, Kind::Late | Kind::Stale) && after == Micros::ZERO {
            return Err("late and stale need ms: by how much".into());
        }
        let share = get("share").map_or(Ok(1.0), str::parse::<f64>).ok().filter(|share| (0.0..=1.0).contains(share));
        let share = share.ok_or("share: from 0 to 1")?;
        let (skip, times) = (whole("skip", 0, u64::MAX)?.unwrap_or(0), whole("times", 1, u64::MAX)?);
        Ok(Self { on, kind, made, after, skip, times, share, happened: 0 })
    }

    /// The answer instead of the usual one; `None` when the usual one will do, or there is none.
    #[must_use]
    pub fn answer(&self) -> Option<Answer> {
        let Kind::Refuse(status, retry_after_s) = self.kind else { return None };
        let mut answer = match status {
            401 => Refusal::authenticate().answer(),
            404 => Refusal::not_found("asked for").answer(),
            429 => Refusal::too_many().answer(),
            // What stands before the API answers these, and not in JSON.
            502 | 504 => Answer::html(status, "<html><body>upstream failed</body></html>"),
            503 => Refusal { status, code: 20_503, message: "Service unavailable".into() }.answer(),
            500..=599 => {
                Refusal { status, code: 20_500, message: "An internal server error has occurred".into() }.answer()
            }
            _ => Refusal { status, code: 20_001, message: "Refused, as was asked for".into() }.answer(),
        };
        answer.headers.extend(retry_after_s.map(|s| ("Retry-After", s.to_string())));
        Some(answer)
    }

    fn show(&self) -> Value {
        json!({ "rule": self.to_string(), "happened": self.happened, "left": self.left() })
    }

    fn left(&self) -> Option<u64> {
        self.times.map(|times| times.saturating_sub(self.happened))
    }
}

impl FromStr for Fault {
    type Err = String;

    /// `kind=refuse,status=429,times=3`
    fn from_str(text: &str) -> Result<Self, String> {
        let pairs = text.split(',').map(|pair| pair.trim().split_once('='));
        let said: Option<Vec<(&str, &str)>> = pairs.collect();
        Self::read(&said.ok_or("KEY=VALUE, several with commas between them")?)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on = ON.iter().find(|(_, on)| *on == self.on).map_or("any", |(word, _)| word);
        match self.kind {
            Kind::Late => write!(f, "kind=late")?,
            Kind::Refuse(status, retry_after_s) => {
                write!(f, "kind=refuse,status={status}")?;
                retry_after_s.map_or(Ok(()), |s| write!(f, ",retry_after_s={s}"))?;
            }
            Kind::Cut => write!(f, "kind=cut")?,
            Kind::Stale => write!(f, "kind=stale")?,
        }
        write!(f, ",on={on},made={},ms={},skip={}", self.made, self.after.0 / 1_000, self.skip)?;
        self.times.map_or(Ok(()), |times| write!(f, ",times={times}"))?;
        write!(f, ",share={}", self.share)
    }
}

fn words() -> String {
    ON.map(|(word, _)| word).join(", ")
}

/// The rules of one account, in the order in which they were set.
#[derive(Debug)]
pub struct Faults {
    rules: Vec<Fault>,
    rng: Rng,
}

impl Faults {
    /// These rules; `rng` draws where a share is given.
    #[must_use]
    pub const fn new(rules: Vec<Fault>, rng: Rng) -> Self {
        Self { rules, rng }
    }

    /// Takes a rule; false when there is no room.
    pub fn push(&mut self, rule: Fault) -> bool {
        let room = self.rules.len() < MOST;
        if room {
            self.rules.push(rule);
        }
        room
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.rules.clear();
    }

    /// What happens to this request: the first rule that fits and is drawn.
    pub fn of(&mut self, method: &str, resource: &Resource<'_>) -> Option<Fault> {
        const WHOLE: u64 = 1_000_000;
        for rule in &mut self.rules {
            if rule.left() == Some(0) || !rule.on.has(method, resource) {
                continue;
            }
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            if (self.rng.below(WHOLE) as f64) < rule.share * WHOLE as f64 {
                rule.happened += 1;
                return Some(rule.clone());
            }
        }
        None
    }

    /// All rules, spent ones included.
    #[must_use]
    pub fn show(&self) -> Value {
        json!({ "faults": self.rules.iter().map(Fault::show).collect::<Vec<_>>() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Result<Fault, String> {
        text.parse()
    }

    #[test]
    fn a_rule_is_read_as_it_is_shown() {
        for text in [
            "kind=late,on=create,made=true,ms=20000,skip=0,share=1",
            "kind=refuse,status=429,retry_after_s=3,on=any,made=false,ms=0,skip=2,times=4,share=0.5",
            "kind=stale,on=list,made=true,ms=2000,skip=0,share=1",
            "kind=cut,on=update,made=false,ms=10,skip=0,share=1",
        ] {
            assert_eq!(rule(text).unwrap().to_string(), text);
        }
        let usual = rule("kind=refuse").unwrap();
        assert_eq!((usual.on, usual.kind, usual.made), (On::Create, Kind::Refuse(503, None), false));
        assert!(rule("kind=cut").unwrap().made, "cut off behind the deed");
    }

    #[test]
    fn what_is_wrong_with_a_rule_is_named() {
        for (text, part) in [
            ("", "KEY=VALUE"),
            ("times=1", "late, refuse, cut or stale"),
            ("kind=cut,time=1", "\"time\" is unknown"),
            ("kind=late", "need ms"),
            ("kind=stale", "need ms"),
            ("kind=late,ms=1,made=false", "always made"),
            ("kind=stale,ms=1,made=false", "always made"),
            ("kind=refuse,status=200", "from 400 to 599"),
            ("kind=cut,on=delete", "create, update, fetch, list, any"),
            ("kind=cut,share=2", "from 0 to 1"),
            ("kind=cut,share=x", "from 0 to 1"),
            ("kind=cut,times=0", "from 1"),
            ("kind=cut,ms=600001", "from 0 to 600000"),
        ] {
            let why = rule(text).unwrap_err();
            assert!(why.contains(part), "{text}: {why}");
        }
    }

    #[test]
    fn rules_are_taken_in_order_and_spent() {
        let mut faults = Faults::new(Vec::new(), Rng::new(1));
        for text in ["kind=refuse,status=429,times=2,skip=1", "kind=cut,times=1"] {
            assert!(faults.push(rule(text).unwrap()));
        }
        let mut next = || faults.of("POST", &Resource::Calls).map(|fault| fault.kind);
        let refuse = Some(Kind::Refuse(429, None));
        assert_eq!([next(), next(), next(), next()], [Some(Kind::Cut), refuse, refuse, None]);
        assert_eq!(faults.of("GET", &Resource::Calls), None);
        assert_eq!(faults.show()["faults"][0]["happened"], 2);
        assert_eq!(faults.show()["faults"][1]["left"], 0);
    }

    #[test]
    fn a_share_is_drawn_from_the_seed() {
        let drawn = |seed| {
            let mut faults = Faults::new(vec![rule("kind=cut,share=0.3").unwrap()], Rng::new(seed));
            (0..1_000).filter(|_| faults.of("POST", &Resource::Calls).is_some()).count()
        };
        assert!((250..350).contains(&drawn(1)), "{}", drawn(1));
        assert_eq!(drawn(7), drawn(7));
    }

    #[test]
    fn there_is_room_for_so_many_and_no_more() {
        let mut faults = Faults::new(Vec::new(), Rng::new(1));
        let taken = (0..=MOST).filter(|_| faults.push(rule("kind=cut").unwrap())).count();
        assert_eq!(taken, MOST);
        faults.clear();
        assert!(faults.push(rule("kind=cut").unwrap()));
    }
}

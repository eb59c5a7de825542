//! Moments in questions: `2026-11-24` is a day, `2026-11-24T10:00:00Z` a second.

use super::answer::Refusal;
use super::given::Given;

/// Seconds since 1970, the last one included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first second.
    pub first: u64,
    /// The last second.
    pub last: u64,
}

/// Which moments a list asks for: `Name=`, `Name<=` (on or before) and `Name>=` (on or after).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    within: Option<Span>,
    until: Option<u64>,
    since: Option<u64>,
}

impl Window {
    /// What `query` says about `name`.
    ///
    /// # Errors
    /// 20001 when one of the three is no date.
    pub fn read(query: &Given, name: &str) -> Result<Self, Refusal> {
        let span = |key: String| match query.filled(&key) {
            None => Ok(None),
            Some(text) => parse(text).map(Some).ok_or_else(|| {
                Refusal::parameter(format!("{key} is not a date: {text:?}; YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ"))
            }),
        };
        let (within, until, since) = (span(name.into())?, span(format!("{name}<"))?, span(format!("{name}>"))?);
        Ok(Self { within, until: until.map(|s| s.last), since: since.map(|s| s.first) })
    }

    /// Whether this moment is asked for. What has no moment yet is only wanted when nothing is said.
    #[must_use]
    pub fn has(&self, moment: Option<u64>) -> bool {
        let Some(moment) = moment else { return *self == Self::default() };
        self.within.is_none_or(|span| (span.first..=span.last).contains(&moment))
            && self.until.is_none_or(|until| moment <= until)
            && self.since.is_none_or(|since| moment >= since)
    }
}

/// A day, or a second, in UTC.
#[must_use]
pub fn parse(text: &str) -> Option<Span> {
    let (day, time) = match text.split_once('T') {
        Some((day, time)) => (day, Some(time.strip_suffix('Z').unwrap_or(time))),
        None => (text, None),
    };
    let midnight = days(day)? * 86_400;
    let Some(time) = time else { return Some(Span { first: midnight, last: midnight + 86_399 }) };
    let [hour, minute, second] = numbers(time.split('.').next()?, ':')?;
    // Checked before anything is counted: a client may write any number.
    if hour >= 24 || minute >= 60 || second >= 61 {
        return None;
    }
    let at = midnight + hour * 3_600 + minute * 60 + second;
    Some(Span { first: at, last: at })
}

/// Days since 1970 (Hinnant's days_from_civil, for years from 1970).
fn days(day: &str) -> Option<u64> {
    let [year, month, day] = numbers(day, '-')?;
    if !(1970..=9_999).contains(&year) || !(1..=12).contains(&month) || !(1..=length(year, month)).contains(&day) {
        return None;
    }
    // The year begins in March, so that the leap day is its last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let of_year = (153 * month + 2) / 5 + day - 1;
    Some(year * 365 + year / 4 - year / 100 + year / 400 + of_year - 719_468)
}

/// Days of a month.
const fn length(year: u64, month: u64) -> u64 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 => 28 + leap as u64,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn numbers(text: &str, between: char) -> Option<[u64; 3]> {
    let mut parts = text.split(between).map(|part| part.parse().ok());
    let all = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::twilio::date::rfc2822;

    #[test]
    fn days_and_seconds_are_read_and_nonsense_is_not() {
        for text in ["1970-01-01", "2000-02-29", "2024-02-29", "2025-12-31", "2026-11-24"] {
            let span = parse(text).unwrap();
            let day = rfc2822(span.first);
            assert!(day.contains(&text[..4]) && day.contains("00:00:00"), "{text}: {day}");
            assert_eq!(span.last, span.first + 86_399);
        }
        assert_eq!(parse("2018-03-25T09:53:19Z"), Some(Span { first: 1_521_971_599, last: 1_521_971_599 }));
        for bad in [
            "",
            "today",
            "2026-13-01",
            "2026-11",
            "2026-11-24T25:00:00Z",
            "2026-11-24-1",
            "1969-12-31",
            "2026-02-29",
            "2026-02-31",
            "2100-02-29",
            "2026-04-31",
            "2026-11-31",
            "2026-01-32",
            "2026-01-00",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn numbers_of_any_size_are_no_date() {
        let most = u64::MAX;
        for time in [format!("{most}:0:0"), format!("0:{most}:0"), format!("0:0:{most}"), format!("{most}0:0:0")] {
            assert_eq!(parse(&format!("2026-11-24T{time}Z")), None, "{time}");
        }
        for day in [format!("{most}-01-01"), format!("2026-{most}-01"), format!("2026-01-{most}")] {
            assert_eq!(parse(&day), None, "{day}");
        }
    }

    #[test]
    fn a_window_includes_its_edges() {
        let window = |query: &str| Window::read(&Given::parse(query), "StartTime").unwrap();
        let at = 1_521_971_599;
        assert!(window("StartTime=2018-03-25").has(Some(at)) && !window("StartTime=2018-03-26").has(Some(at)));
        assert!(window("StartTime%3C=2018-03-25").has(Some(at)) && !window("StartTime%3C=2018-03-24").has(Some(at)));
        assert!(window("StartTime>=2018-03-25T09:53:19Z").has(Some(at)));
        assert!(!window("StartTime>=2018-03-25T09:53:20Z").has(Some(at)));
        assert!(window("").has(None) && !window("StartTime=2018-03-25").has(None));
        assert_eq!(Window::read(&Given::parse("StartTime=x"), "StartTime").unwrap_err().code, 20_001);
    }
}

//! Time stamps of callbacks: calls write them as RFC 2822 does, streams and transcripts as ISO 8601.

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

/// Seconds since 1970 as `Sun, 25 Mar 2018 09:53:19 +0000`.
#[must_use]
pub fn rfc2822(unix_s: u64) -> String {
    let weekday = DAYS.get(usize::try_from(unix_s / 86_400 % 7).unwrap_or_default()).copied().unwrap_or_default();
    let (year, month, day) = date(unix_s / 86_400);
    let month = MONTHS.get(month).copied().unwrap_or_default();
    let (hour, minute, second) = time(unix_s);
    format!("{weekday}, {day:02} {month} {year} {hour:02}:{minute:02}:{second:02} +0000")
}

/// Seconds since 1970, and milliseconds, as `2018-03-25T09:53:19.007Z`.
#[must_use]
pub fn iso8601(unix_s: u64, ms: u64) -> String {
    let (year, month, day) = date(unix_s / 86_400);
    let (hour, minute, second) = time(unix_s);
    format!("{year}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z", month + 1)
}

const fn time(unix_s: u64) -> (u64, u64, u64) {
    (unix_s % 86_400 / 3_600, unix_s / 60 % 60, unix_s % 60)
}

/// Year, month from 0, day from 1.
const fn date(mut days: u64) -> (u64, usize, u64) {
    let mut year = 1970;
    while days >= year_days(year) {
        days -= year_days(year);
        year += 1;
    }
    let mut month = 0;
    while month < 11 && days >= month_days(year, month) {
        days -= month_days(year, month);
        month += 1;
    }
    (year, month, days + 1)
}

const fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

const fn year_days(year: u64) -> u64 {
    if is_leap(year) { 366 } else { 365 }
}

const fn month_days(year: u64, month: usize) -> u64 {
    match month {
        1 if is_leap(year) => 29,
        1 => 28,
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments_are_written_as_twilio_does() {
        assert_eq!(rfc2822(1_521_971_599), "Sun, 25 Mar 2018 09:53:19 +0000");
        assert_eq!(iso8601(1_521_971_599, 7), "2018-03-25T09:53:19.007Z");
        assert_eq!(iso8601(1_767_225_599, 999), "2025-12-31T23:59:59.999Z");
        assert_eq!(rfc2822(0), "Thu, 01 Jan 1970 00:00:00 +0000");
        assert_eq!(rfc2822(1_709_164_800), "Thu, 29 Feb 2024 00:00:00 +0000");
        assert_eq!(rfc2822(1_767_225_599), "Wed, 31 Dec 2025 23:59:59 +0000");
    }
}

//! Times as people type and read them, in this machine's time zone.

use bartizan_domain::UtcMillis;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};

/// A text is not a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a time: write 2026-11-22T14:00:00Z, \"2026-11-22 14:00\", \"today 14:00\", now, or -10m for ten \
     minutes ago"
)]
pub(crate) struct NotATime;

/// Reads a time at `now` in `zone`.
pub(crate) fn parse(text: &str, now: UtcMillis, zone: &TimeZone) -> Result<UtcMillis, NotATime> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("now") {
        return Ok(now);
    }
    if let Some(ago) = text.strip_prefix('-') {
        return Ok(now.saturating_sub(span(ago)?));
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return millis(time);
    }
    let today = zoned(now, zone).ok_or(NotATime)?.date();
    // `today` holds the letter that stands between date and time.
    let iso = text.starts_with(|c: char| c.is_ascii_digit());
    let split = text.split_once(' ');
    let split = split.or_else(|| text.split_once('T').filter(|_| iso));
    let (day, clock) = match split {
        Some((day, clock)) => (date(day, today)?, time(clock)?),
        None => match date(text, today) {
            Ok(day) => (day, Time::midnight()),
            Err(NotATime) => (today, time(text)?),
        },
    };
    let local = DateTime::from_parts(day, clock);
    millis(
        zone.to_zoned(local)
            .map_err(|_opaque| NotATime)?
            .timestamp(),
    )
}

/// As people read it: local, to the second.
pub(crate) fn show(time: UtcMillis, zone: &TimeZone) -> String {
    match zoned(time, zone) {
        Some(time) => time.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        None => "(after the year 9999)".to_owned(),
    }
}

/// How long something lasts.
pub(crate) fn show_span(millis: u64) -> String {
    let seconds = millis / 1_000;
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds} s"),
        (0, _) => format!("{minutes} min {seconds} s"),
        _ => format!("{hours} h {minutes} min"),
    }
}

fn zoned(time: UtcMillis, zone: &TimeZone) -> Option<Zoned> {
    let time = Timestamp::from_millisecond(i64::try_from(time.0).ok()?).ok()?;
    Some(time.to_zoned(zone.clone()))
}

fn millis(time: Timestamp) -> Result<UtcMillis, NotATime> {
    let millis = u64::try_from(time.as_millisecond()).map_err(|_before_1970| NotATime)?;
    Ok(UtcMillis(millis))
}

/// A number and `s`, `m`, `h` or `d`.
fn span(text: &str) -> Result<u64, NotATime> {
    let (number, unit) = text
        .split_at_checked(text.len().saturating_sub(1))
        .ok_or(NotATime)?;
    let unit = match unit {
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(NotATime),
    };
    let number: u32 = number.parse().map_err(|_opaque| NotATime)?;
    Ok(u64::from(number).saturating_mul(unit))
}

fn date(text: &str, today: Date) -> Result<Date, NotATime> {
    match text.to_ascii_lowercase().as_str() {
        "today" => Ok(today),
        "yesterday" => today.checked_sub(1.day()).map_err(|_opaque| NotATime),
        text => Date::strptime("%Y-%m-%d", text).map_err(|_opaque| NotATime),
    }
}

fn time(text: &str) -> Result<Time, NotATime> {
    Time::strptime("%H:%M:%S", text)
        .or_else(|_without_seconds| Time::strptime("%H:%M", text))
        .map_err(|_opaque| NotATime)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-22T10:55:00Z.
    const NOW: UtcMillis = UtcMillis(1_795_344_900_000);

    fn parsed(text: &str) -> Result<String, NotATime> {
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        let time = parse(text, NOW, &zone)?;
        Ok(show(time, &zone))
    }

    #[test]
    fn every_form_is_understood() {
        for (text, local) in [
            ("now", "2026-11-22 11:55:00"),
            ("-90s", "2026-11-22 11:53:30"),
            ("-10m", "2026-11-22 11:45:00"),
            ("-2h", "2026-11-22 09:55:00"),
            ("-3d", "2026-11-19 11:55:00"),
            ("2026-11-22T10:00:00Z", "2026-11-22 11:00:00"),
            ("2026-11-22T10:00:00+02:00", "2026-11-22 09:00:00"),
            ("2026-11-22 14:00", "2026-11-22 14:00:00"),
            ("2026-11-22T14:00:05", "2026-11-22 14:00:05"),
            ("2026-11-21", "2026-11-21 00:00:00"),
            ("today", "2026-11-22 00:00:00"),
            ("Today 14:00", "2026-11-22 14:00:00"),
            ("yesterday 9:30", "2026-11-21 09:30:00"),
            ("10:15", "2026-11-22 10:15:00"),
        ] {
            assert_eq!(parsed(text).as_deref(), Ok(local), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "-",
            "-5",
            "-5w",
            "noon",
            "2026-13-01",
            "25:00",
            "1960-01-01",
            "--5m",
            "-é",
        ] {
            assert_eq!(parsed(text), Err(NotATime), "{text}");
        }
    }

    #[test]
    fn spans_are_short() {
        assert_eq!(show_span(59_999), "59 s");
        assert_eq!(show_span(60_000), "1 min 0 s");
        assert_eq!(show_span(7_260_000), "2 h 1 min");
    }
}

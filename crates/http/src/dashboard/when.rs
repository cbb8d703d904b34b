//! Times as people read them: how long ago, with the exact time behind it.

use guildhall_domain::Timestamp;
use guildhall_domain::time::MICROS_PER_SECOND;
use std::fmt;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A moment, written as a `<time>` element.
#[derive(Clone, Copy, Debug)]
pub(super) struct When {
    at: Timestamp,
    now: Timestamp,
    still: bool,
}

impl When {
    pub fn new(at: Timestamp, now: Timestamp) -> Self {
        Self { at, now, still: false }
    }

    /// Told from a clock that does not go on while the page is open.
    pub fn standing(self, still: bool) -> Self {
        Self { still, ..self }
    }

    /// `3 minutes ago`, `in 2 days`, and from a month on the date.
    fn words(&self) -> String {
        let seconds = (self.now.micros() - self.at.micros()) / MICROS_PER_SECOND;
        let (distance, ahead) = (seconds.abs(), seconds < 0);
        let (count, unit) = match distance {
            0..=4 => return "just now".to_owned(),
            5..MINUTE => (distance, "second"),
            MINUTE..HOUR => (distance / MINUTE, "minute"),
            HOUR..DAY => (distance / HOUR, "hour"),
            _ if distance < 31 * DAY => (distance / DAY, "day"),
            _ => return day(self.at),
        };
        let plural = if count == 1 { "" } else { "s" };
        if ahead { format!("in {count} {unit}{plural}") } else { format!("{count} {unit}{plural} ago") }
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (iso, exact, words) = (self.at.to_iso(), exact(self.at), self.words());
        let still = if self.still { " data-still" } else { "" };
        write!(f, "<time datetime=\"{iso}\" title=\"{exact}\"{still}>{words}</time>")
    }
}

/// A date to go by, written as a `<time>` element: the day, with the exact time behind it.
#[derive(Clone, Copy, Debug)]
pub(super) struct On(pub Timestamp);

impl fmt::Display for On {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (iso, exact, day) = (self.0.to_iso(), exact(self.0), day(self.0));
        write!(f, "<time datetime=\"{iso}\" title=\"{exact}\" data-still>{day}</time>")
    }
}

/// Nothing in it comes from a caller.
impl askama::filters::HtmlSafe for On {}

/// Nothing in it comes from a caller.
impl askama::filters::HtmlSafe for When {}

fn formatted(at: Timestamp, form: &str) -> String {
    match jiff::Timestamp::from_microsecond(at.micros()) {
        Ok(at) => at.strftime(form).to_string(),
        Err(_) => at.to_iso(),
    }
}

/// `27 Nov 2026, 14:05:09 UTC`
pub(super) fn exact(at: Timestamp) -> String {
    formatted(at, "%-d %b %Y, %H:%M:%S UTC")
}

/// `27 Nov 2026`
pub(super) fn day(at: Timestamp) -> String {
    formatted(at, "%-d %b %Y")
}

/// `27 Nov 2026, 14:05 UTC`
pub(super) fn minute(at: Timestamp) -> String {
    formatted(at, "%-d %b %Y, %H:%M UTC")
}

/// `Friday, 27 November 2026` for a number of days since 1970-01-01.
pub(super) fn long_day(days: i64) -> String {
    formatted(Timestamp::from_seconds(days * DAY), "%A, %-d %B %Y")
}

/// `27 Nov` for a number of days since 1970-01-01.
pub(super) fn short_day(days: i64) -> String {
    formatted(Timestamp::from_seconds(days * DAY), "%-d %b")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_told_in_one_unit() {
        let now = Timestamp::from_seconds(1_700_000_000);
        let words = |ago: i64| When::new(now.plus_micros(-ago * MICROS_PER_SECOND), now).words();
        for (ago, expected) in [
            (0, "just now"),
            (30, "30 seconds ago"),
            (60, "1 minute ago"),
            (3 * 60 + 59, "3 minutes ago"),
            (2 * HOUR, "2 hours ago"),
            (DAY, "1 day ago"),
            (40 * DAY, "5 Oct 2023"),
            (-2 * DAY, "in 2 days"),
        ] {
            assert_eq!(words(ago), expected);
        }
    }
}

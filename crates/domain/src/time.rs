//! Points in time as the whole product stores and prints them: UTC microseconds.

use std::fmt;

/// Microseconds since 1970-01-01T00:00:00Z. The same integer is stored on both engines, so
/// neither can round it differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Microseconds in a second.
pub const MICROS_PER_SECOND: i64 = 1_000_000;

impl Timestamp {
    /// From microseconds since the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From whole seconds since the epoch.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds * MICROS_PER_SECOND)
    }

    /// Microseconds since the epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(MICROS_PER_SECOND)
    }

    /// Whole days since 1970-01-01, UTC, rounded down.
    pub const fn day(self) -> i64 {
        self.0.div_euclid(86_400 * MICROS_PER_SECOND)
    }

    /// The first moment of the year 1.
    pub const YEAR_1: Self = Self(-62_135_596_800_000_000);
    /// The last moment of the year 9999.
    pub const YEAR_9999: Self = Self(253_402_300_799_999_999);

    /// This instant without what is below a millisecond, as it is printed.
    pub const fn to_millis(self) -> Self {
        Self(self.0.div_euclid(1_000) * 1_000)
    }

    /// This instant moved by `micros` (negative: back), saturating at the ends of the range.
    pub const fn plus_micros(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// Appends `2026-11-23T10:20:30.123Z`, the form both vendors print.
    ///
    /// Hand-written because every member view prints up to three of these; a property test
    /// compares it with a calendar library.
    pub fn write_iso(self, out: &mut Vec<u8>) {
        let days = self.0.div_euclid(86_400 * MICROS_PER_SECOND);
        let in_day = self.0.rem_euclid(86_400 * MICROS_PER_SECOND);
        let (year, month, day) = civil_from_days(days);
        let millis = in_day / 1_000;
        let (hour, minute, second, milli) =
            (millis / 3_600_000, millis / 60_000 % 60, millis / 1_000 % 60, millis % 1_000);
        digits(out, year, 4);
        out.push(b'-');
        digits(out, month, 2);
        out.push(b'-');
        digits(out, day, 2);
        out.push(b'T');
        digits(out, hour, 2);
        out.push(b':');
        digits(out, minute, 2);
        out.push(b':');
        digits(out, second, 2);
        out.push(b'.');
        digits(out, milli, 3);
        out.push(b'Z');
    }

    /// The text of [`Timestamp::write_iso`].
    pub fn to_iso(self) -> String {
        let mut out = Vec::with_capacity(24);
        self.write_iso(&mut out);
        out.into_iter().map(char::from).collect()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_iso())
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_iso())
    }
}

fn digits(out: &mut Vec<u8>, value: i64, width: u32) {
    for place in (0..width).rev() {
        let digit = value / 10_i64.pow(place) % 10;
        out.push(b'0' + digit.unsigned_abs() as u8);
    }
}

/// Year, month and day of a day number counted from 1970-01-01, in the proleptic Gregorian
/// calendar. Works in 400-year eras that start on 1 March, so that the leap day is the last
/// day of its year.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn prints_the_vendors_form() {
        assert_eq!(Timestamp::from_micros(0).to_iso(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Timestamp::from_micros(1_709_164_800_123_999).to_iso(), "2024-02-29T00:00:00.123Z");
    }

    proptest! {
        #[test]
        fn agrees_with_a_calendar_library(micros in 0_i64..253_402_300_799_000_000) {
            let theirs = jiff::Timestamp::from_microsecond(micros).unwrap();
            prop_assert_eq!(
                Timestamp::from_micros(micros).to_iso(),
                theirs.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
            );
        }
    }
}

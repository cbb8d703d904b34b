//! When the periods of a contract begin: calendar arithmetic in the store's own time zone.
//!
//! Every date is counted from one anchor rather than from the date before it, so that a contract that began
//! on 31 January is billed on 28 February and on 31 March again. The time of day is that of the anchor by
//! the local clock, also across a change to summer time.

use crate::time::Timestamp;
use jiff::Span;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// What a period is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum PeriodUnit {
    /// Days.
    Day,
    /// Weeks.
    Week,
    /// Months of the calendar.
    Month,
    /// Years of the calendar.
    Year,
}

impl PeriodUnit {
    /// All of them, shortest first.
    pub const ALL: [Self; 4] = [Self::Day, Self::Week, Self::Month, Self::Year];

    /// `DAY`, `WEEK`, `MONTH` or `YEAR`, as stored and as the Appstle dialect shows it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "DAY",
            Self::Week => "WEEK",
            Self::Month => "MONTH",
            Self::Year => "YEAR",
        }
    }

    /// From its name in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.as_str().eq_ignore_ascii_case(name))
    }
}

/// A stretch of time by the calendar: `count` units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// What is counted.
    pub unit: PeriodUnit,
    /// How many, from 1 to [`Period::COUNT_MAX`].
    pub count: u32,
}

impl Period {
    /// The most units in a period.
    pub const COUNT_MAX: u32 = 1_000;

    /// Of a unit and a count; nothing if the count is out of range.
    pub fn of(unit: PeriodUnit, count: u32) -> Option<Self> {
        (1..=Self::COUNT_MAX).contains(&count).then_some(Self { unit, count })
    }

    /// Of a plan's interval; nothing for what is paid once.
    pub fn of_interval(interval: crate::plan::Interval) -> Option<Self> {
        let (unit, count) = interval.parts()?;
        Self::of(PeriodUnit::from_name(unit)?, count)
    }

    fn times(self, steps: i64) -> Option<Span> {
        let units = i64::from(self.count).checked_mul(steps)?;
        let span = Span::new();
        match self.unit {
            PeriodUnit::Day => span.try_days(units),
            PeriodUnit::Week => span.try_weeks(units),
            PeriodUnit::Month => span.try_months(units),
            PeriodUnit::Year => span.try_years(units),
        }
        .ok()
    }

    /// The most days it can have: so many periods have passed at least.
    const fn most_days(self) -> i64 {
        let days = match self.unit {
            PeriodUnit::Day => 1,
            PeriodUnit::Week => 7,
            PeriodUnit::Month => 31,
            PeriodUnit::Year => 366,
        };
        days * self.count as i64
    }

    /// About how long it is, to compare prices of unlike periods.
    pub(super) const fn about_days(self) -> i64 {
        let days = match self.unit {
            PeriodUnit::Day => 1,
            PeriodUnit::Week => 7,
            PeriodUnit::Month => 30,
            PeriodUnit::Year => 365,
        };
        days * self.count as i64
    }
}

/// Whether there is a time zone of this name in the IANA database.
pub fn is_time_zone(name: &str) -> bool {
    TimeZone::get(name).is_ok()
}

/// Every `period` from `anchor` on, by the clock of a time zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// The moment that all others are counted from.
    #[serde(with = "super::document::micros")]
    pub anchor: Timestamp,
    /// How far they are apart.
    pub period: Period,
    /// An IANA name, e.g. `Europe/Berlin`.
    pub time_zone: String,
}

impl Schedule {
    /// The anchor moved by `steps` periods; nothing beyond the year 9999.
    pub fn step(&self, steps: i64) -> Option<Timestamp> {
        self.at(&self.anchor()?, steps)
    }

    /// The first of its moments after `moment`, the anchor among them.
    pub fn after(&self, moment: Timestamp) -> Option<Timestamp> {
        let anchor = self.anchor()?;
        let days = moment.seconds().checked_sub(self.anchor.seconds())? / 86_400;
        let mut steps = (days / self.period.most_days() - 1).max(0);
        loop {
            let found = self.at(&anchor, steps)?;
            if found > moment {
                return Some(found);
            }
            steps += 1;
        }
    }

    fn anchor(&self) -> Option<Local> {
        let zone = TimeZone::get(&self.time_zone).unwrap_or(TimeZone::UTC);
        let anchor = zone.to_datetime(jiff::Timestamp::from_microsecond(self.anchor.micros()).ok()?);
        Some(Local { zone, anchor })
    }

    fn at(&self, local: &Local, steps: i64) -> Option<Timestamp> {
        let moved = local.anchor.checked_add(self.period.times(steps)?).ok()?;
        Some(Timestamp::from_micros(local.zone.to_timestamp(moved).ok()?.as_microsecond()))
    }
}

/// The anchor by the local clock.
struct Local {
    zone: TimeZone,
    anchor: DateTime,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::date;
    use proptest::prelude::*;

    fn schedule(anchor: &str, unit: PeriodUnit, count: u32, time_zone: &str) -> Schedule {
        let anchor = date(anchor).expect("a date");
        Schedule { anchor, period: Period { unit, count }, time_zone: time_zone.into() }
    }

    fn steps(schedule: &Schedule, count: i64) -> Vec<String> {
        (0..count).filter_map(|step| schedule.step(step)).map(|at| at.to_iso()[..16].to_owned()).collect()
    }

    #[test]
    fn month_ends_come_back_after_a_short_month() {
        let monthly = schedule("2027-12-31T10:00:00Z", PeriodUnit::Month, 1, "UTC");
        let found = steps(&monthly, 5);
        assert_eq!(
            found,
            [
                "2027-12-31T10:00",
                "2028-01-31T10:00",
                "2028-02-29T10:00",
                "2028-03-31T10:00",
                "2028-04-30T10:00"
            ]
        );
        let yearly = schedule("2028-02-29T00:00:00Z", PeriodUnit::Year, 1, "UTC");
        assert_eq!(
            steps(&yearly, 5)[1..],
            ["2029-02-28T00:00", "2030-02-28T00:00", "2031-02-28T00:00", "2032-02-29T00:00"]
        );
    }

    #[test]
    fn the_time_of_day_is_the_stores_own() {
        // 00:30 in Berlin, where the clock goes forward on 28 March 2027 and back on 31 October.
        let monthly = schedule("2027-01-30T23:30:00Z", PeriodUnit::Month, 1, "Europe/Berlin");
        assert_eq!(
            steps(&monthly, 4),
            ["2027-01-30T23:30", "2027-02-27T23:30", "2027-03-30T22:30", "2027-04-29T22:30"]
        );
        let daily = schedule("2027-03-27T01:30:00Z", PeriodUnit::Day, 1, "Europe/Berlin");
        // There is no 02:30 on the 28th: the hour that was left out is added.
        assert_eq!(steps(&daily, 3), ["2027-03-27T01:30", "2027-03-28T01:30", "2027-03-29T00:30"]);
    }

    proptest! {
        #[test]
        fn the_next_one_is_the_first_after(
            anchor in 0_i64..4_000_000_000, later in 0_i64..2_000_000_000, unit in 0_usize..4, count in 1_u32..40,
        ) {
            let schedule = Schedule {
                anchor: Timestamp::from_seconds(anchor),
                period: Period { unit: PeriodUnit::ALL[unit], count },
                time_zone: "America/New_York".into(),
            };
            let moment = Timestamp::from_seconds(anchor + later);
            let next = schedule.after(moment).expect("within the calendar");
            prop_assert!(next > moment);
            let all: Vec<_> = (0..).map_while(|step| schedule.step(step)).take_while(|at| *at <= next).collect();
            prop_assert_eq!(all.last(), Some(&next));
            prop_assert!(all.len() < 2 || all[all.len() - 2] <= moment);
            prop_assert!(all.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }
}

//! A month of the calendar, with the renewals that fall on each of its days. Days are those of UTC.

use crate::dashboard::desk::Desk;
use guildhall_app::{Access, AppError};
use guildhall_domain::Timestamp;
use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

/// A month, week by week from Monday on.
pub(super) struct Month {
    pub name: String,
    pub weeks: Vec<Vec<Option<Day>>>,
    pub previous: Option<String>,
    pub next: Option<String>,
    /// Whether later renewals of the same contracts are counted too.
    pub foreseen: bool,
}

/// A day of it.
pub(super) struct Day {
    pub number: i8,
    /// `2027-01-31`
    pub iso: String,
    /// `January 2027`
    pub month: String,
    pub renewals: u64,
    pub today: bool,
    /// Whether the clock can be moved to its end.
    pub ahead: bool,
}

impl Month {
    /// The month that the query names, or else the one in which the clock stands.
    pub async fn read(desk: &Desk, access: &Access<'_>, now: Timestamp) -> Result<Self, AppError> {
        let today = date_of(now);
        let first = named(desk.query.get("month")).unwrap_or_else(|| today.first_of_month());
        let last = first.last_of_month();
        let until = start_of(last).plus_micros(86_400_000_000);
        let renewals = desk.guildhall().renewal_days(access, start_of(first), until).await?;
        let day = |date: Date| Day {
            number: date.day(),
            iso: date.to_string(),
            month: date.strftime("%B %Y").to_string(),
            renewals: renewals.days.get(&start_of(date).day()).copied().unwrap_or(0),
            today: date == today,
            ahead: date >= today,
        };
        let blank = usize::from(first.weekday().since(Weekday::Monday).unsigned_abs());
        let mut cells: Vec<Option<Day>> = (0..blank).map(|_| None).collect();
        cells.extend(
            std::iter::successors(Some(first), |date| date.tomorrow().ok().filter(|next| *next <= last))
                .map(|date| Some(day(date))),
        );
        cells.resize_with(cells.len().next_multiple_of(7), || None);
        let mut weeks = Vec::new();
        while !cells.is_empty() {
            weeks.push(cells.drain(..7).collect());
        }
        let link = |months: i64| {
            let other =
                first.checked_add(months.months()).ok().filter(|date| YEARS.contains(&date.year()))?;
            Some(format!("{}?month={}", desk.link("/clock"), other.strftime("%Y-%m")))
        };
        Ok(Self {
            name: first.strftime("%B %Y").to_string(),
            weeks,
            previous: link(-1),
            next: link(1),
            foreseen: renewals.foreseen,
        })
    }
}

/// Years that can be leafed through: those that a clock can come to, and those of old dates.
const YEARS: std::ops::RangeInclusive<i16> = 1970..=9990;

/// The first day of a month such as `2027-01`.
fn named(text: &str) -> Option<Date> {
    let (year, month) = text.split_once('-')?;
    let date = Date::new(year.parse().ok()?, month.parse().ok()?, 1).ok()?;
    YEARS.contains(&date.year()).then_some(date)
}

fn date_of(at: Timestamp) -> Date {
    Date::new(1970, 1, 1).ok().and_then(|epoch| epoch.checked_add(at.day().days()).ok()).unwrap_or(Date::ZERO)
}

fn start_of(date: Date) -> Timestamp {
    guildhall_domain::record::date(&date.to_string()).unwrap_or(Timestamp::from_micros(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_named_by_year_and_number() {
        assert_eq!(named("2027-02").map(|date| date.to_string()).as_deref(), Some("2027-02-01"));
        for odd in ["", "2027", "2027-13", "2027-00", "99999-01", "-1-01", "1969-12", "2027-02-01"] {
            assert_eq!(named(odd), None, "{odd}");
        }
    }

    #[test]
    fn days_and_moments_lead_to_each_other() {
        for seconds in [0, 951_782_400, 1_800_000_000] {
            let at = Timestamp::from_seconds(seconds);
            assert_eq!(start_of(date_of(at)).day(), at.day());
        }
    }
}

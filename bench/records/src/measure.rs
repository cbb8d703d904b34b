//! The measures: what is asked, how often, and what came of it.

use crate::Outcome;
use crate::by_hand::Hand;
use crate::setting::{Setting, Table};
use serde_json::{Value, json};
use std::time::Instant;

/// Questions of one kind in a row, before the other side's turn.
const REPEATS: u64 = 200;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// One record by its id.
    Point,
    /// The first 50 with an indexed number from a bound on, by that number.
    RangeByNumber,
    /// The first 50 before a bound of an indexed decimal, largest first.
    RangeByDecimal,
    /// All with one value of an indexed text, some 20, oldest first.
    EqualText,
    /// The newest 50.
    Newest,
}

impl Measure {
    /// All of them.
    pub const ALL: [Measure; 5] = [
        Measure::Point,
        Measure::RangeByNumber,
        Measure::RangeByDecimal,
        Measure::EqualText,
        Measure::Newest,
    ];

    fn about(self) -> &'static str {
        match self {
            Measure::Point => "point read by id",
            Measure::RangeByNumber => "indexed NUMBER ≥ x, ordered by it, 50",
            Measure::RangeByDecimal => "indexed DECIMAL ≤ x, largest first, 50",
            Measure::EqualText => "indexed text = x, oldest first (20 match)",
            Measure::Newest => "all, newest first, 50",
        }
    }

    /// The question with this number as a caller would ask it.
    fn query(self, table: &Table, number: u64) -> Value {
        let bound = number.wrapping_mul(104_729) % table.size;
        match self {
            Measure::Point => {
                let (id, _) = &table.sample[number as usize % table.sample.len()];
                json!({ "findUnique": { "where": { "id": id } } })
            }
            Measure::RangeByNumber => json!({ "findMany": {
                "where": { "n": { "gte": bound } }, "orderBy": { "n": "asc" }, "take": 50 } }),
            Measure::RangeByDecimal => json!({ "findMany": {
                "where": { "score": { "lte": bound / 100 } }, "orderBy": { "score": "desc" }, "take": 50 } }),
            Measure::EqualText => json!({ "findMany": { "where": { "city": city(table, bound) }, "take": 50 } }),
            Measure::Newest => json!({ "findMany": { "orderBy": { "createdAt": "desc" }, "take": 50 } }),
        }
    }

    async fn by_hand(self, hand: &mut Hand, table: &Table, number: u64) -> Outcome<Vec<u8>> {
        let bound = number.wrapping_mul(104_729) % table.size;
        match self {
            Measure::Point => hand.point(table, table.sample[number as usize % table.sample.len()].1).await,
            Measure::RangeByNumber => hand.range_by_number(table, bound as i64).await,
            Measure::RangeByDecimal => hand.range_by_decimal(table, bound as i64 / 100).await,
            Measure::EqualText => hand.equal_text(table, &city(table, bound)).await,
            Measure::Newest => hand.newest(table).await,
        }
    }
}

fn city(table: &Table, bound: u64) -> String {
    format!("city {}", bound % (table.size / 20).clamp(1, crate::setting::CITIES))
}

/// What the rounds of one measure came to, in microseconds for each question.
pub struct Series {
    measure: Measure,
    guildhall: Vec<f64>,
    by_hand: Vec<f64>,
    to_hand: Vec<f64>,
    to_small: Vec<f64>,
}

impl Series {
    /// Of no rounds yet.
    pub fn new(measure: Measure) -> Self {
        let none = Vec::new;
        Self { measure, guildhall: none(), by_hand: none(), to_hand: none(), to_small: none() }
    }

    /// One more round. The sides take turns in going first, and each is warmed up before its turn.
    pub async fn round(
        &mut self,
        round: u64,
        setting: &Setting,
        hand: &mut Hand,
        small: &Table,
        large: &Table,
    ) -> Outcome<()> {
        let first = round * REPEATS;
        if round == 0 {
            self.check(setting, hand, large).await?;
        }
        let (ours, theirs) = if round.is_multiple_of(2) {
            let ours = self.ask_guildhall(setting, large, first).await?;
            (ours, self.ask_by_hand(hand, large, first).await?)
        } else {
            let theirs = self.ask_by_hand(hand, large, first).await?;
            (self.ask_guildhall(setting, large, first).await?, theirs)
        };
        let of_small = self.ask_guildhall(setting, small, first).await?;
        self.guildhall.push(ours);
        self.by_hand.push(theirs);
        self.to_hand.push(ours / theirs);
        self.to_small.push(ours / of_small);
        Ok(())
    }

    /// Both sides must find the same number of records.
    async fn check(&self, setting: &Setting, hand: &mut Hand, table: &Table) -> Outcome<()> {
        let found: Value = serde_json::from_slice(&setting.query(table, &self.measure.query(table, 7)).await?)?;
        let by_hand: Value = serde_json::from_slice(&self.measure.by_hand(hand, table, 7).await?)?;
        let (ours, theirs) = match self.measure {
            Measure::Point => (found["record"]["data"].clone(), by_hand["data"].clone()),
            _ => (
                found["records"].as_array().map_or(0, Vec::len).into(),
                by_hand.as_array().map_or(0, Vec::len).into(),
            ),
        };
        if ours != theirs {
            return Err(format!("{}: {ours} against {theirs}", self.measure.about()).into());
        }
        Ok(())
    }

    async fn ask_guildhall(&self, setting: &Setting, table: &Table, first: u64) -> Outcome<f64> {
        let queries: Vec<_> = (first..first + REPEATS).map(|number| self.measure.query(table, number)).collect();
        setting.query(table, &queries[0]).await?;
        let started = Instant::now();
        for query in &queries {
            std::hint::black_box(setting.query(table, query).await?);
        }
        Ok(started.elapsed().as_secs_f64() * 1e6 / REPEATS as f64)
    }

    async fn ask_by_hand(&self, hand: &mut Hand, table: &Table, first: u64) -> Outcome<f64> {
        self.measure.by_hand(hand, table, first).await?;
        let started = Instant::now();
        for number in first..first + REPEATS {
            std::hint::black_box(self.measure.by_hand(hand, table, number).await?);
        }
        Ok(started.elapsed().as_secs_f64() * 1e6 / REPEATS as f64)
    }

    /// A row of the table.
    pub fn row(&self) -> String {
        let (ours, theirs) = (median(&self.guildhall), median(&self.by_hand));
        let ratio = median(&self.to_hand);
        let lowest = self.to_hand.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = self.to_hand.iter().copied().fold(0.0, f64::max);
        let flatness = median(&self.to_small);
        format!(
            "| {} | {ours:.1} µs | {theirs:.1} µs | **{ratio:.2}** ({lowest:.2}, {highest:.2}) | {flatness:.2} |",
            self.measure.about()
        )
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

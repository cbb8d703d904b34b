//! Medians, ratios and the table.

use crate::engine::Dialect;

/// What was found for one measure on one engine: seconds or bytes, by round, of A and of B.
pub struct Finding {
    pub engine: Dialect,
    pub name: String,
    pub unit: Unit,
    /// Of A and of B, in the order of the rounds.
    pub rounds: [Vec<f64>; 2],
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Seconds,
    Bytes,
}

/// The middle value, or the mean of the two middle ones.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        count if count % 2 == 0 => f64::midpoint(sorted[middle - 1], sorted[middle]),
        _ => sorted[middle],
    }
}

/// The table in Markdown. A ratio is taken within its round.
pub fn table(findings: &[Finding]) -> String {
    let mut lines = vec![
        "| measure | engine | A: one table | B: a table each | B/A | lowest–highest |".to_owned(),
        "|---|---|--:|--:|--:|---|".to_owned(),
    ];
    lines.extend(findings.iter().map(line));
    lines.join("\n")
}

fn line(finding: &Finding) -> String {
    let [a, b] = &finding.rounds;
    let ratios: Vec<f64> = b.iter().zip(a).map(|(b, a)| b / a).collect();
    let known: Vec<f64> = ratios.iter().copied().filter(|ratio| ratio.is_finite()).collect();
    let (ratio, spread) = match known.len() {
        0 => ("–".to_owned(), String::new()),
        1 => (digits(known[0]), "once".to_owned()),
        _ => {
            let lowest = known.iter().copied().fold(f64::INFINITY, f64::min);
            let highest = known.iter().copied().fold(0.0, f64::max);
            (digits(median(&known)), format!("{}–{}", digits(lowest), digits(highest)))
        }
    };
    let show = |values: &[f64]| match finding.unit {
        Unit::Seconds => duration(median(values)),
        Unit::Bytes => format!("{:.0} MiB", median(values) / 1_048_576.0),
    };
    let (engine, name) = (finding.engine.name(), &finding.name);
    format!("| {name} | {engine} | {} | {} | {ratio} | {spread} |", show(a), show(b))
}

fn digits(ratio: f64) -> String {
    let places = match ratio {
        ..0.001 => 5,
        ..0.1 => 4,
        _ => 2,
    };
    format!("{ratio:.places$}")
}

/// A time with a unit that suits it.
pub fn duration(seconds: f64) -> String {
    match seconds {
        0.0 => "nothing to do".into(),
        ..1e-3 => format!("{:.1} µs", seconds * 1e6),
        ..1.0 => format!("{:.2} ms", seconds * 1e3),
        _ => format!("{seconds:.2} s"),
    }
}

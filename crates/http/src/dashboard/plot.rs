//! Plots of a figure over time, as inline SVG: bars for what happened, a line for how high something stood.

use super::when::short_day;
use askama::Template;

/// The height of a plot's area, in its own units.
const HEIGHT: i64 = 120;
/// The distance from one value to the next.
const STEP: i64 = 20;

/// Days that plots are drawn for, and how they are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// As the address says it, and how long it is.
    pub days: i64,
    /// What people call it.
    pub name: &'static str,
    /// Days that one bar is for.
    pub bar_days: usize,
    /// Days from one point of a line to the next.
    pub line_days: usize,
}

impl Span {
    /// All there are. Whole weeks, so that every bar is for as many days.
    pub const ALL: [Self; 3] = [
        Self { days: 30, name: "30 days", bar_days: 1, line_days: 1 },
        Self { days: 91, name: "13 weeks", bar_days: 7, line_days: 1 },
        Self { days: 364, name: "52 weeks", bar_days: 7, line_days: 7 },
    ];

    /// The one with so many days; the shortest if there is none.
    pub fn of(days: &str) -> Self {
        let days = days.parse().unwrap_or(0);
        Self::ALL.into_iter().find(|span| span.days == days).unwrap_or(Self::ALL[0])
    }

    /// `day` or `week`: what a bar is for.
    pub const fn bar(self) -> &'static str {
        if self.bar_days == 1 { "day" } else { "week" }
    }
}

/// One plot.
#[derive(Template)]
#[template(path = "dashboard/plot.html")]
pub(super) struct Plot {
    id: String,
    summary: String,
    bars: bool,
    width: i64,
    marks: Vec<Mark>,
    points: String,
    top: String,
    first: String,
    last: String,
}

/// Everything in it is a number or ours, and the template escapes it.
impl askama::filters::HtmlSafe for Plot {}

/// A value in its place.
struct Mark {
    x: i64,
    y: i64,
    height: i64,
    title: String,
}

impl Plot {
    /// What happened on each day up to today, as bars. `id` is unique on the page; `shown` writes a value.
    pub fn bars(
        id: &str,
        what: &str,
        series: &[i64],
        today: i64,
        span: Span,
        shown: impl Fn(i64) -> String,
    ) -> Self {
        let days = span.bar_days;
        let first_day = today - series.len() as i64 + 1;
        let sums: Vec<i64> = series.chunks(days).map(|chunk| chunk.iter().sum()).collect();
        let top = sums.iter().copied().max().unwrap_or(0).max(1);
        let marks = sums.iter().zip(0..).map(|(value, place)| {
            // A single one must be seen beside a thousand.
            let height = if *value <= 0 { 0 } else { scaled(*value, top).max(2) };
            let from = first_day + place * days as i64;
            let until = from + days as i64 - 1;
            let when = if days == 1 {
                short_day(from)
            } else {
                format!("{} to {}", short_day(from), short_day(until))
            };
            Mark { x: place * STEP, y: HEIGHT - height, height, title: format!("{when}: {}", shown(*value)) }
        });
        let (from, until) = (short_day(first_day), short_day(today));
        let total: i64 = series.iter().sum();
        Self {
            id: id.to_owned(),
            summary: format!(
                "{what}: {} from {from} to {until}, {} at most in a {}",
                shown(total),
                shown(top),
                span.bar()
            ),
            bars: true,
            width: sums.len() as i64 * STEP,
            marks: marks.collect(),
            points: String::new(),
            top: format!("{} at most", shown(top)),
            first: from,
            last: until,
        }
    }

    /// How high something stood at the end of each day up to today, as a line.
    pub fn line(
        id: &str,
        what: &str,
        series: &[i64],
        today: i64,
        span: Span,
        shown: impl Fn(i64) -> String,
    ) -> Self {
        let days = span.line_days;
        let first_day = today - series.len() as i64 + 1;
        // The last day of each stretch, so that the line ends with today.
        let levels: Vec<(i64, i64)> =
            (first_day..).zip(series.iter().copied()).skip(days - 1).step_by(days).collect();
        let top = levels.iter().map(|(_, value)| *value).max().unwrap_or(0).max(1);
        let mut points = Vec::with_capacity(levels.len());
        let marks = levels.iter().zip(0..).map(|((day, value), place)| {
            let y = HEIGHT - scaled((*value).max(0), top);
            points.push(format!("{},{y}", place * STEP + STEP / 2));
            Mark {
                x: place * STEP,
                y: 0,
                height: HEIGHT,
                title: format!("{}: {}", short_day(*day), shown(*value)),
            }
        });
        let marks: Vec<_> = marks.collect();
        let (from, until) = (short_day(levels.first().map_or(today, |(day, _)| *day)), short_day(today));
        let ends = |end: Option<&(i64, i64)>| shown(end.map_or(0, |(_, value)| *value));
        Self {
            id: id.to_owned(),
            summary: format!(
                "{what}: {} on {from}, {} on {until}, {} at most",
                ends(levels.first()),
                ends(levels.last()),
                shown(top)
            ),
            bars: false,
            width: levels.len() as i64 * STEP,
            marks,
            points: points.join(" "),
            top: format!("{} at most", shown(top)),
            first: from,
            last: until,
        }
    }

    /// Where the line's area comes back to the axis.
    fn end(&self) -> i64 {
        self.width - STEP / 2
    }
}

/// `value` of `top` in the plot's own units.
fn scaled(value: i64, top: i64) -> i64 {
    i64::try_from(i128::from(value) * i128::from(HEIGHT) / i128::from(top.max(1))).unwrap_or(HEIGHT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_add_up_whole_weeks_and_lines_end_with_today() {
        let series: Vec<i64> = (1..=364).collect();
        let span = Span::of("364");
        let bars = Plot::bars("a", "A", &series, 20_000, span, |value| value.to_string());
        assert_eq!((bars.marks.len(), bars.width), (52, 52 * STEP));
        let sum: i64 = (358..=364).sum();
        assert!(bars.marks[51].title.ends_with(&format!(": {sum}")), "{}", bars.marks[51].title);
        assert_eq!((bars.marks[51].y, bars.marks[51].height), (0, HEIGHT));
        let line = Plot::line("b", "B", &series, 20_000, span, |value| value.to_string());
        assert_eq!(line.marks.len(), 52);
        assert!(line.marks[51].title.ends_with(": 364") && line.marks[0].title.ends_with(": 7"));
        assert!(line.points.ends_with(&format!("{},0", 51 * STEP + STEP / 2)), "{}", line.points);
    }

    #[test]
    fn nothing_and_much_can_be_drawn() {
        for series in [vec![0; 30], vec![i64::MAX / 2; 1], vec![-5; 30]] {
            let shown = |value: i64| value.to_string();
            for plot in [
                Plot::bars("a", "A", &series, 100, Span::ALL[0], shown),
                Plot::line("b", "B", &series, 100, Span::ALL[0], shown),
            ] {
                assert!(plot.marks.iter().all(|mark| (0..=HEIGHT).contains(&mark.height)));
                assert!(plot.render().expect("it is written").contains("<svg"));
            }
        }
        assert_eq!((Span::of("91").days, Span::of("x").days, Span::of("-1").days), (91, 30, 30));
    }
}

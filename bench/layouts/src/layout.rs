//! What a storage layout has to say, and the questions that are asked of each alike.

use crate::engine::Dialect;
use crate::sample::{
    COMMON, ENVIRONMENT, FIELDS, Field, MEASURED, NOTES, Record, SCORE, SEGMENT, Sample, mix, signed,
};
use crate::value::{Row, Value};
use anyhow::Result;
use serde_json::{Map, Value as Json};

/// A record as the API would show it.
pub type Object = Map<String, Json>;

/// One way to store the records of data tables.
pub trait Layout {
    fn name(&self) -> &'static str;

    /// What there is before the first data table is defined.
    fn create(&self, dialect: Dialect) -> String;

    /// What defining a data table with [`FIELDS`] does.
    fn define(&self, dialect: Dialect, table: i64) -> String;

    /// What removing a data table with its records does.
    fn undefine(&self, dialect: Dialect, table: i64) -> String;

    fn insert(&self, dialect: Dialect, table: i64) -> String;

    /// What [`Layout::insert`] takes.
    fn row(&self, table: i64, record: &Record) -> Vec<Value>;

    /// What to select for [`Layout::object`].
    fn columns(&self, dialect: Dialect) -> String;

    /// `FROM …` and the conditions that every question has, with `AND` at the end.
    fn from(&self, table: i64) -> String;

    /// The expression for a field. It is what the field's index is on.
    fn field(&self, dialect: Dialect, field: &Field) -> String;

    fn object(&self, row: &Row<'_>) -> Result<Object>;

    /// Makes room for a field, if that takes anything.
    fn add(&self, dialect: Dialect, table: i64, field: &Field) -> Option<String>;

    fn index(&self, dialect: Dialect, table: i64, field: &Field) -> String;

    /// Removes all that a field held. It has no index any more.
    fn remove(&self, dialect: Dialect, table: i64, field: &Field) -> String;
}

/// The name of a field's index.
pub fn index_name(table: i64, field: &Field) -> String {
    format!("records_{table}_{}", field.column)
}

/// The indexes of the fields that have one, as statements.
pub fn indexes(layout: &dyn Layout, dialect: Dialect, table: i64) -> String {
    let indexed = FIELDS.iter().filter(|field| field.indexed);
    indexed.map(|field| layout.index(dialect, table, field)).collect::<Vec<_>>().join(";\n")
}

/// A question that is timed.
pub struct Question {
    pub name: &'static str,
    /// How often it is asked in a round, at most.
    pub times: u64,
    pub sql: fn(&dyn Layout, Dialect) -> String,
    /// The values for the time of this number.
    pub params: fn(&Sample, u64) -> Vec<Value>,
    pub answer: Answer,
}

/// What is done with the rows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Each becomes a JSON object.
    Objects,
    /// There is one number.
    Number,
    /// The first column is handed through as it lies. Only the one table can do that.
    Document,
}

/// A page of whole records of the measured data table.
pub fn page(layout: &dyn Layout, dialect: Dialect, rest: &str) -> String {
    format!("SELECT {} FROM {} {rest}", layout.columns(dialect), layout.from(MEASURED))
}

/// A page where the segment is one value, in some order.
fn segment(layout: &dyn Layout, dialect: Dialect, order: &str) -> String {
    let field = layout.field(dialect, SEGMENT);
    page(layout, dialect, &format!("environment = $1 AND {field} = $2 ORDER BY {order} LIMIT 50"))
}

/// The same, where SQLite may only take the index of the score.
pub fn by_score_in_order(layout: &dyn Layout, dialect: Dialect) -> String {
    let segment = layout.field(dialect, SEGMENT);
    by_score(layout, dialect).replace(&format!("{segment} = $2"), &format!("+{segment} = $2"))
}

/// The same, where SQLite may only take the index of the segment.
pub fn by_score_sorted(layout: &dyn Layout, dialect: Dialect) -> String {
    let score = layout.field(dialect, SCORE);
    by_score(layout, dialect).replace(&format!("ORDER BY {score}"), &format!("ORDER BY +{score}"))
}

/// The question that an index answers in order only if the key is its last column.
pub fn by_key(layout: &dyn Layout, dialect: Dialect) -> String {
    segment(layout, dialect, "key")
}

/// The question where an engine may take the wrong index.
pub fn by_score(layout: &dyn Layout, dialect: Dialect) -> String {
    let score = layout.field(dialect, SCORE);
    segment(layout, dialect, &format!("{score} ASC NULLS LAST, key ASC"))
}

pub fn common(_: &Sample, _: u64) -> Vec<Value> {
    vec![ENVIRONMENT.into(), COMMON.into()]
}

pub fn rare(sample: &Sample, time: u64) -> Vec<Value> {
    vec![ENVIRONMENT.into(), sample.rare(time).into()]
}

/// The environment as the range of its keys, for questions that no index of a field helps.
const WITHIN: &str = "key >= $1 AND key < $2";

/// The values for [`WITHIN`].
fn within(_: &Sample, _: u64) -> Vec<Value> {
    vec![(ENVIRONMENT << 40).into(), ((ENVIRONMENT + 1) << 40).into()]
}

fn random_key(sample: &Sample, time: u64) -> Vec<Value> {
    vec![sample.key(mix(time) % sample.records).into()]
}

/// A hundredth of the scores, somewhere.
fn range(sample: &Sample, time: u64) -> Vec<Value> {
    let least = signed(mix(time) % (sample.records * 98 / 100));
    vec![ENVIRONMENT.into(), least.into(), (least + signed(sample.records / 100)).into()]
}

pub const QUESTIONS: [Question; 12] = [
    Question {
        name: "point read by key",
        times: 5_000,
        sql: |layout, dialect| page(layout, dialect, "key = $1"),
        params: random_key,
        answer: Answer::Objects,
    },
    Question {
        name: "point read by key, A's document handed through unparsed",
        times: 5_000,
        sql: |layout, dialect| match layout.name() {
            "A" => format!(
                "SELECT {}, id, owner, created_at, updated_at FROM {} key = $1",
                dialect.pick("document", "CAST(document AS TEXT)"),
                layout.from(MEASURED)
            ),
            _ => page(layout, dialect, "key = $1"),
        },
        params: random_key,
        answer: Answer::Document,
    },
    Question {
        name: "page of 50: range of an indexed number, in its order",
        times: 300,
        sql: |layout, dialect| {
            let score = layout.field(dialect, SCORE);
            let rest = format!(
                "environment = $1 AND {score} >= $2 AND {score} < $3 ORDER BY {score} ASC, key ASC LIMIT 50"
            );
            page(layout, dialect, &rest)
        },
        params: range,
        answer: Answer::Objects,
    },
    Question {
        name: "page of 50: all, by an indexed number, empty ones last",
        times: 300,
        sql: |layout, dialect| {
            let score = layout.field(dialect, SCORE);
            let rest = format!("environment = $1 ORDER BY {score} ASC NULLS LAST, key ASC LIMIT 50");
            page(layout, dialect, &rest)
        },
        params: |_, _| vec![ENVIRONMENT.into()],
        answer: Answer::Objects,
    },
    Question {
        name: "page of 50: equality with ~20, by key",
        times: 300,
        sql: by_key,
        params: rare,
        answer: Answer::Objects,
    },
    Question {
        name: "page of 50: equality with a fifth of all, by key",
        times: 300,
        sql: by_key,
        params: common,
        answer: Answer::Objects,
    },
    Question {
        name: "page of 50: equality with ~20, by an indexed number",
        times: 300,
        sql: by_score,
        params: rare,
        answer: Answer::Objects,
    },
    Question {
        name: "page of 50: equality with a fifth of all, by an indexed number",
        times: 3,
        sql: by_score,
        params: common,
        answer: Answer::Objects,
    },
    Question {
        name: "page of 50: newest first",
        times: 300,
        sql: |layout, dialect| {
            page(layout, dialect, "environment = $1 ORDER BY created_at DESC, key DESC LIMIT 50")
        },
        params: |_, _| vec![ENVIRONMENT.into()],
        answer: Answer::Objects,
    },
    Question {
        name: "count: equality with a fifth of all",
        times: 5,
        sql: |layout, dialect| {
            let field = layout.field(dialect, SEGMENT);
            format!("SELECT count(*) FROM {} environment = $1 AND {field} = $2", layout.from(MEASURED))
        },
        params: common,
        answer: Answer::Number,
    },
    Question {
        name: "count: an unindexed truth value",
        times: 2,
        sql: |layout, dialect| {
            let field = layout.field(dialect, &FIELDS[3]);
            format!("SELECT count(*) FROM {} {WITHIN} AND {field}", layout.from(MEASURED))
        },
        params: within,
        answer: Answer::Number,
    },
    Question {
        name: "scan: an unindexed text contains what none has",
        times: 2,
        sql: |layout, dialect| {
            let (function, field) = (dialect.pick("instr", "strpos"), layout.field(dialect, NOTES));
            let rest = format!("{WITHIN} AND {function}({field}, $3) > 0 ORDER BY key LIMIT 50");
            page(layout, dialect, &rest)
        },
        params: |sample, time| [within(sample, time), vec!["quicksand".into()]].concat(),
        answer: Answer::Objects,
    },
];

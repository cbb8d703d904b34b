//! What is timed. A and B take turns, backwards in every second round.

use crate::engine::{Dialect, Engine};
use crate::layout::{Answer, Layout, QUESTIONS, Question, index_name};
use crate::report::{Finding, Unit};
use crate::sample::{ADDED, EMAIL, MEASURED, SECOND, Sample};
use crate::value::Value;
use anyhow::{Result, ensure};
use std::hash::{DefaultHasher, Hasher};
use std::time::{Duration, Instant};

/// Records that are inserted in one transaction.
const BATCH: u64 = 500;
/// The number of the first of the further data tables, and of the one after the last.
const OTHERS: std::ops::Range<i64> = 3..23;
const ROUNDS: u64 = 5;
/// Of what takes seconds.
const ROUNDS_LONG: u64 = 3;

/// A round of a question is over after this time, however often it has been asked.
const ROUND_MAX: Duration = Duration::from_secs(2);
/// Answers that are compared.
const DIGESTED: u64 = 6;

/// A layout with its database.
pub struct Store {
    pub layout: &'static dyn Layout,
    pub engine: Engine,
}

/// A and B on one engine, and what was found about them.
pub struct Pair {
    pub stores: [Store; 2],
    pub sample: Sample,
    pub findings: Vec<Finding>,
}

impl Pair {
    pub fn dialect(&self) -> Dialect {
        self.stores[0].engine.dialect()
    }

    /// Lets A and B take turns at something that says what it took.
    async fn rounds(
        &mut self,
        name: impl Into<String>,
        rounds: u64,
        mut work: impl AsyncFnMut(&mut Store, Sample, u64) -> Result<f64>,
    ) -> Result<()> {
        let name = name.into();
        eprintln!("{}: {name}", self.dialect().name());
        let mut taken = [Vec::new(), Vec::new()];
        for round in 0..rounds {
            for turn in 0..2 {
                let which = if round % 2 == 0 { turn } else { 1 - turn };
                taken[which].push(work(&mut self.stores[which], self.sample, round).await?);
            }
        }
        self.findings.push(Finding { engine: self.dialect(), name, unit: Unit::Seconds, rounds: taken });
        Ok(())
    }

    /// Everything but the last of the measured records, unmeasured but for the whole.
    pub async fn load(&mut self) -> Result<()> {
        for store in &mut self.stores {
            let dialect = store.engine.dialect();
            store.engine.run(&store.layout.create(dialect)).await?;
            for table in [MEASURED, SECOND] {
                store.engine.run(&store.layout.define(dialect, table)).await?;
            }
        }
        let name = "load: a record, five sixths of them of the measured data table, pipelined";
        self.rounds(name, 1, async |store, sample, _| {
            let mut taken = 0.0;
            let body = sample.body();
            for start in (0..body).step_by(2_500) {
                let end = (start + 2_500).min(body);
                let measured: Vec<Vec<Value>> =
                    (start..end).map(|number| store.layout.row(MEASURED, &sample.measured(number))).collect();
                let second: Vec<Vec<Value>> = (start..end)
                    .flat_map(|after| {
                        let numbers = sample.second_before(after)..sample.second_before(after + 1);
                        numbers.map(move |number| sample.of_second(number, after))
                    })
                    .map(|record| store.layout.row(SECOND, &record))
                    .collect();
                taken += insert(store, MEASURED, &measured, true).await?;
                taken += insert(store, SECOND, &second, true).await?;
            }
            Ok(taken / (body + sample.second) as f64)
        })
        .await
    }

    /// The last of the measured records, in transactions of [`BATCH`].
    pub async fn insert_tail(&mut self) -> Result<()> {
        let tail = self.sample.tail / ROUNDS;
        let first = self.sample.body();
        self.insert_more("insert: a record, in transactions of 500", first, tail).await
    }

    async fn insert_more(&mut self, name: &str, first: u64, count: u64) -> Result<()> {
        self.rounds(name, ROUNDS, async |store, sample, round| {
            let first = first + round * count;
            let rows: Vec<Vec<Value>> = (first..first + count)
                .map(|number| store.layout.row(MEASURED, &sample.measured(number)))
                .collect();
            let mut taken = 0.0;
            for batch in rows.chunks(BATCH as usize) {
                taken += insert(store, MEASURED, batch, false).await?;
            }
            Ok(taken / count as f64)
        })
        .await
    }

    pub async fn analyze(&mut self) -> Result<()> {
        for store in &self.stores {
            store.engine.run(store.engine.dialect().pick("ANALYZE", "VACUUM (ANALYZE)")).await?;
            store.engine.settle().await?;
        }
        Ok(())
    }

    pub async fn ask(&mut self) -> Result<()> {
        for question in &QUESTIONS {
            let mut digests = Vec::new();
            for store in &mut self.stores {
                digests.push(digest(store, self.sample, question).await?);
                // For warmth, and so that PostgreSQL has settled on a plan.
                ask(store, self.sample, question, ROUNDS).await?;
            }
            let same = digests[0] == digests[1] || question.answer == Answer::Document;
            ensure!(same, "A and B answer differently: {}", question.name);
            self.rounds(question.name, ROUNDS, async |store, sample, round| {
                ask(store, sample, question, round).await
            })
            .await?;
        }
        Ok(())
    }

    pub async fn weigh(&mut self) -> Result<()> {
        let mut sizes = Vec::new();
        for store in &mut self.stores {
            store.engine.settle().await?;
            sizes.push(store.engine.size().await?);
        }
        let (a, b) = (sizes[0], sizes[1]);
        for (name, a, b) in [("size: tables", a.0, b.0), ("size: indexes", a.1, b.1)] {
            self.findings.push(Finding {
                engine: self.dialect(),
                name: name.into(),
                unit: Unit::Bytes,
                rounds: [vec![a as f64], vec![b as f64]],
            });
        }
        Ok(())
    }

    /// Fields that come and go, while nobody else is there.
    pub async fn change_fields(&mut self) -> Result<()> {
        self.rounds("index a field that all records fill", ROUNDS_LONG, async |store, _, _| {
            let dialect = store.engine.dialect();
            let taken = run(store, Some(store.layout.index(dialect, MEASURED, EMAIL))).await?;
            run(store, Some(format!("DROP INDEX {}", index_name(MEASURED, EMAIL)))).await?;
            Ok(taken)
        })
        .await?;
        self.rounds("add a field", 1, async |store, _, _| {
            run(store, store.layout.add(store.engine.dialect(), MEASURED, ADDED)).await
        })
        .await?;
        self.rounds("index the added field, which is empty", ROUNDS_LONG, async |store, _, _| {
            let dialect = store.engine.dialect();
            let taken = run(store, Some(store.layout.index(dialect, MEASURED, ADDED))).await?;
            run(store, Some(format!("DROP INDEX {}", index_name(MEASURED, ADDED)))).await?;
            Ok(taken)
        })
        .await?;
        self.rounds("remove the added field, which is empty", ROUNDS_LONG, async |store, _, round| {
            let dialect = store.engine.dialect();
            let Some(addition) = store.layout.add(dialect, MEASURED, ADDED) else {
                return Ok(0.0);
            };
            if round > 0 {
                run(store, Some(addition)).await?;
            }
            run(store, Some(store.layout.remove(dialect, MEASURED, ADDED))).await
        })
        .await
    }

    /// Data tables beside the measured one, and what they cost it.
    pub async fn define_others(&mut self) -> Result<()> {
        let count = OTHERS.end - OTHERS.start;
        let name = "define one of 20 further data tables with five indexed fields";
        self.rounds(name, count.cast_unsigned(), async |store, _, round| {
            let table = OTHERS.start + round.cast_signed();
            run(store, Some(store.layout.define(store.engine.dialect(), table))).await
        })
        .await?;
        let count = (self.sample.tail / ROUNDS / 4).max(BATCH);
        let name = "insert: a record, with 20 further data tables (empty)";
        self.insert_more(name, self.sample.records, count).await?;
        let read = &QUESTIONS[0];
        let name = format!("{}, with 20 further data tables (empty)", read.name);
        self.rounds(name, ROUNDS, async |store, sample, round| ask(store, sample, read, round).await).await?;
        for store in &mut self.stores {
            for table in OTHERS {
                let removal = store.layout.undefine(store.engine.dialect(), table);
                run(store, Some(removal)).await?;
            }
        }
        Ok(())
    }

    /// What cannot be done twice.
    pub async fn remove(&mut self) -> Result<()> {
        self.rounds("remove a field that all records fill", 1, async |store, _, _| {
            let removal = store.layout.remove(store.engine.dialect(), MEASURED, EMAIL);
            run(store, Some(removal)).await
        })
        .await?;
        self.rounds("remove the second data table with its records", 1, async |store, _, _| {
            let removal = store.layout.undefine(store.engine.dialect(), SECOND);
            run(store, Some(removal)).await
        })
        .await
    }
}

/// Seconds that it takes to insert rows, all of one batch.
async fn insert(store: &mut Store, table: i64, rows: &[Vec<Value>], pipelined: bool) -> Result<f64> {
    let sql = store.layout.insert(store.engine.dialect(), table);
    let start = Instant::now();
    store.engine.insert(&sql, rows, pipelined).await?;
    Ok(start.elapsed().as_secs_f64())
}

/// Seconds that a change of the schema takes, with whatever else was written settled before.
async fn run(store: &mut Store, sql: Option<String>) -> Result<f64> {
    let Some(sql) = sql else {
        return Ok(0.0);
    };
    store.engine.settle().await?;
    let start = Instant::now();
    store.engine.run(&format!("BEGIN; {sql}; COMMIT")).await?;
    Ok(start.elapsed().as_secs_f64())
}

/// Seconds that it takes to ask once, on average over a round.
async fn ask(store: &mut Store, sample: Sample, question: &Question, round: u64) -> Result<f64> {
    let sql = (question.sql)(store.layout, store.engine.dialect());
    let start = Instant::now();
    let mut asked = 0;
    while asked < question.times && start.elapsed() < ROUND_MAX {
        let params = (question.params)(&sample, round * question.times + asked);
        answer(store, &sql, &params, question.answer, &mut |_| {}).await?;
        asked += 1;
    }
    Ok(start.elapsed().as_secs_f64() / asked as f64)
}

/// A digest of the first answers.
async fn digest(store: &mut Store, sample: Sample, question: &Question) -> Result<u64> {
    let sql = (question.sql)(store.layout, store.engine.dialect());
    let mut hasher = DefaultHasher::new();
    for time in 0..question.times.min(DIGESTED) {
        let params = (question.params)(&sample, time);
        answer(store, &sql, &params, question.answer, &mut |bytes| hasher.write(bytes)).await?;
    }
    Ok(hasher.finish())
}

/// Asks, makes of the rows what is wanted, and shows it to `see`.
async fn answer(
    store: &mut Store,
    sql: &str,
    params: &[Value],
    wanted: Answer,
    see: &mut dyn FnMut(&[u8]),
) -> Result<()> {
    let layout = store.layout;
    let mut out = Vec::new();
    let take = &mut |row: &crate::value::Row<'_>| {
        match wanted {
            Answer::Number => out.extend(row.some_int(0)?.to_le_bytes()),
            Answer::Document if layout.name() == "A" => out.extend(row.some_text(0)?.as_bytes()),
            Answer::Objects | Answer::Document => serde_json::to_writer(&mut out, &layout.object(row)?)?,
        }
        Ok(())
    };
    store.engine.each(sql, params, take).await?;
    see(&out);
    Ok(())
}

//! Random sequences of what is done with contracts, and of time that passes: SQLite and PostgreSQL answer the same, keep
//! the same, tell the same, and what must hold of contracts holds after every step.
//!
//! `PROPTEST_CASES` sets how many sequences are tried; what failed once is kept in the file of regressions beside this one
//! and tried first. The same machine without a database is in `domain/src/contract/tests.rs`.

#[path = "contracts_agree/bench.rs"]
mod bench;
#[path = "contracts_agree/operation.rs"]
mod operation;

use bench::Bench;
use guildhall_testkit::Engine;
use operation::{Operation, cases};
use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, TestError, TestRunner};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// How many sequences are tried if `PROPTEST_CASES` says nothing.
const CASES: u32 = 12;

/// How often each answer was agreed on.
type Tally = RefCell<BTreeMap<String, u32>>;

#[test]
fn the_engines_agree_on_whatever_is_done() {
    let regressions = FileFailurePersistence::Direct("tests/contracts_agree/regressions.txt");
    let mut config = Config { failure_persistence: Some(Box::new(regressions)), ..Config::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = CASES;
    }
    config.max_shrink_time = 20_000;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime starts");
    let mut benches = runtime
        .block_on(async { [Bench::start(Engine::Sqlite).await, Bench::start(Engine::Postgres).await] });
    let tally = Tally::default();
    let outcome = {
        let benches = RefCell::new(&mut benches);
        TestRunner::new(config).run(&cases(), |case| {
            runtime.block_on(agree(&mut benches.borrow_mut(), &case, &tally)).map_err(TestCaseError::fail)
        })
    };
    if let Err(TestError::Fail(reason, case)) = &outcome {
        panic!("{reason}\nsmallest case: {case:#?}");
    }
    outcome.expect("the cases ran");
    let tally = tally.into_inner();
    println!("agreed on: {tally:#?}");
    for answer in ["created", "changed", "attempt changed", "advanced", "free plan added", "member deleted"] {
        assert!(tally.get(answer).is_some_and(|count| *count > 0), "no case got to \"{answer}\": {tally:?}");
    }
}

async fn agree(benches: &mut [Bench; 2], case: &[Operation], tally: &Tally) -> Result<(), String> {
    let [sqlite, postgres] = benches;
    sqlite.begin().await;
    postgres.begin().await;
    for (step, operation) in case.iter().enumerate() {
        let (here, there) = (sqlite.apply(operation).await, postgres.apply(operation).await);
        if here != there {
            return Err(format!("step {step}, {operation:?}: SQLite says {here:?}, PostgreSQL {there:?}"));
        }
        let answer = here.map_or_else(|refusal| refusal, str::to_owned);
        let answer = answer.split(':').next().unwrap_or_default().to_owned();
        *tally.borrow_mut().entry(answer).or_default() += 1;
        let (here, there) = (sqlite.snapshot().await, postgres.snapshot().await);
        if let Some(difference) = difference("", &here, &there) {
            return Err(format!("after step {step}, {operation:?}: {difference}"));
        }
    }
    Ok(())
}

/// The first place where two values differ.
fn difference(path: &str, here: &Value, there: &Value) -> Option<String> {
    match (here, there) {
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            a.iter().find_map(|(key, value)| difference(&format!("{path}/{key}"), value, &b[key]))
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => a
            .iter()
            .zip(b)
            .enumerate()
            .find_map(|(place, (a, b))| difference(&format!("{path}/{place}"), a, b)),
        _ => (here != there).then(|| format!("{path}: SQLite has {here:#}, PostgreSQL {there:#}")),
    }
}

//! Random tables, records and queries: SQLite, PostgreSQL and a model in memory answer the same, byte for
//! byte.
//!
//! A case is a few lists of bytes, out of which `guildhall_model::generate` makes tables, then changes
//! one after the other, then queries. `PROPTEST_CASES` sets how many cases are tried; what failed once
//! is kept in the file of regressions beside this one and tried first.

#[path = "records_agree/engine.rs"]
mod engine;

use engine::Bench;
use guildhall_domain::data_table::{DataTable, FieldKind};
use guildhall_model::generate::{Choices, query, schema, step};
use guildhall_model::{Member, World};
use guildhall_testkit::Engine;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, FileFailurePersistence, TestError, TestRunner};
use serde_json::json;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::io::Write;

/// How many cases are tried if `PROPTEST_CASES` says nothing.
const CASES: u32 = 30;

/// Members of each case: whether the id came from elsewhere, and when the member was made if not now.
const MEMBERS: [(bool, Option<&str>); 5] = [
    (false, None),
    (true, Some("2020-01-01T00:00:00.000Z")),
    (false, Some("2020-01-01T00:00:00.000Z")),
    (true, None),
    (false, Some("2019-01-01T00:00:00.500Z")),
];

#[derive(Clone, Debug)]
struct Case {
    schema: Vec<u8>,
    steps: Vec<Vec<u8>>,
    queries: Vec<Vec<u8>>,
}

fn cases() -> impl Strategy<Value = Case> {
    let bytes = |most| vec(any::<u8>(), 0..most);
    let parts = (bytes(200), vec(bytes(120), 20..60), vec(bytes(160), 60..100));
    parts.prop_map(|(schema, steps, queries)| Case { schema, steps, queries })
}

/// What has been compared so far: how often each kind of answer was agreed on.
type Tally = RefCell<BTreeMap<&'static str, u32>>;

fn count(tally: &Tally, done: &'static str, answer: &Answer) {
    *tally.borrow_mut().entry(answer.as_ref().err().unwrap_or(&done)).or_default() += 1;
}

#[test]
fn sqlite_postgres_and_the_model_agree() {
    let regressions = FileFailurePersistence::Direct("tests/records_agree/regressions.txt");
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
    let mut runner = TestRunner::new(config);
    let outcome = {
        let benches = RefCell::new(&mut benches);
        runner.run(&cases(), |case| {
            runtime.block_on(agree(&mut benches.borrow_mut(), &case, &tally)).map_err(TestCaseError::fail)
        })
    };
    if let Err(TestError::Fail(reason, case)) = &outcome {
        panic!("{reason}\nsmallest case: {case:?}");
    }
    outcome.expect("the cases ran");
    let tally = tally.into_inner();
    // Shown with `--nocapture`.
    writeln!(std::io::stdout(), "agreed on: {tally:?}").expect("figures are printed");
    assert!(tally["done"] > tally["field_value_invalid"] && tally["found"] > tally["record_query_invalid"]);
}

async fn agree(benches: &mut [Bench; 2], case: &Case, tally: &Tally) -> Result<(), String> {
    let tables = schema(&mut Choices::new(&case.schema));
    for bench in benches.iter_mut() {
        bench.begin(&tables, &MEMBERS).await;
    }
    let mut world = World::new(benches[0].tables(), benches[0].now());
    for (index, (_, created_at)) in MEMBERS.iter().enumerate() {
        let created_at =
            created_at.map_or(world.now, |text| guildhall_domain::record::date(text).expect("a date"));
        let number = index as i64 + 1;
        world.members.insert(number, Member { email: Bench::email(number), created_at });
    }
    for bytes in &case.steps {
        let step = step(&mut Choices::new(bytes), &world);
        let before = world.clone();
        let expected = world.apply_step(&step).map_err(|code| code.name());
        for bench in benches.iter_mut() {
            let answered = bench.apply(&before, &step).await;
            differ(bench, &before, &step, &expected, &answered)?;
        }
        count(tally, "done", &expected);
    }
    let whole = world.tables.iter().flat_map(|table| {
        [json!({"findMany": {}}), json!({"findMany": {"_count": true}})].map(|query| (table.number, query))
    });
    let random = case.queries.iter().map(|bytes| query(&mut Choices::new(bytes), &world));
    for (table, query) in whole.chain(random).collect::<Vec<_>>() {
        let expected = world.query(table, Some(&query)).map_err(|code| code.name());
        for bench in benches.iter_mut() {
            let answered = bench.query(&world, table, &query).await;
            differ(bench, &world, &(&world.table(table).key, query.to_string()), &expected, &answered)?;
        }
        count(tally, "found", &expected);
    }
    Ok(())
}

type Answer = Result<String, &'static str>;

fn differ(
    bench: &Bench,
    world: &World,
    asked: &impl std::fmt::Debug,
    expected: &Answer,
    answered: &Answer,
) -> Result<(), String> {
    if expected == answered {
        return Ok(());
    }
    let fields = |table: &DataTable| {
        let fields = table.fields.iter().map(|field| {
            let marks = [(field.required, "!"), (field.unique, " unique")];
            let marks: String = marks.iter().filter(|(is, _)| *is).map(|(_, mark)| *mark).collect();
            format!("{}{marks} -> {:?}", field.key, field.referenced_table)
        });
        format!("{} {}: {}", table.number, table.key, fields.collect::<Vec<_>>().join(", "))
    };
    let tables: Vec<_> = world.tables.iter().map(fields).collect();
    let rows = world
        .shelves
        .iter()
        .flat_map(|(table, shelf)| shelf.rows.values().map(move |row| format!("{table}: {row:?}")));
    let rows: Vec<_> = rows.collect();
    Err(format!(
        "{} disagrees with the model about {asked:?}\nmodel:  {expected:?}\nengine: {answered:?}\n{}\n{}\nmembers: {:?}",
        bench.name(),
        tables.join("\n"),
        rows.join("\n"),
        world.member_ids(),
    ))
}

#[test]
fn fields_of_every_kind_are_among_the_cases() {
    let mut runner = TestRunner::deterministic();
    let mut kinds = HashSet::new();
    for _ in 0..CASES {
        let case = cases().new_tree(&mut runner).expect("a case").current();
        for table in schema(&mut Choices::new(&case.schema)) {
            kinds.extend(table.fields.iter().map(|field| field.kind));
        }
    }
    assert_eq!(kinds.len(), FieldKind::ALL.len());
}

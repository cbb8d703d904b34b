#![no_main]
//! Filters, orders and cursors, lowered to SQL and run on SQLite: never an error, and always the records
//! that the model means.
//!
//! An input whose first byte is `{` is JSON, the options of `findMany`; any other is read by the
//! generator of the property test. Either is asked of the first table if its length is even, else of the
//! second.

use guildhall_domain::query::{FindMany, Query, TAKE_MAX};
use guildhall_model::generate::{Choices, query};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

fuzz_target!(|bytes: &[u8]| {
    let engine = guildhall_fuzz::engine();
    let world = &engine.world;
    let (table, options) = if bytes.first() == Some(&b'{') {
        let Ok(options) = guildhall_domain::json::parse(bytes) else { return };
        (world.tables[bytes.len() % 2].number, json!({ "findMany": options }))
    } else {
        query(&mut Choices::new(bytes), world)
    };
    let Ok(Query::FindMany(query)) = Query::parse(Some(&options), world.table(table), &world.tables) else {
        return;
    };
    let found = engine.find(table, query.clone(), query.take.unwrap_or(TAKE_MAX));
    let (page, count) = found.unwrap_or_else(|error| panic!("{error}: {options}"));
    assert_eq!(count as usize, world.matching(table, &query).len(), "count: {options}");
    assert_eq!(page, expected(world, table, &query, &options), "{options}");
});

/// The page as the model answers it.
fn expected(
    world: &guildhall_model::World,
    table: i64,
    query: &FindMany,
    options: &Value,
) -> Option<(Vec<i64>, bool)> {
    // A page of records, also where only their number was asked for.
    let mut options = options.clone();
    if query.count_only {
        options["findMany"]["_count"] = json!(false);
    }
    let text = world.query(table, Some(&options)).ok()?;
    let answer: Value = serde_json::from_str(&text).expect("the model answers JSON");
    let numbers = answer["records"].as_array().expect("a list").iter();
    let numbers = numbers.map(|record| record["internalOrder"].as_i64().expect("a number")).collect();
    Some((numbers, answer["pagination"]["hasMore"] == json!(true)))
}

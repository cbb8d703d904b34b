#![no_main]
//! Any bytes as the body's `query`: nothing panics, and what is taken is within the bounds.

use guildhall_domain::query::{
    CONDITIONS_MAX, Comparison, DEPTH_MAX, Filter, INCLUDE_DEPTH_MAX, INCLUDES_MAX, Include, ORDER_TERMS_MAX,
    Query, SKIP_MAX, TAKE_MAX, VALUES_MAX,
};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static TABLES: LazyLock<Vec<guildhall_domain::data_table::DataTable>> = LazyLock::new(guildhall_fuzz::tables);

fuzz_target!(|bytes: &[u8]| {
    let Ok(value) = guildhall_domain::json::parse(bytes) else { return };
    // The options alone, or the whole query.
    let whole = serde_json::json!({ "findMany": value });
    for query in [&value, &whole] {
        match Query::parse(Some(query), &TABLES[0], &TABLES) {
            Ok(Query::FindMany(query)) => {
                let (mut conditions, mut values) = (0, 0);
                let depth = measure(&query.filter, &mut conditions, &mut values);
                assert!(conditions <= CONDITIONS_MAX && values <= VALUES_MAX);
                // Each level of the query is at most three of the filter (a list, a negation, a group), and
                // each `not` in a condition two.
                assert!(depth <= 5 * (DEPTH_MAX + 1) + 3, "{depth}");
                assert!(query.order.len() <= ORDER_TERMS_MAX);
                assert!(query.take.is_none_or(|take| (1..=TAKE_MAX).contains(&take)));
                assert!((0..=SKIP_MAX).contains(&query.skip) && query.after.is_none_or(|after| after >= 0));
                assert!(query.after.is_none() || query.skip == 0);
                assert!(includes(&query.shape.include, 1) <= INCLUDES_MAX);
            }
            Ok(Query::FindUnique(query)) => {
                assert!(!query.id.is_empty() && includes(&query.shape.include, 1) <= INCLUDES_MAX);
            }
            Err(refusal) => assert!(refusal.code.status() < 500 && !refusal.message.is_empty()),
        }
    }
});

fn measure(filter: &Filter, conditions: &mut usize, values: &mut usize) -> usize {
    match filter {
        Filter::All(parts) | Filter::Any(parts) => {
            1 + parts.iter().map(|part| measure(part, conditions, values)).max().unwrap_or(0)
        }
        Filter::Not(part) => 1 + measure(part, conditions, values),
        Filter::Is(_, comparison) => {
            *conditions += 1;
            *values += count(comparison);
            1
        }
    }
}

fn count(comparison: &Comparison) -> usize {
    match comparison {
        Comparison::Null | Comparison::NotNull => 0,
        Comparison::In(values) => values.len(),
        Comparison::IgnoringCase(inner) => count(inner),
        _ => 1,
    }
}

fn includes(include: &Include, depth: usize) -> usize {
    assert!(include.relations.is_empty() || depth <= INCLUDE_DEPTH_MAX);
    include.relations.iter().map(|relation| 1 + includes(&relation.include, depth + 1)).sum()
}

//! How the planners answer, and where they may answer badly.

use crate::engine::{Dialect, Engine, each, reader};
use crate::layout::{
    Layout, QUESTIONS, by_key, by_score, by_score_in_order, by_score_sorted, common, page, rare,
};
use crate::measures::{Pair, Store};
use crate::report::{duration, median};
use crate::sample::{ENVIRONMENT, NOTES, SCORE, Sample};
use crate::value::{Row, Value};
use anyhow::Result;
use rusqlite::Connection;
use std::path::Path;
use std::time::Instant;

type Params = fn(&Sample, u64) -> Vec<Value>;
type Form = fn(&dyn Layout, Dialect) -> String;

/// The values of the segment that the planner's choice depends on.
const CASES: [(&str, Params); 2] = [("~20", rare), ("a fifth", common)];
/// Pages that should come out of an index, or of the table, in their order.
const ORDERS: [&str; 8] = [
    "environment = $1 ORDER BY {score} ASC NULLS LAST, key ASC LIMIT 50",
    "environment = $1 ORDER BY {score} DESC NULLS FIRST, key DESC LIMIT 50",
    "environment = $1 ORDER BY {score} ASC NULLS FIRST, key ASC LIMIT 50",
    "environment = $1 ORDER BY {score} DESC NULLS LAST, key DESC LIMIT 50",
    "environment = $1 AND {score} >= 10 ORDER BY {score} ASC NULLS LAST, key ASC LIMIT 50",
    "environment = $1 AND ({score} > 10 OR {score} = 10 AND key > 5 OR {score} IS NULL)
       ORDER BY {score} ASC NULLS LAST, key ASC LIMIT 50",
    "environment = $1 AND {notes} = 'none' ORDER BY key LIMIT 50",
    "environment = $1 ORDER BY key LIMIT 50",
];

/// Prints the plans of every question and of the orders.
pub async fn print_plans(pair: &mut Pair) -> Result<()> {
    let sample = pair.sample;
    for Store { layout, engine } in &mut pair.stores {
        let dialect = engine.dialect();
        println!("\n### Plans: {}, {}\n", dialect.name(), layout.name());
        for question in &QUESTIONS {
            let sql = (question.sql)(*layout, dialect);
            print_plan(engine, question.name, &sql, &(question.params)(&sample, 0)).await?;
        }
        for order in ORDERS {
            let (score, notes) = (layout.field(dialect, SCORE), layout.field(dialect, NOTES));
            let rest = order.replace("{score}", &score).replace("{notes}", &notes);
            let sql = page(*layout, dialect, &rest);
            print_plan(engine, order, &sql, &[ENVIRONMENT.into()]).await?;
        }
    }
    Ok(())
}

async fn print_plan(engine: &mut Engine, name: &str, sql: &str, params: &[Value]) -> Result<()> {
    println!("- {name}");
    let start = Instant::now();
    engine.each(sql, params, &mut |_| Ok(())).await?;
    let took = start.elapsed().as_secs_f64();
    for line in engine.plan(sql, params).await? {
        println!("      {line}");
    }
    println!("      ({})", duration(took));
    Ok(())
}

/// Prints what SQLite's statistics do to "the segment is one value, by score". Leaves the statistics
/// of ANALYZE behind.
pub async fn print_choices(pair: &Pair) -> Result<()> {
    println!("\n### SQLite: a page of one segment, by score\n");
    println!("| statistics | form | layout | records | time | plan |");
    println!("|---|---|---|---|--:|---|");
    for (statistics, sql) in
        [("none", "SELECT 1"), ("PRAGMA optimize", "PRAGMA optimize = 0x10002"), ("ANALYZE", "ANALYZE")]
    {
        for Store { layout, engine } in &pair.stores {
            let Engine::Sqlite { file, .. } = engine else { continue };
            engine.run(sql).await?;
            engine.settle().await?;
            for (form, stable, sql) in [
                ("as it is", true, by_score(*layout, Dialect::Sqlite)),
                ("as it is; the plan may see parameters", false, by_score(*layout, Dialect::Sqlite)),
                ("`+segment`", true, by_score_in_order(*layout, Dialect::Sqlite)),
                ("`+score`", true, by_score_sorted(*layout, Dialect::Sqlite)),
            ] {
                print_choice(file, stable, &[statistics, form, layout.name()], &sql, &pair.sample)?;
            }
        }
    }
    Ok(())
}

fn print_choice(file: &Path, stable: bool, labels: &[&str], sql: &str, sample: &Sample) -> Result<()> {
    for (records, params) in CASES {
        let connection = reader(file, stable)?;
        let params = params(sample, 7);
        let mut times = Vec::new();
        for _ in 0..4 {
            times.push(time(&connection, sql, &params)?);
        }
        let mut plan = Vec::new();
        each(&connection, &format!("EXPLAIN QUERY PLAN {sql}"), &params, &mut |row: &Row<'_>| {
            plan.push(row.some_text(3)?.to_owned());
            Ok(())
        })?;
        let took = duration(median(&times[1..]));
        println!("| {} | {records} | {took} | {} |", labels.join(" | "), plan.join("; "));
    }
    Ok(())
}

fn time(connection: &Connection, sql: &str, params: &[Value]) -> Result<f64> {
    let start = Instant::now();
    each(connection, sql, params, &mut |_| Ok(()))?;
    Ok(start.elapsed().as_secs_f64())
}

/// Prints what PostgreSQL's cache of plans does to such questions when they are asked again.
pub async fn print_plan_cache(pair: &mut Pair) -> Result<()> {
    println!("\n### PostgreSQL: a page of one segment, from the tenth time on\n");
    println!("| order | plan_cache_mode | layout | records | time | nodes |");
    println!("|---|---|---|---|--:|---|");
    let sample = pair.sample;
    let forms: [(&str, Form); 2] = [("key", by_key), ("score", by_score)];
    for (order, form) in forms {
        for mode in ["auto", "force_custom_plan", "force_generic_plan"] {
            for Store { layout, engine } in &mut pair.stores {
                engine.run(&format!("SET plan_cache_mode = {mode}")).await?;
                let sql = form(*layout, Dialect::Postgres);
                for (records, params) in CASES {
                    engine.forget();
                    let mut times = Vec::new();
                    for run in 0..13 {
                        let params = params(&sample, 100 + run);
                        let start = Instant::now();
                        engine.each(&sql, &params, &mut |_| Ok(())).await?;
                        times.push(start.elapsed().as_secs_f64());
                    }
                    let nodes = nodes(engine, mode, &sql, &params(&sample, 100)).await?;
                    let took = duration(median(&times[9..]));
                    println!("| {order} | {mode} | {} | {records} | {took} | {nodes} |", layout.name());
                }
                engine.run("RESET plan_cache_mode").await?;
                engine.forget();
            }
        }
    }
    Ok(())
}

/// The names of a plan's nodes. In the mode that leaves the choice open they are not known.
async fn nodes(engine: &mut Engine, mode: &str, sql: &str, params: &[Value]) -> Result<String> {
    let plan = match mode {
        "force_custom_plan" => engine.plan(sql, params).await?,
        "force_generic_plan" => {
            engine.run(&format!("PREPARE choice AS {sql}")).await?;
            let literals: Vec<String> = params.iter().map(Value::literal).collect();
            let plan = engine.plan(&format!("EXECUTE choice({})", literals.join(", ")), &[]).await?;
            engine.run("DEALLOCATE choice").await?;
            plan
        }
        _ => return Ok(String::new()),
    };
    let nodes = plan.iter().filter(|line| line.contains("cost="));
    let names =
        nodes.map(|line| line.trim_start_matches([' ', '-', '>']).split("  (").next().unwrap_or(line));
    Ok(names.collect::<Vec<_>>().join(" ← "))
}

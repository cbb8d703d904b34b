//! Many who write at once, each to a member of its own, and who remember what was acknowledged.

use super::database::Database;
use crate::ROUND_TIMEOUT;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// No request takes longer, whatever happens to the database.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// The requests of one round.
pub struct Traffic {
    client: reqwest::Client,
    base: String,
    key: String,
    plan: String,
    /// Writes that were answered with 200.
    pub acknowledged: AtomicU64,
    /// Requests that were answered with 503.
    pub unavailable: AtomicU64,
    /// Tells the writers to stop.
    pub stop: AtomicBool,
    /// Whether a broken connection is what the test wants.
    pub server_may_go: AtomicBool,
    /// Whether a 503 is what the test wants.
    pub database_may_be_away: AtomicBool,
    progress: Notify,
}

/// What came of a request.
#[derive(Debug)]
pub enum Answer {
    /// 200, with the JSON body or null.
    Done(Value),
    /// 400, with the error's code.
    Refused(String),
    /// 503.
    Unavailable,
    /// The server is gone; whether it did it is not known.
    Gone,
}

impl Answer {
    pub fn done(self) -> Value {
        match self {
            Answer::Done(value) => value,
            other => panic!("expected success, got {other:?}"),
        }
    }
}

impl Traffic {
    pub fn new(base: String, key: &str, plan: &str) -> Self {
        Self {
            client: reqwest::Client::builder().timeout(REQUEST_TIMEOUT).build().expect("a client"),
            base,
            key: key.to_owned(),
            plan: plan.to_owned(),
            acknowledged: AtomicU64::new(0),
            unavailable: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            server_may_go: AtomicBool::new(false),
            database_may_be_away: AtomicBool::new(false),
            progress: Notify::new(),
        }
    }

    pub async fn call(&self, method: Method, path: &str, body: &Value) -> Answer {
        let request = self.client.request(method, format!("{}{path}", self.base));
        let sent = request.header("x-api-key", &self.key).json(body).send().await;
        let answered = match sent {
            Ok(response) => {
                let status = response.status().as_u16();
                response.text().await.map(|text| (status, text))
            }
            Err(error) => Err(error),
        };
        match answered {
            Err(error) => {
                assert!(!error.is_timeout(), "{path}: no answer within {REQUEST_TIMEOUT:?}");
                assert!(self.server_may_go.load(SeqCst), "{path}: {error:?}");
                Answer::Gone
            }
            Ok((200, text)) => {
                self.count(&self.acknowledged);
                Answer::Done(serde_json::from_str(&text).unwrap_or_default())
            }
            Ok((status, text)) => self.failure(status, &text),
        }
    }

    fn failure(&self, status: u16, text: &str) -> Answer {
        let error: Value = serde_json::from_str(text).unwrap_or_else(|_| panic!("{status}: {text}"));
        let code = error["code"].as_str().unwrap_or_else(|| panic!("{status}: {text}"));
        match status {
            400 => Answer::Refused(code.to_owned()),
            503 => {
                self.count(&self.unavailable);
                Answer::Unavailable
            }
            _ => panic!("{status}: {text}"),
        }
    }

    fn count(&self, counter: &AtomicU64) {
        counter.fetch_add(1, SeqCst);
        self.progress.notify_one();
    }

    /// Waits until a counter has come so far.
    pub async fn wait_for(&self, counter: &AtomicU64, number: u64) {
        let reached = async {
            while counter.load(SeqCst) < number {
                self.progress.notified().await;
            }
        };
        if tokio::time::timeout(ROUND_TIMEOUT, reached).await.is_err() {
            panic!("{} of {number} within {ROUND_TIMEOUT:?}", counter.load(SeqCst));
        }
    }

    /// Sends the writers off.
    pub fn start(self: &Arc<Self>, writers: Vec<Writer>) -> Running {
        let one = |mut writer: Writer| {
            let traffic = Arc::clone(self);
            tokio::spawn(async move {
                let mut goes_on = true;
                while goes_on && !traffic.stop.load(SeqCst) {
                    goes_on = writer.turn(&traffic).await;
                }
                writer
            })
        };
        Running(writers.into_iter().map(one).collect())
    }
}

/// Writers at work.
pub struct Running(Vec<JoinHandle<Writer>>);

impl Running {
    /// Waits for their end.
    pub async fn finish(self) -> Vec<Writer> {
        let all = tokio::time::timeout(ROUND_TIMEOUT, join_all(self.0)).await.expect("the writers end");
        all.into_iter().map(|writer| writer.expect("no writer fails")).collect()
    }
}

/// One who writes, and what it knows.
pub struct Writer {
    index: usize,
    id: String,
    turns: u64,
    /// The `n` sent last, and the one acknowledged last.
    sent: u64,
    acknowledged: u64,
    /// How often a change was acknowledged.
    changes: u64,
    /// Whether the member has the plan; nothing if the last request about it was not answered.
    plan: Option<bool>,
    /// Members whose creation was acknowledged.
    made: Vec<String>,
}

impl Writer {
    pub fn new(index: usize, id: &str) -> Self {
        Self {
            index,
            id: id.to_owned(),
            turns: 0,
            sent: 0,
            acknowledged: 0,
            changes: 0,
            plan: Some(false),
            made: Vec::new(),
        }
    }

    /// One write. False when the server is gone.
    async fn turn(&mut self, traffic: &Traffic) -> bool {
        self.turns += 1;
        let answer = match (self.index % 4, self.turns % 3) {
            (1, 0) => self.create(traffic).await,
            (2, 0) => self.toggle_plan(traffic).await,
            _ => self.change(traffic).await,
        };
        if matches!(answer, Answer::Unavailable) {
            assert!(traffic.database_may_be_away.load(SeqCst), "503 while the database was there");
        }
        !matches!(answer, Answer::Gone)
    }

    async fn change(&mut self, traffic: &Traffic) -> Answer {
        self.sent += 1;
        let body = json!({ "json": { "n": self.sent } });
        let answer = traffic.call(Method::PATCH, &format!("/members/{}", self.id), &body).await;
        match &answer {
            Answer::Done(changed) => {
                assert_eq!(changed["data"]["json"]["n"], self.sent);
                self.acknowledged = self.sent;
                self.changes += 1;
            }
            Answer::Refused(code) => panic!("a change was refused: {code}"),
            Answer::Unavailable | Answer::Gone => {}
        }
        answer
    }

    async fn toggle_plan(&mut self, traffic: &Traffic) -> Answer {
        let wanted = !self.plan.unwrap_or(false);
        let verb = if wanted { "add-plan" } else { "remove-plan" };
        let path = format!("/members/{}/{verb}", self.id);
        let answer = traffic.call(Method::POST, &path, &json!({ "planId": traffic.plan })).await;
        match &answer {
            Answer::Done(_) => self.plan = Some(wanted),
            Answer::Refused(code) => {
                // Only if an unanswered request did happen.
                assert!(self.plan.is_none() && code == "already-have-plan", "{verb}: {code}");
                self.plan = Some(true);
            }
            Answer::Unavailable | Answer::Gone => self.plan = None,
        }
        answer
    }

    async fn create(&mut self, traffic: &Traffic) -> Answer {
        let email = format!("made-{}-{}@example.com", self.index, self.turns);
        let body = json!({ "email": email, "plans": [{ "planId": traffic.plan }] });
        let answer = traffic.call(Method::POST, "/members", &body).await;
        match &answer {
            Answer::Done(made) => self.made.push(made["data"]["id"].as_str().expect("an id").to_owned()),
            Answer::Refused(code) => panic!("a creation was refused: {code}"),
            Answer::Unavailable | Answer::Gone => {}
        }
        answer
    }
}

/// Every acknowledged write is there, and nothing is half done. Writers who are unsure of their
/// plan learn of it.
pub async fn verify(traffic: &Traffic, database: &Database, writers: &mut [Writer]) {
    let audited = database
        .counts("SELECT subject, COUNT(*) FROM audit_entries WHERE action = 'member.update' GROUP BY subject")
        .await;
    for writer in writers.iter_mut() {
        let read = traffic.call(Method::GET, &format!("/members/{}", writer.id), &Value::Null).await.done();
        let n = read["data"]["json"]["n"].as_u64().expect("a number");
        assert!(
            (writer.acknowledged..=writer.sent).contains(&n),
            "{n} is none of {}..={}",
            writer.acknowledged,
            writer.sent
        );
        let plans = read["data"]["planConnections"].as_array().expect("a list").len();
        assert!(plans <= 1);
        assert!(writer.plan.is_none_or(|held| held == (plans == 1)), "{:?}, {plans} held", writer.plan);
        writer.plan = Some(plans == 1);
        let audited = audited.get(&writer.id).copied().unwrap_or_default() as u64;
        assert!((writer.changes..=writer.sent).contains(&audited), "{audited} changes audited");
        (writer.acknowledged, writer.changes, writer.sent) = (n, audited, writer.sent.max(n));
    }
    nothing_is_half_done(traffic, database, writers).await;
}

async fn nothing_is_half_done(traffic: &Traffic, database: &Database, writers: &[Writer]) {
    let members = database.counts("SELECT id, 1 FROM members").await;
    let ids: HashSet<&String> = members.keys().collect();
    for made in writers.iter().flat_map(|writer| &writer.made) {
        assert!(ids.contains(made), "the acknowledged member {made} is missing");
    }
    let audits =
        "SELECT subject, COUNT(*) FROM audit_entries WHERE action = 'member.create' GROUP BY subject";
    assert_eq!(database.counts(audits).await, members, "one audit entry for each creation");
    let events = "SELECT subject, COUNT(*) FROM events WHERE kind = 'member.created' GROUP BY subject";
    assert_eq!(database.counts(events).await, members, "one event for each creation");

    let list = traffic.call(Method::GET, "/members?limit=1", &Value::Null).await.done();
    assert_eq!(list["totalCount"], members.len());
    let counted = database.number("SELECT SUM(member_count) FROM environments").await;
    assert_eq!(counted, members.len() as i64);

    let held = "SELECT plan, COUNT(*) FROM contracts GROUP BY plan";
    let holders = "SELECT plan, SUM(holders) FROM plan_holders GROUP BY plan";
    assert_eq!(database.counts(held).await, database.counts(holders).await);
    let held = "SELECT members.id, COUNT(*) FROM contracts JOIN members ON members.key = member_key
        GROUP BY members.id";
    let held = database.counts(held).await;
    assert_eq!(plans_by_events(database).await, held);
    let summed = "SELECT id, (LENGTH(contracts) - LENGTH(REPLACE(contracts, 'con_', ''))) / 4 FROM members
        WHERE contracts <> ''";
    assert_eq!(database.counts(summed).await, held, "a member's row tells of the contracts there are");
}

/// How many plans each member holds, by the events about it.
async fn plans_by_events(database: &Database) -> HashMap<String, i64> {
    let sql = "SELECT subject, SUM(CASE kind WHEN 'member.plan.added' THEN 1 ELSE -1 END) FROM events
        WHERE kind IN ('member.plan.added', 'member.plan.canceled') GROUP BY subject";
    let mut held = database.counts(sql).await;
    held.retain(|_, plans| *plans != 0);
    held
}

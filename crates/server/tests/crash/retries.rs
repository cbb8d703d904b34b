//! Many who post with an `Idempotency-Key`, and ask the same again until they are answered.

use crate::ROUND_TIMEOUT;
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

/// What all keys begin with.
pub const KEY_START: &str = "retried-key-";
const CLIENTS: usize = 32;
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// The clients at work.
pub struct Retries {
    shared: Arc<Shared>,
    /// Where the server is.
    place: watch::Sender<String>,
    clients: Vec<JoinHandle<Vec<String>>>,
}

struct Shared {
    client: reqwest::Client,
    key: String,
    answers: AtomicU64,
    progress: Notify,
    stop: AtomicBool,
}

impl Retries {
    /// Sends the clients off.
    pub fn start(base: String, key: &str) -> Self {
        let shared = Arc::new(Shared {
            client: reqwest::Client::builder().timeout(REQUEST_TIMEOUT).build().expect("a client"),
            key: key.to_owned(),
            answers: AtomicU64::new(0),
            progress: Notify::new(),
            stop: AtomicBool::new(false),
        });
        let (place, at) = watch::channel(base);
        let one = |index| tokio::spawn(work(Arc::clone(&shared), at.clone(), index));
        let clients = (0..CLIENTS).map(one).collect();
        Self { shared, place, clients }
    }

    /// Waits until so many more requests were answered.
    pub async fn wait_for_answers(&self, number: u64) {
        let wanted = self.shared.answers.load(SeqCst) + number;
        let reached = async {
            while self.shared.answers.load(SeqCst) < wanted {
                self.shared.progress.notified().await;
            }
        };
        tokio::time::timeout(ROUND_TIMEOUT, reached).await.expect("the clients are answered");
    }

    /// Tells where the server is now.
    pub fn go_on_at(&self, base: String) {
        self.place.send_replace(base);
    }

    /// Waits until every client has its last answer; the addresses that were asked for.
    pub async fn finish(self) -> Vec<String> {
        self.shared.stop.store(true, SeqCst);
        let all = tokio::time::timeout(ROUND_TIMEOUT, join_all(self.clients)).await.expect("the clients end");
        all.into_iter().flat_map(|emails| emails.expect("no client fails")).collect()
    }
}

async fn work(shared: Arc<Shared>, mut at: watch::Receiver<String>, index: usize) -> Vec<String> {
    let mut emails = Vec::new();
    while !shared.stop.load(SeqCst) {
        let name = format!("{index}-{}", emails.len());
        let email = format!("{name}@example.com");
        let body = json!({ "email": email });
        // Answered or not, it is asked again until the answer is final.
        while !ask(&shared, &mut at, &format!("{KEY_START}{name}"), &body).await {}
        emails.push(email);
        shared.answers.fetch_add(1, SeqCst);
        shared.progress.notify_one();
    }
    emails
}

/// Whether the answer is the last word.
async fn ask(shared: &Shared, at: &mut watch::Receiver<String>, key: &str, body: &Value) -> bool {
    let base = at.borrow_and_update().clone();
    let request = shared.client.post(format!("{base}/members"));
    let request = request.header("x-api-key", &shared.key).header("idempotency-key", key);
    let answered = match request.json(body).send().await {
        Ok(response) => {
            let status = response.status().as_u16();
            response.text().await.map(|text| (status, text))
        }
        Err(error) => Err(error),
    };
    match answered {
        Err(error) => {
            assert!(!error.is_timeout(), "no answer within {REQUEST_TIMEOUT:?}");
            at.changed().await.expect("the server comes back");
            false
        }
        Ok((200, _)) => true,
        Ok((409, text)) if text.contains("idempotency-answer-lost") => true,
        Ok((409, text)) if text.contains("idempotency-in-flight") => {
            tokio::task::yield_now().await;
            false
        }
        Ok((status, text)) => panic!("{status}: {text}"),
    }
}

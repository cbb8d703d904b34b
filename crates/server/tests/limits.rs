//! The sliding limit from outside, in real time: what callers can prove about it.

use guildhall_testkit::both_engines;
use guildhall_testkit::process::{Place, Process};
use reqwest::{Client, StatusCode};
use std::time::{Duration, Instant};

const BINARY: &str = env!("CARGO_BIN_EXE_guildhall");
/// What a key that says nothing of a limit has.
const LIMIT: usize = 25;
const WINDOW: Duration = Duration::from_secs(1);
const CONNECTIONS: usize = 8;

/// A request that was admitted, and what is known of when: after `sent`, before `answered`.
#[derive(Clone, Copy)]
struct Admitted {
    sent: Instant,
    answered: Instant,
}

struct Caller {
    client: Client,
    url: String,
    key: String,
}

impl Caller {
    fn new(place: &Place, server: &Process) -> Self {
        let app = place.json(&["app", "list"])[0]["id"].as_str().expect("an id").to_owned();
        let create =
            ["key", "create", "--app", &app, "--env", "live", "--kind", "secret", "--name", "caller"];
        let key = place.json(&create)["key"].as_str().expect("a key").to_owned();
        // A member that does not exist is a cheap success.
        Self { client: Client::new(), url: server.url("/members/nobody@example.com"), key }
    }

    async fn ask(&self) -> (StatusCode, Admitted) {
        let sent = Instant::now();
        let answer = self.client.get(&self.url).header("x-api-key", &self.key).send().await;
        let answer = answer.expect("an answer");
        let answered = Instant::now();
        let status = answer.status();
        // The body is read so that the connection is used again.
        answer.bytes().await.expect("a body");
        (status, Admitted { sent, answered })
    }
}

/// The most admissions that some window of one second provably held: those sent at or after its
/// start and answered before its end.
fn most_in_a_window(admitted: &[Admitted]) -> usize {
    let within = |start: Instant| {
        let inside = |one: &&Admitted| one.sent >= start && one.answered < start + WINDOW;
        admitted.iter().filter(inside).count()
    };
    // Only where one was sent can a window begin to hold more.
    admitted.iter().map(|one| within(one.sent)).max().unwrap_or_default()
}

both_engines! {
    async fn no_second_holds_more_than_the_limit(engine) {
        let place = Place::new(BINARY, engine);
        let server = place.start(&[]);
        let caller = Caller::new(&place, &server);
        let end = Instant::now() + Duration::from_secs(3);
        let connection = async || {
            let (mut admitted, mut refused) = (Vec::new(), 0);
            while Instant::now() < end {
                match caller.ask().await {
                    (StatusCode::OK, one) => admitted.push(one),
                    (StatusCode::TOO_MANY_REQUESTS, _) => refused += 1,
                    (other, _) => panic!("{other}"),
                }
            }
            (admitted, refused)
        };
        let ran = futures_util::future::join_all((0..CONNECTIONS).map(|_| connection())).await;
        let admitted: Vec<_> = ran.iter().flat_map(|(admitted, _)| admitted).copied().collect();
        let refused: usize = ran.iter().map(|(_, refused)| refused).sum();

        let most = most_in_a_window(&admitted);
        assert!(most <= LIMIT, "{most} in one second");
        assert!(refused > admitted.len(), "the callers were faster than the limit: {refused} refused");
        // The limit is not stricter than told, either: 3 seconds have room for 75.
        assert!(admitted.len() >= 3 * LIMIT - 5, "only {} were admitted", admitted.len());
    }

    async fn a_caller_that_stays_below_the_limit_is_never_refused(engine) {
        const PER_SECOND: u32 = 24;
        let place = Place::new(BINARY, engine);
        let server = place.start(&[]);
        let caller = Caller::new(&place, &server);
        let mut pace = tokio::time::interval(Duration::from_secs(1) / PER_SECOND);
        // A caller held up by its own machine goes on at its pace instead of catching up.
        pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        for number in 0..5 * PER_SECOND {
            pace.tick().await;
            let (status, _) = caller.ask().await;
            assert_eq!(status, StatusCode::OK, "request {number}");
        }
    }
}

//! `GET /members` as the vendor's SDK and the code written against the live service see it.

use guildhall_domain::Mode;
use guildhall_testkit::{Engine, Reply, TestServer, both_engines};
use serde_json::{Value, json};
use std::collections::HashMap;

/// A server whose sandbox has room for everybody here.
async fn roomy(engine: Engine) -> TestServer {
    TestServer::start_with(engine, |settings| settings.limits.sandbox_members_max = 10_000).await
}

async fn list(server: &TestServer, query: &str) -> Value {
    let reply = server.request("GET", &format!("/members{query}")).send().await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

fn ids(page: &Value) -> Vec<String> {
    let members = page["data"].as_array().expect("a list").iter();
    members.map(|member| member["id"].as_str().expect("an id").to_owned()).collect()
}

/// All ids, page by page.
async fn walk(server: &TestServer, query: &str) -> Vec<String> {
    let (mut found, mut after) = (Vec::new(), String::new());
    loop {
        let page = list(server, &format!("?{query}{after}")).await;
        found.extend(ids(&page));
        if page["hasNextPage"] == false {
            return found;
        }
        after = format!("&after={}", page["endCursor"]);
    }
}

async fn refused(server: &TestServer, query: &str) -> Reply {
    let reply = server.request("GET", &format!("/members{query}")).send().await;
    assert_eq!(reply.status, 400, "{query}: {}", reply.text());
    reply
}

both_engines! {
    async fn an_empty_page_is_a_whole_envelope_and_its_cursor_is_a_number(engine) {
        let server = TestServer::start(engine).await;
        let reply = server.request("GET", "/members").send().await;
        assert_eq!(reply.text(), r#"{"data":[],"totalCount":0,"endCursor":0,"hasNextPage":false}"#);
        assert!(reply.header("content-type").starts_with("application/json"));
        assert_eq!(list(&server, "?after=7").await["endCursor"], 7);
    }

    async fn pages_are_as_long_as_asked_within_bounds_and_first_wins(engine) {
        let server = roomy(engine).await;
        server.crowd(120).await;
        for (query, length) in [
            ("", 50), ("?limit=1", 1), ("?first=2&limit=9", 2), ("?limit=9&first=2", 2), ("?limit=100", 100),
            ("?limit=500", 100), ("?first=99999999999999999999", 100), ("?limit=0", 50), ("?limit=-3", 50),
            ("?limit=ten", 50), ("?limit=", 50), ("?email=member3%40example.com&page=4", 50),
            ("?&limit=3", 3), ("?first=x&limit=7", 7),
        ] {
            let page = list(&server, query).await;
            assert_eq!(ids(&page).len(), length, "{query}");
            assert_eq!(page["totalCount"], 120);
            assert_eq!(page["hasNextPage"], true);
            let keys: Vec<_> = page.as_object().expect("an object").keys().collect();
            assert_eq!(keys, ["data", "totalCount", "endCursor", "hasNextPage"]);
        }
    }

    async fn what_the_sdk_sends_is_understood(engine) {
        let server = roomy(engine).await;
        server.crowd(3).await;
        let plain = list(&server, "").await;
        for path in ["/members?", "/members?&", "/members/", "/members/?"] {
            assert_eq!(server.request("GET", path).send().await.json(), plain, "{path}");
        }
        let descending = list(&server, "?&order=DESC").await;
        assert_eq!(ids(&descending), ids(&plain).into_iter().rev().collect::<Vec<_>>());
        // The SDK repeats its parameters in a body, which decides nothing.
        for body in [r#"{"limit":1,"order":"DESC"}"#, "no json at all", "\u{0}"] {
            let request = server.request("GET", "/members?&order=ASC").header("content-type", "application/json");
            assert_eq!(request.body(body).send().await.json(), plain);
        }
    }

    async fn member_json_is_shown_only_when_asked_for(engine) {
        let server = TestServer::start(engine).await;
        server.import(Mode::Sandbox, [json!({"email": "ada@example.com", "json": {"theme": "dark"}})]).await;
        assert_eq!(list(&server, "").await["data"][0].get("json"), None);
        assert_eq!(list(&server, "?includeJSON=false").await["data"][0].get("json"), None);
        assert_eq!(list(&server, "?includeJSON=true").await["data"][0]["json"], json!({"theme": "dark"}));
    }

    async fn walking_either_way_meets_everybody_once(engine) {
        let server = roomy(engine).await;
        server.crowd(103).await;
        let everybody = walk(&server, "limit=100").await;
        assert_eq!(everybody.len(), 103);
        assert_eq!(walk(&server, "limit=10").await, everybody);
        let backwards: Vec<_> = walk(&server, "limit=7&order=desc").await.into_iter().rev().collect();
        assert_eq!(backwards, everybody);
        let last = list(&server, "?limit=100").await;
        assert_eq!(last["hasNextPage"], true);
        let end = list(&server, &format!("?limit=3&after={}", last["endCursor"])).await;
        assert_eq!((ids(&end).len(), &end["hasNextPage"]), (3, &json!(false)), "exactly full and still the last");
        let beyond = list(&server, &format!("?after={}", end["endCursor"])).await;
        assert_eq!(beyond["data"], json!([]));
        assert_eq!(beyond["endCursor"], end["endCursor"], "a poller goes on from where it stands");
    }

    async fn a_cursor_that_is_no_number_is_refused(engine) {
        let server = TestServer::start(engine).await;
        for query in ["?after=abc", "?after=-1", "?after=1.5", "?after=null", "?after=99999999999999999999", "?after=%FF"] {
            let reply = refused(&server, query).await;
            assert_eq!(reply.code(), "generic-message");
            assert_ne!(reply.json()["message"], "");
        }
        assert_eq!(list(&server, "?after=").await["endCursor"], 0, "the SDK's empty cursor is none");
        assert_eq!(list(&server, &format!("?after={}", i64::MAX)).await["data"], json!([]));
    }

    async fn the_count_is_of_the_keys_own_environment(engine) {
        let server = TestServer::start(engine).await;
        server.crowd(2).await;
        server.import(Mode::Live, [json!({"email": "live@example.com"})]).await;
        let (_, elsewhere) = server.second_app().await;
        for (key, total) in [(&server.sandbox_key, 2), (&server.live_key, 1), (&elsewhere, 0)] {
            let page = server.anonymous("GET", "/members").key(key).send().await.json();
            assert_eq!(page["totalCount"], total);
            assert_eq!(ids(&page).len(), total);
        }
    }

    async fn whoever_stays_is_seen_once_while_others_come_and_go(engine) {
        let server = roomy(engine).await;
        server.crowd(250).await;
        let everybody = walk(&server, "limit=100").await;
        // Every fifth leaves while the walk goes on, and as many others come.
        let leaving: Vec<String> = everybody.iter().step_by(5).cloned().collect();
        let staying: Vec<&String> = everybody.iter().filter(|id| !leaving.contains(id)).collect();
        let deleting: Vec<_> = leaving.iter().map(|id| server.request("DELETE", &format!("/members/{id}"))).collect();
        let change = tokio::spawn(async move {
            for request in deleting {
                assert_eq!(request.send().await.status, 200);
            }
        });
        let coming = (0..50).map(|number| json!({"email": format!("late{number}@example.com")}));
        let (came, ascending, descending) = tokio::join!(
            server.import(Mode::Sandbox, coming), walk(&server, "limit=9"), walk(&server, "limit=11&order=DESC"),
        );
        change.await.expect("every deletion succeeds");
        assert_eq!(came.taken, 50);
        for seen in [ascending, descending] {
            let mut times: HashMap<&str, usize> = HashMap::new();
            for id in &seen {
                *times.entry(id).or_default() += 1;
            }
            assert!(times.values().all(|times| *times == 1), "nobody is seen twice");
            assert!(staying.iter().all(|id| times.contains_key(id.as_str())), "nobody who stays is missed");
        }
        assert_eq!(server.total().await, 250);
        assert_eq!(walk(&server, "limit=100").await.len(), 250);
    }
}

//! Bodies and headers of errors in the Appstle dialect, and whatever comes in that is none of its parameters.

use guildhall_testkit::{Reply, TestServer, both_engines};
use serde_json::{Value, json};

const WITH_MESSAGE: &str = "https://www.jhipster.tech/problem/problem-with-message";

async fn get(server: &TestServer, key: &str, path: &str) -> Reply {
    server.anonymous("GET", &format!("/api/external/v2/{path}")).key(key).send().await
}

fn assert_problem(reply: &Reply, status: u16, path: &str) {
    let body = reply.json();
    assert_eq!(reply.status.as_u16(), status, "{path}: {body}");
    assert_eq!(reply.header("content-type"), "application/problem+json", "{path}");
    assert_eq!((&body["type"], &body["status"]), (&json!(WITH_MESSAGE), &json!(status)), "{path}");
    assert_eq!(body["message"], format!("error.http.{status}"), "{path}");
    assert!(body["title"].as_str().is_some_and(|title| !title.is_empty()), "{path}: {body}");
    assert!(body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{path}: {body}");
    let bare = path.split('?').next().unwrap_or_default();
    assert_eq!(body["path"], format!("/api/external/v2/{bare}"), "{path}");
}

both_engines! {
    async fn parameters_that_are_none_are_named(engine) {
        let server = TestServer::start(engine).await;
        let key = server.store_key("a.myshopify.com").await;
        for (path, name) in [
            ("membership-plans", "shop"), ("membership-plans?shop=a.myshopify.com&page=x", "page"),
            ("membership-plans?shop=a.myshopify.com&size=99999999999", "size"), ("membership-plans?shop=a.myshopify.com&size=1&size=2", "size"),
            ("subscription-groups/abc", "id"), ("subscription-groups/99999999999999999999", "id"), ("subscription-groups/1.5", "id"),
            ("cancellation-managements/x", "id"), ("activity-logs?createAt.greaterThanOrEqual=2024-13-01", "createAt.greaterThanOrEqual"),
            ("activity-logs?entityId.equals=x", "entityId.equals"), ("activity-logs?eventType.equals=NOTHING", "eventType.equals"),
            ("activity-logs?sort=password,asc", "sort"), ("activity-logs?createAt.lessThan=2026-01-01T00:00:00+05:30", "createAt.lessThan"),
        ] {
            let reply = get(&server, &key, path).await;
            assert_problem(&reply, 400, path);
            assert!(reply.json()["detail"].as_str().is_some_and(|detail| detail.contains(name)), "{}", reply.text());
        }
    }

    async fn odd_queries_are_borne_or_refused_and_never_a_fault_of_ours(engine) {
        let server = TestServer::start(engine).await;
        let key = server.store_key("a.myshopify.com").await;
        let long = format!("x={}", "y".repeat(60_000));
        let many = "&a=b".repeat(300);
        for (query, status) in [
            ("a=%", 400), ("a=%4", 400), ("a=%FF", 400), ("%FF=a", 400), ("a=%00", 200), ("&&=&&", 200), ("pageable.page=7", 200),
            ("page=-1", 200), ("size=0", 200), ("size=-5", 200), ("size=5000", 200), ("page=2147483647", 200), ("page=2147483648", 400),
            ("page=", 200), ("page=%20", 400), ("sort=", 200), ("sort=,", 200), ("sort=id", 200), ("sort=create_at,DESC&sort=id,asc", 200),
            (long.as_str(), 200), (many.as_str(), 400), ("entityId.equals=%2700%27", 400), ("eventType.in=", 200),
        ] {
            let reply = get(&server, &key, &format!("activity-logs?{query}")).await;
            assert_eq!(reply.status.as_u16(), status, "{query:.40}: {}", reply.text());
        }
        let far = get(&server, &key, "activity-logs?page=2147483647&size=2000").await;
        assert_eq!(far.text(), "[]");
    }

    async fn what_is_not_there_is_404_and_the_wrong_method_405(engine) {
        let server = TestServer::start(engine).await;
        let key = server.store_key("a.myshopify.com").await;
        for path in ["", "nowhere", "subscription-groups/1/2/3", "subscription-groups/7", "Subscription-Groups", "%00", "%FF"] {
            assert_problem(&get(&server, &key, path).await, 404, path);
        }
        let reply = server.anonymous("DELETE", "/api/external/v2/subscription-groups").key(&key).send().await;
        assert_problem(&reply, 405, "subscription-groups");
        assert!(reply.header("allow").contains("POST"), "{}", reply.header("allow"));
        let unknown = server.anonymous("GET", "/api/external/v2").send().await;
        assert_eq!((unknown.status.as_u16(), &unknown.json()["message"]), (404, &json!("error.http.404")));
    }

    async fn bodies_that_are_none_are_problems(engine) {
        let server = TestServer::start_with(engine, |_| ()).await;
        let key = server.store_key("a.myshopify.com").await;
        let post = async |body: &[u8]| server.anonymous("POST", "/api/external/v2/subscription-groups").key(&key).body(body).send().await;
        for body in [&b""[..], b"{", b"[]", b"null", b"{\"groupName\":7}", b"{\"groupName\":\"\\u0000\"}", b"\xff", b"{\"subscriptionPlans\":{},\"groupName\":\"x\"}"] {
            assert_problem(&post(body).await, 400, "subscription-groups");
        }
        assert_problem(&post(format!("\"{}\"", "x".repeat(3 << 20)).as_bytes()).await, 413, "subscription-groups");
        let reply = server.anonymous("POST", "/api/external/v2/subscription-groups").key(&key).header("content-encoding", "gzip").body("x").send().await;
        assert_problem(&reply, 415, "subscription-groups");
        let blank = post(b"{\"groupName\":\" \"}").await;
        let expected = json!({
            "type": "https://www.jhipster.tech/problem/constraint-violation", "title": "Method argument not valid", "status": 400,
            "path": "/api/external/v2/subscription-groups", "message": "error.validation",
            "fieldErrors": [{ "objectName": "subscriptionGroup", "field": "groupName", "message": "NotBlank" }],
        });
        assert_eq!((blank.status.as_u16(), blank.json()), (400, expected));
        let with_id = post(b"{\"id\":7,\"groupName\":\"x\"}").await;
        let text = "A new subscriptionGroup cannot already have an ID";
        let expected = json!({
            "entityName": "subscriptionGroup", "errorKey": "idexists", "type": WITH_MESSAGE, "title": text, "status": 400,
            "message": text, "params": "subscriptionGroup",
        });
        assert_eq!((with_id.status.as_u16(), with_id.json()), (400, expected));
        assert_eq!(with_id.header("x-subscriptionapp-error"), "error.idexists");
        assert_eq!(with_id.header("x-subscriptionapp-params"), "subscriptionGroup");
        let listed = get(&server, &key, "subscription-groups").await;
        assert_eq!(listed.json(), Value::Array(Vec::new()), "nothing was made");
    }

    async fn a_database_that_is_gone_is_503_and_says_when_to_come_back(engine) {
        let server = TestServer::start(engine).await;
        let key = server.store_key("a.myshopify.com").await;
        get(&server, &key, "subscription-groups").await;
        server.guildhall.close().await;
        let post = server.anonymous("POST", "/api/external/v2/subscription-groups").key(&key).json(&json!({"groupName": "x"})).send().await;
        assert_problem(&post, 503, "subscription-groups");
        assert_eq!(post.header("retry-after"), "1");
        assert!(!post.text().contains("sqlite") && !post.text().contains("postgres"));
    }
}

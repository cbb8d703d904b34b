//! Whatever comes in, the answer is a 4xx that says what is wrong, and nothing is stored.

use guildhall_domain::Mode;
use guildhall_domain::scope::{Scope, Scopes};
use guildhall_http::{ROUTES, Route, Surface};
use guildhall_testkit::{Engine, Reply, TestServer, both_engines};
use serde_json::{Value, json};

/// A server with a member and a plan, and a key that may do everything.
struct Target {
    server: TestServer,
    key: String,
    store_key: String,
    member: String,
    plan: String,
    group: String,
}

impl Target {
    async fn set_up(engine: Engine) -> Self {
        let server =
            TestServer::start_with(engine, |settings| settings.limits.bad_key_limit = 1_000_000).await;
        let (_, key) = server
            .key(Mode::Sandbox, |draft| {
                draft.scopes = Scopes::of([Scope::Members, Scope::Tables, Scope::Manage])
            })
            .await;
        let member = server.member("ada@example.com").await["id"].as_str().expect("an id").to_owned();
        let plan = server.free_plan("Basic", None).await.to_string();
        let table =
            json!({ "key": "things", "name": "Things", "fields": [{ "key": "name", "type": "TEXT" }] });
        let made = server.anonymous("POST", "/manage/v1/tables").key(&key).json(&table).send().await;
        assert_eq!(made.status, 201, "{}", made.text());
        let shown =
            server.anonymous("GET", &format!("/manage/v1/plans/{plan}")).key(&key).send().await.json();
        let group = shown["data"]["number"].to_string();
        let store_key = server.store_key("a.myshopify.com").await;
        Self { server, key, store_key, member, plan, group }
    }

    /// Everything that a request could have changed.
    async fn everything(&self) -> Vec<String> {
        let mut found = Vec::new();
        for path in [
            "/members?includeJSON=true",
            "/manage/v1/plans",
            "/manage/v1/permissions",
            "/manage/v1/custom-fields",
            "/manage/v1/tables",
        ] {
            found.push(self.server.anonymous("GET", path).key(&self.key).send().await.text());
        }
        found
    }

    /// The route's address with these ids in it.
    fn path(&self, route: &Route, id: Option<&str>) -> String {
        let real = match route.surface {
            Surface::Appstle => &self.group,
            _ if route.path.contains("/plans/") => &self.plan,
            _ => &self.member,
        };
        let key = if route.path.contains("/mail-templates/") { "log-in-code" } else { "first-name" };
        let path = route.path.replace("{id}", id.unwrap_or(real)).replace("{key}", id.unwrap_or(key));
        let path = path.replace("{table}", id.unwrap_or("things")).replace("{field}", id.unwrap_or("name"));
        path.replace("{permission}", id.unwrap_or("prm_unknown")).replace("{verb}", "pause")
    }

    async fn send(&self, method: &str, path: &str, body: impl Into<Vec<u8>>) -> Reply {
        self.server.anonymous(method, path).key(self.key_for(path)).body(body).send().await
    }

    /// The key that opens the surface of this path.
    fn key_for(&self, path: &str) -> &str {
        if path.starts_with("/api/external/v2/") { &self.store_key } else { &self.key }
    }
}

fn guarded() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(|route| route.needs.is_some())
}

/// The routes that read a body that must be an object.
fn with_body() -> impl Iterator<Item = &'static Route> {
    // The Appstle dialect puts nearly everything into the query, also with PUT.
    let bare = |route: &&Route| {
        ["/permissions/{permission}", "/clock/freeze", "/clock/release"]
            .iter()
            .any(|end| route.path.ends_with(end))
            || (route.surface == Surface::Appstle && route.method != "POST")
            || route.path.ends_with("/{verb}")
    };
    guarded()
        .filter(|route| ["POST", "PATCH", "PUT"].contains(&route.method))
        .filter(move |route| !bare(route))
}

/// A refusal in any dialect: JSON with a code and words.
fn assert_refused(reply: &Reply, what: &str) {
    assert!(reply.status.is_client_error(), "{what}: {} {}", reply.status, reply.text());
    let body = reply.json();
    let code = body.get("code").or(body.get("errorKey")).or(body.get("message"));
    assert!(code.and_then(Value::as_str).is_some_and(|code| !code.is_empty()), "{what}: {body}");
    let words = body.get("message").or(body.get("detail"));
    assert!(words.and_then(Value::as_str).is_some_and(|words| !words.is_empty()), "{what}: {body}");
}

both_engines! {
    async fn no_id_in_a_path_is_a_fault_of_ours(engine) {
        let target = Target::set_up(engine).await;
        let before = target.everything().await;
        let long = "x".repeat(8000);
        let odd = [
            "%00", "a%00b", "%FF", "%C3%28", "%ED%A0%80", "%2e%2e", "%2F", "%0A", "%20", "%F0%9F%98%80", "'", "\"", "%25", "-1",
            "1e999", "null", "undefined", "mem_", "pln_", "99999999999999999999999", "$1", "a;b", "%E2%80%AE", &long,
        ];
        for route in guarded().filter(|route| route.path.contains('{')) {
            for id in odd {
                let path = target.path(route, Some(id));
                let reply = target.send(route.method, &path, r#"{"planId":"x","label":"x","amount":1}"#).await;
                let what = format!("{} {path:.60}", route.method);
                assert!(reply.status.as_u16() < 500, "{what}: {}", reply.text());
                // Any number means the store's own or a customer there, and nearly any text can be the name of a code.
                let takes_numbers = ["/cancellation-managements/", "/subscription-customers"];
                let any_number = takes_numbers.iter().any(|part| route.path.contains(part)) && id == "-1";
                let any_text = route.path.contains("/discount-codes/") && reply.status.is_success();
                if any_number || any_text {
                    assert!(reply.status.is_success(), "{what}");
                } else if route.method == "GET" && reply.status == 200 {
                    assert_eq!(reply.text(), r#"{"data":null}"#, "{what}");
                } else {
                    assert_refused(&reply, &what);
                }
            }
        }
        assert_eq!(target.everything().await, before);
    }

    async fn no_body_is_a_fault_of_ours(engine) {
        let target = Target::set_up(engine).await;
        let before = target.everything().await;
        let deep = |open: &str, close: &str, depth: usize| format!("{}1{}", open.repeat(depth), close.repeat(depth));
        let bodies: Vec<Vec<u8>> = vec![
            b"".to_vec(), b" \n ".to_vec(), b"{".to_vec(), b"}".to_vec(), b"null".to_vec(), b"[]".to_vec(), b"true".to_vec(), b"{}x".to_vec(),
            b"\"text\"".to_vec(), b"\xff\xfe{}".to_vec(), b"\xef\xbb\xbf{}".to_vec(), b"{\"email\":\"\xff\"}".to_vec(), b"{\"a\":\"\\ud800\"}".to_vec(),
            b"{\"a\":\"\\u0000\"}".to_vec(), b"{\"\\u0000\":1}".to_vec(), b"{\"a\":1,\"a\":1}".to_vec(), b"{\"a\":NaN}".to_vec(), b"{'a':1}".to_vec(),
            b"email=a%40x.io".to_vec(), b"{\"a\":1e999}".to_vec(), vec![0; 100], deep("[", "]", 100_000).into_bytes(),
            deep("{\"a\":", "}", 100).into_bytes(), deep("{\"json\":", "}", 70).into_bytes(),
        ];
        for route in with_body() {
            for body in &bodies {
                let reply = target.send(route.method, &target.path(route, None), body.clone()).await;
                let shown = String::from_utf8_lossy(&body[..body.len().min(30)]).into_owned();
                assert_refused(&reply, &format!("{} {} {shown:?}", route.method, route.path));
            }
        }
        assert_eq!(target.everything().await, before);
    }

    async fn every_field_of_a_wrong_type_is_refused(engine) {
        let target = Target::set_up(engine).await;
        let before = target.everything().await;
        let (text, flag, number) = (json!("text"), json!(true), json!(7));
        let (list, object) = (json!([1]), json!({"a": 1}));
        let all = [&text, &flag, &number, &list, &object];
        let routes = [
            ("POST", "/members".to_owned(), json!({"email": "new@example.com", "password": "a-long-password"}), vec![
                ("email", vec![&text]), ("password", vec![&text]), ("plans", vec![]), ("customFields", vec![&object]),
                ("metaData", vec![&object]), ("json", vec![&object]), ("loginRedirect", vec![&text]),
            ]),
            ("PATCH", format!("/members/{}", target.member), json!({}), vec![
                ("email", vec![]), ("customFields", vec![&object]), ("metaData", vec![&object]), ("json", vec![&object]),
                ("loginRedirect", vec![&text]), ("verified", vec![&flag]), ("profileImage", vec![]),
            ]),
            ("POST", format!("/members/{}/add-plan", target.member), json!({}), vec![("planId", vec![])]),
            ("POST", "/manage/v1/plans".to_owned(), json!({"name": "New"}), vec![
                ("name", vec![&text]), ("description", vec![&text]), ("priority", vec![&number]), ("restrictToAdmin", vec![&flag]),
                ("memberLimit", vec![&number]), ("redirects", vec![&object]), ("prices", vec![]),
            ]),
            ("PATCH", format!("/manage/v1/plans/{}", target.plan), json!({}), vec![
                ("name", vec![&text]), ("description", vec![&text]), ("priority", vec![&number]), ("status", vec![]),
                ("restrictToAdmin", vec![&flag]), ("memberLimit", vec![&number]),
            ]),
            ("POST", "/manage/v1/permissions".to_owned(), json!({"name": "new"}), vec![("name", vec![&text]), ("description", vec![&text])]),
            ("POST", "/manage/v1/custom-fields".to_owned(), json!({"key": "new", "label": "New"}), vec![
                ("key", vec![&text]), ("label", vec![&text]), ("hidden", vec![&flag]), ("visibility", vec![]),
                ("restrictToAdmin", vec![&flag]), ("order", vec![&number]),
            ]),
        ];
        for (method, path, good, fields) in &routes {
            for (field, right) in fields {
                for wrong in all.iter().filter(|value| !right.contains(value)) {
                    let mut body = good.clone();
                    body[*field] = (**wrong).clone();
                    let reply = target.send(method, path, body.to_string()).await;
                    assert_refused(&reply, &format!("{method} {path} {body}"));
                    assert_eq!(reply.status, 400, "{method} {path} {body}");
                }
            }
        }
        assert_eq!(target.everything().await, before);
    }

    async fn numbers_at_the_edges_are_refused_or_kept_exactly(engine) {
        let target = Target::set_up(engine).await;
        for (number, kept) in [("9223372036854775807", true), ("-9223372036854775808", true), ("9223372036854775808", false), ("1e30", false), ("0.5", false)] {
            let reply = target.send("POST", "/manage/v1/plans", format!(r#"{{"name":"Edge","priority":{number}}}"#)).await;
            if kept {
                assert!(reply.text().contains(&format!("\"priority\":{number},")), "{}", reply.text());
            } else {
                assert_refused(&reply, number);
            }
        }
        let body = r#"{"json":{"big":123456789012345678901234567890,"small":1e-300,"int":9007199254740993}}"#;
        let reply = target.send("PATCH", &format!("/members/{}", target.member), body).await;
        assert!(reply.status == 200 && reply.text().contains("9007199254740993"), "{}", reply.text());
    }

    async fn a_body_that_is_too_large_or_compressed_is_refused_unread(engine) {
        let target = Target::set_up(engine).await;
        let before = target.everything().await;
        let large = format!(r#"{{"name":"{}"}}"#, "x".repeat(3 * 1024 * 1024));
        for route in with_body() {
            let path = target.path(route, None);
            let what = format!("{} {path}", route.method);
            let reply = target.send(route.method, &path, large.clone()).await;
            assert_refused(&reply, &what);
            assert_eq!(reply.status, 413, "{what}");
            let request = target.server.anonymous(route.method, &path).key(target.key_for(&path)).header("content-encoding", "gzip");
            let reply = request.body(b"\x1f\x8b\x08\0".to_vec()).send().await;
            assert_refused(&reply, &what);
            assert_eq!(reply.status, 415, "{what}");
        }
        let identity = target.server.request("POST", "/members").header("content-encoding", "identity").body("{}").send().await;
        assert_eq!(identity.status, 400, "an encoding that changes nothing is none");
        let get = target.server.request("GET", "/members").body(large).send().await;
        assert_eq!(get.status, 200, "nobody reads the body of a GET");
        assert_eq!(target.everything().await, before);
    }

    async fn unknown_addresses_are_json_404s_and_wrong_methods_name_the_right_ones(engine) {
        let target = Target::set_up(engine).await;
        for path in ["/", "/nowhere", "/members/a/b", "/members/a/b/c", "/v2/data", "/manage", "/manage/", "/manage/v1", "/manage/v2/app", "/api", "/api/external/v2", "/api/external/v2/", "/api/external/v2/nowhere", "/api/external/v3/x", "/Members", "/%00", "/%FF", "//members"] {
            for method in ["GET", "POST", "DELETE"] {
                let reply = target.send(method, path, "").await;
                assert_refused(&reply, path);
                assert_eq!(reply.status, 404, "{method} {path}");
            }
        }
        // The client API asks who comes before it says what there is; `/` is there only if a setting says so.
        for route in ROUTES.iter().filter(|route| route.surface != Surface::Client && route.path != "/") {
            let path = target.path(route, None);
            let known: Vec<_> = ROUTES.iter().filter(|other| other.path == route.path).map(|other| other.method).collect();
            for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"] {
                if known.contains(&method) {
                    continue;
                }
                let reply = target.send(method, &path, "").await;
                assert_refused(&reply, &format!("{method} {path}"));
                assert_eq!(reply.status, 405, "{method} {path}");
                let allowed = reply.header("allow");
                for method in &known {
                    assert!(allowed.split(',').any(|allowed| allowed.trim() == *method), "{path}: {allowed}");
                }
            }
        }
    }

    async fn odd_headers_and_queries_are_borne(engine) {
        let target = Target::set_up(engine).await;
        let long = "k".repeat(100_000);
        for (name, value) in [("x-request-id", long.as_str()), ("x-forwarded-for", "not, an, address"), ("content-type", "\u{7f}a"), ("accept", "image/png")] {
            if axum_header(value) {
                let reply = target.server.request("GET", "/members").header(name, value).send().await;
                assert_eq!(reply.status, 200, "{name}");
            }
        }
        let query = format!("/members?{}", "&a=b".repeat(5000));
        for path in ["/members?%FF=%00&=&&==", "/members?order=%00", "/members?limit=1&limit=2&first=%FF", "/members?include", &query] {
            assert_eq!(target.server.request("GET", path).send().await.status, 200, "{path:.60}");
        }
        for key in [long.as_str(), "sk_sb_a b", " ", "sk_", "\t"] {
            assert_eq!(target.server.anonymous("GET", "/members").key(key).send().await.status, 400, "{key:.20}");
        }
    }
}

/// Whether a header can be sent with this value at all.
fn axum_header(value: &str) -> bool {
    http::HeaderValue::from_str(value).is_ok()
}

//! Data tables through the client API: each access rule, for strangers, members and owners.

use guildhall_testkit::{Reply, TestServer, both_engines, unpaced};
use serde_json::{Value, json};

const RULES: [&str; 4] = ["PUBLIC", "AUTHENTICATED", "AUTHENTICATED_OWN", "ADMIN_ONLY"];

/// A table with a text, in which everything goes by one rule unless `more` says otherwise.
async fn table(server: &TestServer, key: &str, rule: &str, more: Value) {
    let mut body = json!({
        "key": key, "name": key, "createRule": rule, "readRule": rule, "updateRule": rule, "deleteRule": rule,
        "fields": [{ "key": "text", "name": "Text", "type": "TEXT" }],
    });
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    let manager = server.managing_key().await;
    let made = server.anonymous("POST", "/manage/v1/tables").key(&manager).json(&body).send().await;
    assert_eq!(made.status, 201, "{}", made.text());
}

/// A record made by the site, owned by a member or by nobody. Its id.
async fn record(server: &TestServer, table: &str, owner: Option<&str>, data: Value) -> String {
    let body = json!({ "data": data, "memberId": owner });
    let made = server.request("POST", &format!("/v2/data-tables/{table}/records")).json(&body).send().await;
    assert_eq!(made.status, 200, "{}", made.text());
    made.json()["data"]["id"].as_str().expect("an id").to_owned()
}

/// A request of a page, signed in or not.
async fn ask(server: &TestServer, token: Option<&str>, method: &str, path: &str, body: Value) -> Reply {
    let request = match token {
        Some(token) => server.visit_as(token, method, path),
        None => server.visit(method, path),
    };
    request.json(&body).send().await
}

async fn query(server: &TestServer, token: Option<&str>, table: &str, query: Value) -> Reply {
    ask(server, token, "POST", "/v1/data-records/query", json!({ "table": table, "query": query })).await
}

fn outcome(reply: &Reply) -> (u16, String) {
    (reply.status.as_u16(), if reply.status == 200 { String::new() } else { reply.code() })
}

fn texts(reply: &Reply) -> Vec<String> {
    let records = reply.json()["data"]["records"].as_array().expect("records").clone();
    records.iter().map(|record| record["data"]["text"].as_str().unwrap_or_default().to_owned()).collect()
}

struct Scene {
    server: TestServer,
    ada: (String, String),
    eve: (String, String),
}

async fn scene(engine: guildhall_testkit::Engine) -> Scene {
    let server = TestServer::start_with(engine, unpaced).await;
    let mut members = Vec::new();
    for email in ["ada@example.com", "eve@example.com"] {
        let (token, member) = server.signed_up(email).await;
        members.push((token, member["id"].as_str().expect("an id").to_owned()));
    }
    let eve = members.pop().expect("two members");
    let ada = members.pop().expect("two members");
    Scene { server, ada, eve }
}

both_engines! {
    async fn each_rule_decides_on_each_call_for_strangers_members_and_owners(engine) {
        let Scene { server, ada, eve } = scene(engine).await;
        let (ok, login, denied) = ((200, String::new()), (401, "login-required".to_owned()), (403, "access-denied".to_owned()));
        for rule in RULES {
            let key = rule.to_lowercase();
            table(&server, &key, rule, json!({})).await;
            for (who, token, may) in [
                ("a stranger", None, match rule { "PUBLIC" => &ok, "ADMIN_ONLY" => &denied, _ => &login }),
                ("another member", Some(eve.0.as_str()), if rule == "ADMIN_ONLY" { &denied } else { &ok }),
                ("the owner", Some(ada.0.as_str()), if rule == "ADMIN_ONLY" { &denied } else { &ok }),
            ] {
                let own = record(&server, &key, Some(&ada.1), json!({ "text": "ada's" })).await;
                let path = format!("/v1/data-records/{own}");
                let is_owner = who == "the owner";
                let create = ask(&server, token, "POST", "/v1/data-records", json!({ "table": key, "data": { "text": "x" } })).await;
                assert_eq!(&outcome(&create), may, "{rule}: {who} creates");
                let many = query(&server, token, &key, json!({ "findMany": {} })).await;
                assert_eq!(&outcome(&many), may, "{rule}: {who} lists");
                let one = query(&server, token, &key, json!({ "findUnique": { "where": { "id": own } } })).await;
                let unique = if rule == "AUTHENTICATED_OWN" && may == &ok && !is_owner {
                    (404, "data-record-not-found".to_owned())
                } else {
                    may.clone()
                };
                assert_eq!(outcome(&one), unique, "{rule}: {who} reads");
                let write = if rule == "AUTHENTICATED_OWN" && may == &ok && !is_owner { &denied } else { may };
                let update = ask(&server, token, "PUT", &path, json!({ "data": { "text": "y" } })).await;
                assert_eq!(&outcome(&update), write, "{rule}: {who} updates");
                let delete = ask(&server, token, "DELETE", &path, json!({})).await;
                assert_eq!(&outcome(&delete), write, "{rule}: {who} deletes");
                if write == &ok {
                    assert_eq!(delete.json(), json!({ "data": { "id": own } }));
                }
            }
            let by_site = server.request("POST", &format!("/v2/data-tables/{key}/records/query"))
                .json(&json!({ "query": { "findMany": {} } })).send().await;
            assert_eq!(by_site.status, 200, "a secret key is above the rules");
        }
        let stale = query(&server, Some("eyJ.x.y"), "authenticated", json!({ "findMany": {} })).await;
        assert_eq!(outcome(&stale), (401, "client/invalid-token".to_owned()));
    }

    async fn only_ones_own_records_are_listed_counted_and_found(engine) {
        let Scene { server, ada, eve } = scene(engine).await;
        table(&server, "notes", "AUTHENTICATED_OWN", json!({})).await;
        for (owner, text) in [(Some(&ada.1), "a1"), (Some(&eve.1), "e1"), (None, "system"), (Some(&ada.1), "a2")] {
            record(&server, "notes", owner.map(String::as_str), json!({ "text": text })).await;
        }
        let ask_all = |member: &'static str| json!({ "findMany": { "where": { "OR": [{ "text": { "contains": member } }, { "NOT": { "text": "none" } }] } } });
        assert_eq!(texts(&query(&server, Some(&ada.0), "notes", ask_all("e")).await), ["a1", "a2"]);
        assert_eq!(texts(&query(&server, Some(&eve.0), "notes", json!({ "findMany": {} })).await), ["e1"]);
        let count = query(&server, Some(&ada.0), "notes", json!({ "findMany": { "_count": true } })).await;
        assert_eq!(count.json()["data"]["_count"], 2);
        let one = query(&server, Some(&ada.0), "notes", json!({ "findMany": { "take": 1, "orderBy": { "internalOrder": "DESC" } } })).await.json();
        assert_eq!((one["data"]["records"][0]["data"]["text"].clone(), one["data"]["pagination"]["hasMore"].clone()), (json!("a2"), json!(true)));
        for (token, expected) in [(Some(&ada.0), 2), (Some(&eve.0), 1), (None, 0)] {
            let shown = ask(&server, token.map(String::as_str), "GET", "/v1/data-tables/notes", json!({})).await.json();
            assert_eq!(shown["data"]["recordCount"], expected);
        }
    }

    async fn a_record_belongs_to_who_made_it_and_pages_are_told_so(engine) {
        let Scene { server, ada, eve } = scene(engine).await;
        table(&server, "posts", "PUBLIC", json!({})).await;
        let body = json!({ "table": "posts", "data": { "text": "mine" }, "memberId": eve.1 });
        let made = ask(&server, Some(&ada.0), "POST", "/v1/data-records", body.clone()).await.json();
        assert_eq!((made["data"]["createdByMemberId"].as_str(), made["data"]["activeMemberOwnsIt"].as_bool()), (Some(ada.1.as_str()), Some(true)));
        let id = made["data"]["id"].as_str().expect("an id").to_owned();
        let anonymous = ask(&server, None, "POST", "/v1/data-records", body).await.json();
        assert_eq!((anonymous["data"]["createdByMemberId"].clone(), anonymous["data"]["activeMemberOwnsIt"].clone()), (json!(null), json!(false)));
        for (token, owns) in [(Some(&ada.0), true), (Some(&eve.0), false), (None, false)] {
            let found = query(&server, token.map(String::as_str), "posts", json!({ "findUnique": { "where": { "id": id } } })).await.json();
            assert_eq!(found["data"]["record"]["activeMemberOwnsIt"], owns);
        }
        let changed = ask(&server, Some(&eve.0), "PUT", &format!("/v1/data-records/{id}"), json!({ "data": { "text": "hers" } })).await.json();
        assert_eq!((changed["data"]["activeMemberOwnsIt"].clone(), changed["data"]["createdByMemberId"].as_str()), (json!(false), Some(ada.1.as_str())));
        let admin = server.request("POST", "/v2/data-tables/posts/records/query").json(&json!({ "query": { "findMany": {} } })).send().await.json();
        assert_eq!(admin["data"]["records"][0].get("activeMemberOwnsIt"), None, "servers are not asked whose they are");
    }

    async fn a_member_may_join_and_leave_a_record_of_others_and_do_nothing_else_to_it(engine) {
        let Scene { server, ada, eve } = scene(engine).await;
        let fields = json!({ "fields": [
            { "key": "text", "name": "Text", "type": "TEXT" },
            { "key": "likes", "name": "Likes", "type": "MEMBER_REFERENCE_MANY" },
            { "key": "lead", "name": "Lead", "type": "MEMBER_REFERENCE" },
        ], "readRule": "PUBLIC" });
        table(&server, "events", "AUTHENTICATED_OWN", fields).await;
        let id = record(&server, "events", Some(&ada.1), json!({ "text": "party" })).await;
        let path = format!("/v1/data-records/{id}");
        let put = async |token: Option<&str>, data: Value| ask(&server, token, "PUT", &path, json!({ "data": data })).await;
        let myself = |verb: &str| json!({ "likes": { verb: { "self": true } } });
        assert_eq!(put(Some(&eve.0), myself("connect")).await.status, 200);
        let found = json!({ "findUnique": { "where": { "id": id }, "include": { "likes": true } } });
        let liked = async || query(&server, Some(&eve.0), "events", found.clone()).await.json()["data"]["record"]["data"]["likes"]["records"].clone();
        let joined = put(Some(&eve.0), myself("connect")).await.json()["data"]["data"]["likes"].clone();
        assert_eq!(joined, json!({ "count": 0, "hasself": true, "action": "unchanged" }));
        let likes = liked().await;
        assert_eq!((likes[0]["id"].as_str(), likes.as_array().map(Vec::len)), (Some(eve.1.as_str()), Some(1)));
        let beside = put(Some(&ada.0), myself("connect")).await.json()["data"]["data"]["likes"].clone();
        assert_eq!(beside, json!({ "count": 1, "hasself": true, "action": "connected" }));
        assert_eq!(put(Some(&ada.0), myself("disconnect")).await.status, 200);
        let left = put(Some(&eve.0), myself("disconnect")).await.json()["data"]["data"]["likes"].clone();
        assert_eq!(left, json!({ "count": 1, "hasself": false, "action": "disconnected" }));
        assert_eq!(liked().await, json!([]));
        assert_eq!(outcome(&put(None, myself("connect")).await), (401, "login-required".into()));
        let denied = (403, "access-denied".to_owned());
        assert_eq!(outcome(&put(Some(&eve.0), json!({ "likes": { "connect": { "self": true } }, "text": "x" })).await), denied);
        for all in [json!(null), json!([])] {
            assert_eq!(outcome(&put(Some(&eve.0), json!({ "likes": all })).await), denied);
        }
        let others = json!({ "likes": { "connect": { "id": ada.1 } } });
        assert_eq!(outcome(&put(Some(&eve.0), others.clone()).await), denied);
        assert_eq!(outcome(&put(Some(&ada.0), others).await), (400, "invalid-field-value".into()), "not even the owner names members");
    }

    async fn rules_of_included_tables_and_the_privacy_of_members_hold(engine) {
        let Scene { server, ada, eve } = scene(engine).await;
        table(&server, "secrets", "ADMIN_ONLY", json!({})).await;
        table(&server, "own", "AUTHENTICATED_OWN", json!({})).await;
        let fields = json!({ "fields": [
            { "key": "secret", "name": "S", "type": "REFERENCE", "referencedTable": "secrets" },
            { "key": "own", "name": "O", "type": "REFERENCE", "referencedTable": "own" },
            { "key": "who", "name": "W", "type": "MEMBER_REFERENCE" },
        ] });
        table(&server, "open", "PUBLIC", fields).await;
        let secret = record(&server, "secrets", None, json!({ "text": "secret" })).await;
        let own = record(&server, "own", Some(&ada.1), json!({ "text": "ada's" })).await;
        record(&server, "open", None, json!({ "secret": secret, "own": own, "who": ada.1 })).await;
        server.post_as(&ada.0, "/member", json!({ "customFields": { "first-name": "Ada" } })).await;
        let noted = json!({ "metaData": { "note": "hers" } });
        assert_eq!(server.request("PATCH", &format!("/members/{}", ada.1)).json(&noted).send().await.status, 200);
        let include = |what: &str| json!({ "findMany": { "include": { what: true } } });
        for token in [None, Some(ada.0.as_str())] {
            let refused = query(&server, token, "open", include("secret")).await;
            assert_eq!(outcome(&refused), (403, "access-denied".into()));
        }
        assert_eq!(outcome(&query(&server, None, "open", include("own")).await), (401, "login-required".into()));
        let included = async |token: &str| query(&server, Some(token), "open", include("own")).await.json()["data"]["records"][0]["data"]["own"].clone();
        assert_eq!(included(&ada.0).await["data"]["text"], "ada's");
        assert_eq!(included(&eve.0).await, json!(null));
        let who = async |token: Option<&str>| query(&server, token, "open", include("who")).await.json()["data"]["records"][0]["data"]["who"].clone();
        let to_herself = who(Some(&ada.0)).await;
        assert_eq!(to_herself["customFields"]["first-name"], "Ada");
        assert_eq!(to_herself["metaData"], noted["metaData"], "her metadata is for herself");
        let (to_eve, to_stranger) = (who(Some(&eve.0)).await, who(None).await);
        assert_eq!((to_eve["customFields"].clone(), to_eve["email"].as_str()), (json!({}), Some("ada@example.com")));
        assert_eq!((to_stranger["customFields"].clone(), to_stranger["email"].clone()), (json!({}), json!(null)));
        let by_site = server.request("POST", "/v2/data-tables/open/records/query").json(&json!({ "query": include("who") })).send().await.json();
        for other in [to_eve, to_stranger, by_site["data"]["records"][0]["data"]["who"].clone()] {
            assert!(other["id"] == ada.1.as_str() && other.get("metaData").is_none(), "{other}");
        }
    }

    async fn pages_see_the_tables_that_concern_them(engine) {
        let Scene { server, ada, .. } = scene(engine).await;
        table(&server, "posts", "PUBLIC", json!({})).await;
        table(&server, "inbox", "ADMIN_ONLY", json!({ "createRule": "PUBLIC" })).await;
        table(&server, "internal", "ADMIN_ONLY", json!({})).await;
        for key in ["posts", "inbox"] {
            record(&server, key, None, json!({ "text": "x" })).await;
        }
        let listed = ask(&server, Some(&ada.0), "GET", "/v1/data-tables", json!({})).await.json();
        let listed: Vec<_> = listed["data"]["tables"].as_array().expect("tables").iter()
            .map(|table| (table["key"].as_str().expect("a key").to_owned(), table["recordCount"].as_i64())).collect();
        assert_eq!(listed.len(), 2);
        assert!(listed.contains(&("posts".into(), Some(1))) && listed.contains(&("inbox".into(), Some(0))), "{listed:?}");
        for (name, code) in [("internal", "data-table-not-found"), ("unknown", "data-table-not-found"), ("a%20b!", "generic-message")] {
            let reply = ask(&server, None, "GET", &format!("/v1/data-tables/{name}"), json!({})).await;
            assert_eq!(reply.code(), code, "{name}");
        }
    }

    async fn bad_calls_are_told_in_the_vendors_words(engine) {
        let Scene { server, ada, .. } = scene(engine).await;
        table(&server, "posts", "AUTHENTICATED", json!({})).await;
        let id = record(&server, "posts", None, json!({ "text": "x" })).await;
        let token = Some(ada.0.as_str());
        for (method, path, body, message) in [
            ("POST", "/v1/data-records/query", json!({ "query": {} }), "Table key is required"),
            ("POST", "/v1/data-records/query", json!({ "table": "posts" }), "Query parameter is required"),
            ("POST", "/v1/data-records", json!({ "table": "posts", "data": [] }), "data must be an object"),
            ("POST", "/v1/data-records", json!({ "table": "nope", "data": {} }), "Data table not found"),
            ("PUT", &format!("/v1/data-records/{id}"), json!({ "data": {} }), "data cannot be empty"),
            ("PUT", "/v1/data-records/cunknown", json!({ "data": { "text": "y" } }), "Data record not found"),
            ("DELETE", "/v1/data-records/cunknown", json!({}), "Data record not found"),
            ("DELETE", "/v1/data-records/%00", json!({}), "Data record not found"),
        ] {
            let reply = ask(&server, token, method, path, body).await;
            assert_eq!(reply.json()["message"], message, "{method} {path}");
            assert!([400, 404].contains(&reply.status.as_u16()));
        }
        let internal = ask(&server, token, "PUT", &format!("/v1/data-records/{id}"), json!({ "data": { "text": "y" }, "_internalUseOnly": 1 })).await;
        assert_eq!(internal.status, 200);
    }
}

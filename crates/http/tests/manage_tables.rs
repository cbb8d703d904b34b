//! Defining data tables through the management API, and what a change of definition does to records.

use guildhall_domain::Mode;
use guildhall_domain::scope::{Scope, Scopes};
use guildhall_testkit::{Engine, Reply, TestServer, both_engines};
use serde_json::{Value, json};

/// A server and a key of its sandbox that may manage and use tables.
struct Office {
    server: TestServer,
    key: String,
}

impl Office {
    async fn open(engine: Engine) -> Self {
        let server = TestServer::start(engine).await;
        let scopes = Scopes::of([Scope::Tables, Scope::Manage, Scope::Members]);
        let key = server.key(Mode::Sandbox, |draft| draft.scopes = scopes).await.1;
        Self { server, key }
    }

    async fn ask(&self, method: &str, path: &str, body: Value) -> Reply {
        let request = self.server.anonymous(method, path).key(&self.key);
        let request = if body.is_null() { request } else { request.json(&body) };
        request.send().await
    }

    async fn manage(&self, method: &str, path: &str, body: Value) -> Reply {
        self.ask(method, &format!("/manage/v1/tables{path}"), body).await
    }

    async fn done(&self, method: &str, path: &str, body: Value) -> Value {
        let reply = self.manage(method, path, body).await;
        assert!(reply.status.is_success(), "{method} {path}: {}", reply.text());
        reply.json()["data"].clone()
    }

    async fn refused(&self, method: &str, path: &str, body: Value) -> String {
        let reply = self.manage(method, path, body).await;
        assert!(reply.status.is_client_error(), "{method} {path}: {}", reply.text());
        reply.code()
    }

    async fn record(&self, table: &str, data: Value) -> Reply {
        self.ask("POST", &format!("/v2/data-tables/{table}/records"), json!({ "data": data })).await
    }

    async fn made(&self, table: &str, data: Value) -> Value {
        let reply = self.record(table, data).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()["data"].clone()
    }

    async fn found(&self, table: &str, find_many: Value) -> Value {
        let query = json!({ "query": { "findMany": find_many } });
        let reply = self.ask("POST", &format!("/v2/data-tables/{table}/records/query"), query).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()["data"].clone()
    }
}

fn field(table: &Value, key: &str) -> Value {
    let fields = table["fields"].as_array().expect("fields");
    fields.iter().find(|field| field["key"] == key).cloned().unwrap_or_default()
}

fn keys(table: &Value) -> Vec<&str> {
    table["fields"].as_array().expect("fields").iter().filter_map(|field| field["key"].as_str()).collect()
}

both_engines! {
    async fn a_table_is_closed_unless_its_rules_say_otherwise_and_both_apis_show_it(engine) {
        let office = Office::open(engine).await;
        let made = office.done("POST", "", json!({ "key": "books", "name": "Books", "readRule": "PUBLIC",
            "fields": [{ "key": "title", "type": "TEXT", "required": true }, { "key": "isbn", "type": "TEXT_UNIQUE" }] })).await;
        assert_eq!((&made["createRule"], &made["readRule"]), (&json!("ADMIN_ONLY"), &json!("PUBLIC")));
        assert_eq!(keys(&made), ["title", "isbn"]);
        assert_eq!((field(&made, "isbn")["unique"].clone(), field(&made, "title")["indexed"].clone()), (json!(true), json!(false)));
        let shown = office.ask("GET", "/v2/data-tables/books", Value::Null).await.json()["data"].clone();
        assert_eq!((&shown["id"], field(&shown, "isbn").get("unique")), (&made["id"], None), "the vendor shows no such flag");
        assert_eq!(office.done("GET", &format!("/{}", made["id"].as_str().expect("an id")), Value::Null).await, made);
        assert_eq!(office.refused("POST", "", json!({ "key": "books", "name": "Again" })).await, "table_exists");
    }

    async fn a_definition_that_makes_no_sense_is_refused_and_leaves_nothing_behind(engine) {
        let office = Office::open(engine).await;
        for (body, code) in [
            (json!({ "key": "a b", "name": "x" }), "input_invalid"),
            (json!({ "key": "tbl_x", "name": "x" }), "input_invalid"),
            (json!({ "key": "x" }), "body_invalid"),
            (json!({ "key": "x", "name": "x", "readRule": "EVERYBODY" }), "body_invalid"),
            (json!({ "key": "x", "name": "x", "fields": [{ "key": "f", "type": "JSON" }] }), "body_invalid"),
            (json!({ "key": "x", "name": "x", "fields": [{ "key": "id", "type": "TEXT" }] }), "input_invalid"),
            (json!({ "key": "x", "name": "x", "fields": [{ "key": "f", "type": "TEXT" }, { "key": "f", "type": "TEXT" }] }), "field_exists"),
            (json!({ "key": "x", "name": "x", "fields": [{ "key": "f", "type": "REFERENCE" }] }), "input_invalid"),
            (json!({ "key": "x", "name": "x", "fields": [{ "key": "f", "type": "TEXT", "referencedTable": "x" }] }), "input_invalid"),
            (json!({ "key": "x", "name": "x", "fields": [{ "key": "f", "type": "REFERENCE", "referencedTable": "nowhere" }] }), "table_not_found"),
            (json!({ "key": "x", "name": "x", "fields": [{ "key": "f", "type": "NUMBER", "defaultValue": "five" }] }), "field_value_invalid"),
            (json!({ "key": "x", "name": "x", "fields": [{ "key": "f", "type": "BOOLEAN", "unique": true }] }), "input_invalid"),
            (json!({ "key": "x", "name": "x", "fields": [{ "key": "f", "type": "TEXT_UNIQUE", "defaultValue": "x" }] }), "input_invalid"),
        ] {
            assert_eq!(office.refused("POST", "", body.clone()).await, code, "{body}");
        }
        assert_eq!(office.done("GET", "", Value::Null).await, json!([]));
    }

    async fn a_table_is_renamed_and_its_records_stay(engine) {
        let office = Office::open(engine).await;
        office.done("POST", "", json!({ "key": "old", "name": "Old", "fields": [{ "key": "t", "type": "TEXT" }] })).await;
        let record = office.made("old", json!({ "t": "kept" })).await;
        let changed = office.done("PATCH", "/old", json!({ "key": "new", "name": "New", "deleteRule": "AUTHENTICATED_OWN" })).await;
        assert_eq!((&changed["key"], &changed["deleteRule"]), (&json!("new"), &json!("AUTHENTICATED_OWN")));
        assert!(changed["updatedAt"].is_string());
        assert_eq!(office.record("old", json!({})).await.status, 404);
        assert_eq!(office.found("new", json!({})).await["records"][0]["id"], record["id"]);
    }

    async fn deleting_a_table_tells_what_goes_and_wants_it_confirmed(engine) {
        let office = Office::open(engine).await;
        office.done("POST", "", json!({ "key": "cats", "name": "Cats", "fields": [{ "key": "n", "type": "NUMBER" }] })).await;
        let pets = json!({ "key": "pets", "name": "Pets", "fields": [{ "key": "cat", "type": "REFERENCE", "referencedTable": "cats" }] });
        office.done("POST", "", pets).await;
        office.made("cats", json!({ "n": 1 })).await;
        let referenced = office.manage("DELETE", "/cats?confirm=cats", Value::Null).await;
        assert_eq!(referenced.code(), "table_referenced");
        assert!(referenced.text().contains("pets.cat"), "{}", referenced.text());
        office.done("DELETE", "/pets/fields/cat", Value::Null).await;
        let unconfirmed = office.manage("DELETE", "/cats", Value::Null).await;
        assert_eq!((unconfirmed.status.as_u16(), unconfirmed.code()), (409, "confirmation_missing".into()));
        assert!(unconfirmed.text().contains("0 live records and 1 sandbox records"), "{}", unconfirmed.text());
        assert_eq!(office.found("cats", json!({ "_count": true })).await, json!({ "_count": 1 }));
        let gone = office.done("DELETE", "/cats?confirm=cats", Value::Null).await;
        assert_eq!((&gone["fields"], &gone["records"]), (&json!(1), &json!({ "live": 0, "sandbox": 1 })));
        assert_eq!(office.record("cats", json!({})).await.status, 404);
        // The key is free again, and the new table has nothing of the old one.
        office.done("POST", "", json!({ "key": "cats", "name": "Cats", "fields": [{ "key": "n", "type": "NUMBER" }] })).await;
        assert_eq!(office.found("cats", json!({})).await["records"], json!([]));
    }

    async fn fields_come_and_go_beside_records(engine) {
        let office = Office::open(engine).await;
        office.done("POST", "", json!({ "key": "t", "name": "T", "fields": [{ "key": "a", "type": "TEXT" }] })).await;
        let old = office.made("t", json!({ "a": "before" })).await;
        assert_eq!(office.refused("POST", "/t/fields", json!({ "key": "b", "type": "NUMBER", "required": true })).await, "field_conflict");
        let changed = office.done("POST", "/t/fields", json!({ "key": "b", "type": "NUMBER", "defaultValue": 7 })).await;
        assert_eq!((keys(&changed), field(&changed, "b")["tableOrder"].clone()), (vec!["a", "b"], json!(1)));
        let new = office.made("t", json!({ "a": "after" })).await;
        assert_eq!(new["data"]["b"], 7);
        let records = office.found("t", json!({ "where": { "b": null } })).await["records"].clone();
        assert_eq!((records.as_array().map(Vec::len), &records[0]["id"]), (Some(1), &old["id"]), "a default is for new records");
        assert_eq!(office.refused("DELETE", "/t/fields/a", Value::Null).await, "confirmation_missing");
        let left = office.done("DELETE", "/t/fields/a?confirm=a", Value::Null).await;
        assert_eq!(keys(&left), ["b"]);
        assert_eq!(office.record("t", json!({ "a": "gone" })).await.status, 400);
        assert_eq!(office.found("t", json!({})).await["records"][1]["data"], json!({ "b": 7 }));
        assert_eq!(office.refused("PATCH", "/t/fields/a", json!({ "name": "x" })).await, "field_not_found");
    }

    async fn a_field_becomes_stricter_only_if_what_is_stored_fits(engine) {
        let office = Office::open(engine).await;
        let fields = json!([{ "key": "a", "type": "TEXT" }, { "key": "n", "type": "NUMBER" }]);
        office.done("POST", "", json!({ "key": "t", "name": "T", "fields": fields })).await;
        let long = "x".repeat(256);
        let first = office.made("t", json!({ "a": long, "n": 1 })).await;
        office.made("t", json!({ "a": "two", "n": 1 })).await;
        office.made("t", json!({ "n": 2 })).await;
        for change in [json!({ "required": true }), json!({ "type": "TEXT_FILTERABLE" }), json!({ "type": "NUMBER" }), json!({ "type": "EMAIL" })] {
            assert_eq!(office.refused("PATCH", "/t/fields/a", change.clone()).await, "field_conflict", "{change}");
        }
        assert_eq!(office.refused("PATCH", "/t/fields/n", json!({ "unique": true })).await, "field_conflict");
        let id = first["id"].as_str().expect("an id");
        office.ask("PUT", &format!("/v2/data-tables/t/records/{id}"), json!({ "data": { "a": "one", "n": 3 } })).await;
        let changed = office.done("PATCH", "/t/fields/a", json!({ "key": "name", "type": "TEXT_UNIQUE" })).await;
        assert_eq!((field(&changed, "name")["unique"].clone(), field(&changed, "name")["indexed"].clone()), (json!(true), json!(true)));
        office.done("PATCH", "/t/fields/n", json!({ "unique": true })).await;
        let taken = office.record("t", json!({ "name": "one", "n": 9 })).await;
        assert_eq!((taken.status.as_u16(), taken.code()), (400, "unique-constraint-violation".into()));
        assert_eq!(office.record("t", json!({ "name": "four", "n": 3 })).await.code(), "unique-constraint-violation");
        office.done("PATCH", "/t/fields/name", json!({ "type": "TEXT" })).await;
        office.made("t", json!({ "name": "one", "n": 10 })).await;
    }

    async fn a_table_may_point_at_itself(engine) {
        let office = Office::open(engine).await;
        let fields = json!([{ "key": "parent", "type": "REFERENCE", "referencedTable": "tree" }]);
        office.done("POST", "", json!({ "key": "tree", "name": "Tree", "fields": fields })).await;
        let root = office.made("tree", json!({})).await;
        let leaf = office.made("tree", json!({ "parent": root["id"] })).await;
        let found = office.found("tree", json!({ "where": { "parent": root["id"] } })).await;
        assert_eq!(found["records"][0]["id"], leaf["id"]);
        office.done("DELETE", "/tree?confirm=tree", Value::Null).await;
    }

    async fn another_process_sees_a_new_table_and_a_removed_field_at_once(engine) {
        let office = Office::open(engine).await;
        office.done("POST", "", json!({ "key": "t", "name": "T", "fields": [{ "key": "a", "type": "TEXT" }, { "key": "b", "type": "TEXT" }] })).await;
        office.made("t", json!({ "a": "x", "b": "y" })).await;
        let other = office.server.second_process().await;
        let by = guildhall_domain::audit::Actor::CommandLine;
        other.delete_field(&office.server.app, "t", "b", Some("b".into()), by).await.expect("it is removed");
        assert_eq!(office.found("t", json!({})).await["records"][0]["data"], json!({ "a": "x" }));
        assert_eq!(office.record("t", json!({ "b": "y" })).await.status, 400);
    }

    async fn scopes_say_who_may_do_what_with_records(engine) {
        let office = Office::open(engine).await;
        office.done("POST", "", json!({ "key": "t", "name": "T", "fields": [{ "key": "a", "type": "TEXT" }] })).await;
        let query = json!({ "query": { "findMany": {} } });
        for (scopes, read, write) in [
            (Scopes::of([Scope::Tables]), 200, 200),
            (Scopes::of([Scope::Tables, Scope::ReadOnly]), 200, 403),
            (Scopes::of([Scope::Members]), 403, 403),
            (Scopes::default(), 200, 200),
        ] {
            let key = office.server.key(Mode::Sandbox, |draft| draft.scopes = scopes).await.1;
            let asked = office.server.anonymous("POST", "/v2/data-tables/t/records/query").key(&key).json(&query).send().await;
            let wrote = office.server.anonymous("POST", "/v2/data-tables/t/records").key(&key).json(&json!({ "data": {} })).send().await;
            assert_eq!((asked.status.as_u16(), wrote.status.as_u16()), (read, write), "{scopes:?}");
        }
    }
}

//! A table of cases with the answers written out: nothing, case, decimals, prefixes, wildcards, cursors.
//! What SQLite and PostgreSQL are each most likely to see in their own way.

use guildhall_app::AppError;
use guildhall_app::data_tables::{FieldDraft, TableDraft};
use guildhall_app::records::write_found;
use guildhall_domain::Mode;
use guildhall_domain::audit::Actor;
use guildhall_domain::data_table::{AccessRules, FieldKind};
use guildhall_testkit::{Engine, TestServer, both_engines};
use serde_json::{Value, json};

/// A server with one table, `things`.
struct Scene {
    server: TestServer,
}

impl Scene {
    async fn set_up(engine: Engine, fields: &[(&str, FieldKind)], records: &Value) -> Self {
        let server = TestServer::start(engine).await;
        let field = |(key, kind): &(&str, FieldKind)| FieldDraft {
            key: (*key).to_owned(),
            name: (*key).to_owned(),
            kind: *kind,
            required: false,
            unique: false,
            default: None,
            position: None,
            referenced_table: kind.points_at_records().then(|| "things".to_owned()),
        };
        let draft = TableDraft {
            key: "things".into(),
            name: "Things".into(),
            rules: AccessRules::default(),
            fields: fields.iter().map(field).collect(),
        };
        server.guildhall.create_table(&server.app, draft, Actor::CommandLine).await.expect("a table is made");
        let scene = Self { server };
        for record in records.as_array().expect("a list") {
            scene.create(record).await;
        }
        scene
    }

    async fn create(&self, record: &Value) -> String {
        let guildhall = &self.server.guildhall;
        let place = guildhall.command_line_access(&self.server.app, Mode::Sandbox).await.expect("the app");
        let data = record.as_object().expect("an object");
        let created = guildhall.create_record(&place.access(), "things", data, None).await;
        created.unwrap_or_else(|error| panic!("{record}: {error:?}")).record.id
    }

    async fn find(&self, options: &Value) -> Result<Value, AppError> {
        let guildhall = &self.server.guildhall;
        let place = guildhall.command_line_access(&self.server.app, Mode::Sandbox).await.expect("the app");
        let query = json!({ "findMany": options });
        let found = guildhall.query_records(&place.access(), "things", Some(&query)).await?;
        let mut out = Vec::new();
        write_found(&mut out, &found, &place.access().definitions().tables);
        Ok(serde_json::from_slice(&out).expect("JSON"))
    }

    /// The numbers of the records that are found, in their order.
    async fn numbers(&self, options: &Value) -> Vec<i64> {
        let found = self.find(options).await.unwrap_or_else(|error| panic!("{options}: {error:?}"));
        let records = found["records"].as_array().expect("a list");
        records.iter().map(|record| record["internalOrder"].as_i64().expect("a number")).collect()
    }

    /// Each filter and the numbers of the records that it means.
    async fn assert_filters(&self, cases: &[(Value, &[i64])]) {
        for (filter, expected) in cases {
            assert_eq!(self.numbers(&json!({ "where": filter })).await, *expected, "{filter}");
            let count = self.find(&json!({ "where": filter, "_count": true })).await.expect("a count");
            assert_eq!(count, json!({ "_count": expected.len() }), "{filter}");
        }
    }

    /// Each order and the numbers of all records in it, also when each is asked for by itself.
    async fn assert_orders(&self, cases: &[(Value, &[i64])]) {
        for (order, expected) in cases {
            assert_eq!(self.numbers(&json!({ "orderBy": order })).await, *expected, "{order}");
            let (mut one_by_one, mut options) = (Vec::new(), json!({ "orderBy": order, "take": 1 }));
            while let [number] = self.numbers(&options).await[..] {
                one_by_one.push(number);
                options["after"] = number.into();
            }
            assert_eq!(one_by_one, *expected, "{order}, one by one");
        }
    }
}

fn texts(texts: &[&str]) -> Value {
    texts.iter().map(|text| json!({ "text": text })).collect()
}

both_engines! {
    async fn nothing_is_neither_equal_nor_unequal_and_comes_last(engine) {
        let records = json!([{"n": 2, "yes": true}, {}, {"n": 1, "yes": false}, {"n": null}, {"n": 2, "text": ""}]);
        let fields = [("n", FieldKind::Number), ("yes", FieldKind::Boolean), ("text", FieldKind::Text)];
        let scene = Scene::set_up(engine, &fields, &records).await;
        scene.assert_filters(&[
            (json!({"n": null}), &[2, 4]), (json!({"n": {"not": null}}), &[1, 3, 5]),
            (json!({"n": 2}), &[1, 5]), (json!({"n": {"not": 2}}), &[3]), (json!({"NOT": {"n": 2}}), &[3]),
            (json!({"NOT": {"NOT": {"n": 2}}}), &[1, 5]), (json!({"NOT": {"n": null}}), &[1, 3, 5]),
            (json!({"n": {"in": []}}), &[]), (json!({"n": {"notIn": []}}), &[1, 2, 3, 4, 5]),
            (json!({"n": {"in": [1]}}), &[3]), (json!({"n": {"notIn": [1]}}), &[1, 5]),
            (json!({"OR": [{"n": 1}, {"n": null}]}), &[2, 3, 4]), (json!({"OR": [{"n": {"not": 1}}, {"yes": false}]}), &[1, 3, 5]),
            (json!({"NOT": {"AND": [{"n": 1}, {"yes": true}]}}), &[1, 3, 5]), (json!({"OR": []}), &[]), (json!({"AND": []}), &[1, 2, 3, 4, 5]),
            (json!({"NOT": []}), &[1, 2, 3, 4, 5]), (json!({"NOT": {}}), &[]), (json!({"n": {}}), &[1, 2, 3, 4, 5]), (json!({"n": {"not": {}}}), &[]),
            (json!({"text": {"contains": ""}}), &[5]), (json!({"NOT": {"text": {"contains": ""}}}), &[]),
            (json!({"text": {"startsWith": ""}}), &[5]), (json!({"text": {"endsWith": ""}}), &[5]), (json!({"text": ""}), &[5]),
            (json!({"yes": false}), &[3]), (json!({"yes": {"not": true}}), &[3]), (json!({"text": {"search": " "}}), &[1, 2, 3, 4, 5]),
        ]).await;
        scene.assert_orders(&[
            (json!({"n": "asc"}), &[3, 1, 5, 2, 4]), (json!({"n": "desc"}), &[4, 2, 5, 1, 3]),
            (json!({"yes": "asc"}), &[3, 1, 2, 4, 5]), (json!({"yes": "desc"}), &[5, 4, 2, 1, 3]),
            (json!([{"n": "asc"}, {"yes": "desc"}]), &[3, 5, 1, 4, 2]), (json!([{"yes": "desc"}, {"n": "asc"}]), &[5, 2, 4, 1, 3]),
            (json!([{"n": "desc"}, {"internalOrder": "asc"}]), &[2, 4, 1, 5, 3]), (json!({"internalOrder": "desc"}), &[5, 4, 3, 2, 1]),
        ]).await;
    }

    async fn texts_come_by_code_point_and_case_counts_unless_told_otherwise(engine) {
        let given = ["b", "B", "a", "é", "É", "e\u{301}", "\u{e000}", "😀", "\u{10ffff}", "ß", "SS", "İ", "i", "ſ", ""];
        for kind in [FieldKind::Text, FieldKind::TextFilterable] {
            let scene = Scene::set_up(engine, &[("text", kind)], &texts(&given)).await;
            scene.assert_orders(&[
                (json!({"text": "asc"}), &[15, 2, 11, 3, 1, 6, 13, 5, 10, 4, 12, 14, 7, 8, 9]),
                (json!({"text": "desc"}), &[9, 8, 7, 14, 12, 4, 10, 5, 13, 6, 1, 3, 11, 2, 15]),
            ]).await;
            scene.assert_filters(&[
                (json!({"text": "b"}), &[1]), (json!({"text": {"equals": "b", "mode": "insensitive"}}), &[1, 2]),
                (json!({"text": {"equals": "B", "mode": "insensitive"}}), &[1, 2]), (json!({"text": {"equals": "É", "mode": "insensitive"}}), &[4, 5]),
                (json!({"text": {"in": ["É", "A"], "mode": "insensitive"}}), &[3, 4, 5]), (json!({"text": {"equals": "ss", "mode": "insensitive"}}), &[11]),
                (json!({"text": {"equals": "s", "mode": "insensitive"}}), &[]), (json!({"text": {"startsWith": "I", "mode": "insensitive"}}), &[12, 13]),
                (json!({"text": {"equals": "i", "mode": "insensitive"}}), &[13]), (json!({"text": {"not": "B", "mode": "insensitive"}}), &[3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]),
                (json!({"text": {"gt": "\u{d7ff}"}}), &[7, 8, 9]), (json!({"text": {"gte": "\u{10ffff}"}}), &[9]), (json!({"text": {"lt": "B"}}), &[15]),
                (json!({"text": {"lt": "b", "mode": "insensitive"}}), &[3, 15]), (json!({"text": {"search": "SS"}}), &[11]),
            ]).await;
        }
    }

    async fn nothing_in_a_part_of_a_text_is_a_wildcard(engine) {
        let given = ["100%", "100", "a_b", "axb", "a\\b", "a%b", "'", "''", "\"", "*", "a?b", "[ab]", "a", "ab", "aba", "A_B", "\u{10ffff}x"];
        let scene = Scene::set_up(engine, &[("text", FieldKind::Text)], &texts(&given)).await;
        scene.assert_filters(&[
            (json!({"text": {"contains": "%"}}), &[1, 6]), (json!({"text": {"contains": "_"}}), &[3, 16]), (json!({"text": {"contains": "\\"}}), &[5]),
            (json!({"text": {"contains": "'"}}), &[7, 8]), (json!({"text": {"contains": "''"}}), &[8]), (json!({"text": {"contains": "*"}}), &[10]),
            (json!({"text": {"contains": "?"}}), &[11]), (json!({"text": {"contains": "[ab]"}}), &[12]), (json!({"text": {"contains": "\""}}), &[9]),
            (json!({"text": {"startsWith": "%"}}), &[]), (json!({"text": {"startsWith": "a_"}}), &[3]), (json!({"text": {"startsWith": "a%"}}), &[6]),
            (json!({"text": {"startsWith": "ab"}}), &[14, 15]), (json!({"text": {"startsWith": "\u{10ffff}"}}), &[17]), (json!({"text": {"endsWith": "%"}}), &[1]),
            (json!({"text": {"endsWith": "_b"}}), &[3]), (json!({"text": {"endsWith": "_b", "mode": "insensitive"}}), &[3, 16]), (json!({"text": {"endsWith": "ba"}}), &[15]),
            (json!({"text": {"endsWith": "much longer than all of them"}}), &[]), (json!({"text": {"startsWith": "'; DROP TABLE records_1;--"}}), &[]),
        ]).await;
    }

    async fn decimals_are_exact_and_come_by_their_value(engine) {
        let given = ["10", "9", "-9", "-10", "0", "0.1", "0.10", "-0.1", "9999999999999999999999999999", "-9999999999999999999999999999", "0.0000000000000000000000000001", "-0.0000000000000000000000000001", "99.99", "100"];
        let records: Value = given.iter().map(|number| json!({ "d": number })).collect();
        let scene = Scene::set_up(engine, &[("d", FieldKind::Decimal)], &records).await;
        scene.assert_orders(&[
            (json!({"d": "asc"}), &[10, 4, 3, 8, 12, 5, 11, 6, 7, 2, 1, 13, 14, 9]),
            (json!({"d": "desc"}), &[9, 14, 13, 1, 2, 7, 6, 11, 5, 12, 8, 3, 4, 10]),
        ]).await;
        scene.assert_filters(&[
            (json!({"d": 0.1}), &[6, 7]), (json!({"d": "0.100"}), &[6, 7]), (json!({"d": {"lt": 0}}), &[3, 4, 8, 10, 12]), (json!({"d": {"gt": "0"}}), &[1, 2, 6, 7, 9, 11, 13, 14]),
            (json!({"d": {"gte": 99.99}}), &[9, 13, 14]), (json!({"d": {"lte": -9}}), &[3, 4, 10]), (json!({"d": -0.0}), &[5]), (json!({"d": 1e1}), &[1]),
            (json!({"d": {"gt": "9999999999999999999999999998"}}), &[9]), (json!({"d": {"in": [9, "10.0"]}}), &[1, 2]), (json!({"d": {"notIn": [9, "10.0"], "gt": 1}}), &[9, 13, 14]),
        ]).await;
    }

    async fn moments_and_numbers_reach_to_their_ends(engine) {
        let fields = [("at", FieldKind::Date), ("n", FieldKind::Number)];
        let (most, least) = (9_007_199_254_740_991_i64, -9_007_199_254_740_991_i64);
        let records = json!([
            {"at": "9999-12-31T23:59:59.999Z", "n": most}, {"at": "0001-01-01T00:00:00Z", "n": least}, {"at": "1970-01-01", "n": 0},
            {"at": "1969-12-31T23:59:59.999Z", "n": -1}, {"at": "2026-01-31T12:00:00+02:00", "n": 5.0}, {"at": "2026-01-31T10:00:00.0009Z", "n": most - 1},
        ]);
        let scene = Scene::set_up(engine, &fields, &records).await;
        scene.assert_orders(&[(json!({"at": "asc"}), &[2, 4, 3, 5, 6, 1]), (json!({"n": "desc"}), &[1, 6, 5, 3, 4, 2])]).await;
        scene.assert_filters(&[
            (json!({"at": {"lt": "1970-01-01T00:00:00Z"}}), &[2, 4]), (json!({"at": "2026-01-31T10:00:00Z"}), &[5, 6]), (json!({"at": {"gte": "9999-12-31"}}), &[1]),
            (json!({"n": {"gt": most - 1}}), &[1]), (json!({"n": {"lte": least}}), &[2]), (json!({"n": 5}), &[5]), (json!({"n": {"in": [most, least]}}), &[1, 2]),
            (json!({"internalOrder": {"gt": -5}}), &[1, 2, 3, 4, 5, 6]), (json!({"internalOrder": {"lt": most}}), &[1, 2, 3, 4, 5, 6]), (json!({"internalOrder": {"gte": most}}), &[]),
            (json!({"internalOrder": {"notIn": [1, 2, least]}}), &[3, 4, 5, 6]), (json!({"createdAt": {"lt": "2000-01-01"}}), &[]),
        ]).await;
    }

    async fn what_is_counted_need_not_be_selected(engine) {
        let fields = [("text", FieldKind::Text), ("next", FieldKind::Reference), ("all", FieldKind::ReferenceMany)];
        let scene = Scene::set_up(engine, &fields, &json!([])).await;
        let first = scene.create(&json!({"text": "first"})).await;
        let second = scene.create(&json!({"text": "second", "next": first, "all": [first]})).await;
        let found = scene.find(&json!({
            "where": {"id": second}, "select": {"text": true}, "_count": {"select": {"next": true, "all": true}},
        })).await.expect("an answer");
        assert_eq!(found["records"][0]["data"], json!({"text": "second"}));
        assert_eq!(found["records"][0]["_count"], json!({"next": 1, "all": 1}));
        scene.assert_filters(&[
            (json!({"next": first}), &[2]), (json!({"next": null}), &[1]), (json!({"next": {"not": second}}), &[2]), (json!({"next": {"notIn": ["unknown"]}}), &[2]),
            (json!({"id": {"notIn": [first, "unknown"]}}), &[2]), (json!({"createdByMemberId": null}), &[1, 2]), (json!({"createdByMemberId": "unknown"}), &[]),
        ]).await;
    }
}

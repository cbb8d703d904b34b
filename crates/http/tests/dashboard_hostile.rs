//! Bad input never gives a 500, and what members typed never becomes markup.

mod dashboard;

use dashboard::Office;
use guildhall_domain::Mode;
use guildhall_http::{DASHBOARD_ROUTES, Needs};
use guildhall_testkit::both_engines;
use serde_json::json;

const SCRIPT: &str = "<script>alert(1)</script>";

/// Fields of every form there is, each with something odd in it.
fn fields(value: &str) -> String {
    let value: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
    [
        "name",
        "email",
        "password",
        "again",
        "old",
        "kind",
        "environment",
        "scope",
        "expires",
        "addresses",
        "rate",
        "role",
        "member",
        "action",
        "plan",
        "confirmed",
        "session",
        "amount",
        "currency",
        "interval",
        "price-name",
        "limit",
        "priority",
        "description",
        "permission",
        "key",
        "label",
        "visibility",
        "position",
        "type",
        "target",
        "default",
        "read",
        "create",
        "update",
        "delete",
        "confirm",
        "subject",
        "body",
        "shop",
        "session-days",
        "column.0",
        "column.1",
        "field.title",
        "field.likes",
        "field.first-name",
        "field.topic",
        "connect.topic",
        "owner",
        "metaData",
        "json",
        "loginRedirect",
        "profileImage",
        "format",
        "verified",
        "required",
        "unique",
        "until",
        "on",
        "count",
        "unit",
        "price",
        "mode",
        "value",
        "title",
        "discount",
        "min",
        "max",
        "note",
        "feedback",
        "attempt",
        "quantity",
        "method",
        "trial",
        "paused",
        "day",
        "by",
        "to",
        "month",
        "from",
        "since",
        "before",
        "after",
        "charges",
        "status",
        "attention",
        "order",
        "q",
        "once",
        "trial-days",
        "time-zone",
        "dunning-retries",
        "dunning-days",
        "dunning-outcome",
        "field",
        "days",
    ]
    .map(|name| format!("{name}={value}"))
    .join("&")
}

both_engines! {
    async fn no_form_gives_a_500(engine) {
        let office = Office::open(engine).await;
        let owner = office.owner().await;
        office.server.guildhall.fill_with_demo(&office.server.app, Mode::Sandbox, 3, 3).await.expect("a demo");
        let definitions = office.server.guildhall.definitions(&office.server.app).await.expect("definitions");
        let member = office.server.member("ada@example.com").await;
        let (key, _) = office.server.key(Mode::Sandbox, |_| ()).await;
        let contracts = owner.page(&office.path("/contracts")).await;
        let contract = contracts.split("/contracts/").nth(1).and_then(|rest| rest.split('"').next()).expect("a contract");
        let known = [
            ("{contract}", contract),
            ("{app}", office.app()), ("{mode}", "sandbox"), ("{member}", member["id"].as_str().expect("an id")),
            ("{key}", key.as_str()), ("{plan}", definitions.plans[0].id.as_str()), ("{table}", "posts"),
            ("{template}", "reset-code"), ("{permission}", "prm_none"), ("{operator}", "opr_none"),
            ("{record}", "none"), ("{price}", "prc_none"), ("{filter}", "flt_none"), ("{import}", "imp_none"), ("{hash}", "x"), ("{name}", "x"),
        ];
        let long = "x".repeat(5_000);
        for value in ["", "\0", "-1", "99999999999999999999", "\u{202e}'\"<>&%", "{\"a\":", "null", "true", "{\"a\":{}}", &long] {
            let form = fields(value);
            for route in DASHBOARD_ROUTES.iter().filter(|route| route.needs != Needs::Operator) {
                let mut path = route.path.replace("{field}", if route.path.contains("/tables/") { "likes" } else { "city" });
                for (name, filled) in known {
                    path = path.replace(name, filled);
                }
                let reply = if route.method == "POST" {
                    owner.send(&path, &form).await
                } else {
                    // No address is as long as a form can be.
                    owner.ask("GET", &format!("{path}?{}", if value.len() < 100 { &form } else { "" })).await
                };
                assert!(reply.status.as_u16() < 500, "{route:?} with {value:.20?}: {}", reply.text());
            }
        }
    }

    async fn what_somebody_typed_is_text(engine) {
        let office = Office::open(engine).await;
        let owner = office.owner().await;
        let member = office.server.member("ada@example.com").await;
        let id = member["id"].as_str().expect("an id");
        let change = json!({ "customFields": { "first-name": SCRIPT }, "metaData": { "a": SCRIPT }, "json": { "a": "</textarea><script>" } });
        office.server.request("PATCH", &format!("/members/{id}")).json(&change).send().await;
        let script = "%3Cscript%3Ealert(1)%3C%2Fscript%3E";
        owner.send(&office.path("/settings/keys"), &format!("name={script}&kind=secret&environment=sandbox")).await;
        owner.send(&office.path("/plans"), &format!("name={script}")).await;
        owner.send(&office.path("/settings/permissions"), &format!("name={script}&description={script}")).await;
        owner.send(&office.path("/tables"), &format!("name={script}&key=odd")).await;
        for rest in [
            "", "/members", &*format!("/members/{id}"), "/members?q=%3Cscript%3E&field=first-name&value=%22%3E%3Cscript%3E", "/settings/keys", "/plans",
            "/settings/permissions", "/tables", "/tables/odd", "/tables/odd/schema", "/events", "/audit", "/audit?action=%3Cscript%3E", "/settings/team",
            "/members?done=%3Cscript%3E", "/contracts?q=%3Cscript%3E", "/clock?month=%3Cscript%3E",
        ] {
            let page = owner.page(&office.path(rest)).await;
            assert_eq!(page.matches("<script").count(), 1, "only our own, on {rest}: {page}");
        }
        let sign_in = office.server.anonymous("GET", "/dashboard/sign-in?next=%22%3E%3Cscript%3E").send().await.text();
        assert!(!sign_in.contains("<script"), "{sign_in}");
    }
}

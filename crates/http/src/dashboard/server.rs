//! What belongs to the server itself: its health, its partner keys, and new apps. For its owners.

use super::desk::{Desk, can_be_mended};
use super::keys::KeyRow;
use super::page::redirect;
use super::shell::Shell;
use askama::Template;
use axum::response::Response;
use guildhall_app::AppError;
use guildhall_app::keys::KeyCalls;
use guildhall_domain::Mode;
use guildhall_domain::ids::KeyId;

#[derive(Template)]
#[template(path = "dashboard/health.html")]
struct HealthPage {
    shell: Shell,
    database: Result<(), String>,
    engine: &'static str,
    version: &'static str,
    schema: i64,
    public_url: String,
    sends_mail: bool,
    secure: bool,
    writes_waiting: u64,
    writes_total: u64,
    commits_total: u64,
    passwords_waiting: usize,
    passwords_busy: usize,
    rate_limit: u32,
    sandbox_members_max: i64,
}

/// `GET /dashboard/server`
pub(super) async fn health(desk: Desk) -> Result<Response, AppError> {
    desk.operator()?.own_server()?;
    let guildhall = desk.guildhall();
    let (gauges, (waiting, busy), limits) =
        (guildhall.store_gauges(), guildhall.password_gauges(), guildhall.limits());
    let page = HealthPage {
        shell: desk.shell("System health", "server"),
        database: guildhall.ping().await.map_err(|error| error.message.into_owned()),
        engine: guildhall.engine_name(),
        version: env!("CARGO_PKG_VERSION"),
        schema: guildhall_app::SCHEMA_VERSION,
        public_url: guildhall.public_url().to_owned(),
        sends_mail: guildhall.sends_mail(),
        secure: guildhall.public_url().starts_with("https://"),
        writes_waiting: gauges.writes_waiting,
        writes_total: gauges.writes_total,
        commits_total: gauges.commits_total,
        passwords_waiting: waiting,
        passwords_busy: busy,
        rate_limit: limits.rate_limit,
        sandbox_members_max: limits.sandbox_members_max,
    };
    desk.page(&page)
}

#[derive(Template)]
#[template(path = "dashboard/partners.html")]
struct PartnersPage {
    shell: Shell,
    active: Vec<KeyRow>,
    ended: Vec<KeyRow>,
    /// A key that was just made: its name and itself.
    fresh: Option<(String, String)>,
    name: String,
    error: Option<String>,
}

async fn partners_page(desk: &Desk, error: Option<String>) -> Result<PartnersPage, AppError> {
    let keys = desk.guildhall().list_keys(None).await?.into_iter().rev();
    let (active, ended) = keys.map(|key| KeyRow::of(key, desk)).partition(KeyRow::is_active);
    let name = desk.form.get("name").to_owned();
    Ok(PartnersPage {
        shell: desk.shell("Partner keys", "partners"),
        active,
        ended,
        fresh: None,
        name,
        error,
    })
}

/// `GET /dashboard/server/partners`
pub(super) async fn partners(desk: Desk) -> Result<Response, AppError> {
    desk.operator()?.own_server()?;
    let page = partners_page(&desk, None).await?;
    desk.page(&page)
}

/// `POST /dashboard/server/partners`: the answer is the only page that ever shows the key.
pub(super) async fn create_partner(desk: Desk) -> Result<Response, AppError> {
    let actor = desk.operator()?.own_server()?;
    match desk.guildhall().create_partner(desk.form.get("name"), actor).await {
        Ok(created) => {
            let mut page = partners_page(&desk, None).await?;
            page.name = String::new();
            page.fresh = Some((created.key.name, created.plain.reveal().to_owned()));
            desk.page(&page)
        }
        Err(error) if can_be_mended(&error) => {
            let page = partners_page(&desk, Some(error.message.to_string())).await?;
            desk.refused(error, &page)
        }
        Err(error) => Err(error),
    }
}

#[derive(Template)]
#[template(path = "dashboard/partner_revoke.html")]
struct RevokePage {
    shell: Shell,
    key: KeyRow,
    calls: KeyCalls,
}

/// `GET /dashboard/server/partners/{key}/revoke`
pub(super) async fn confirm_revoke_partner(desk: Desk) -> Result<Response, AppError> {
    desk.operator()?.own_server()?;
    let key = desk.guildhall().key_of(None, &KeyId::from_text(desk.param("key"))).await?;
    let calls = desk.guildhall().key_calls(&key.id).await?;
    let shell = desk.shell("Revoke a partner key", "partners");
    desk.page(&RevokePage { shell, key: KeyRow::of(key, &desk), calls })
}

/// `POST /dashboard/server/partners/{key}/revoke`
pub(super) async fn revoke_partner(desk: Desk) -> Result<Response, AppError> {
    let actor = desk.operator()?.own_server()?;
    let id = KeyId::from_text(desk.param("key"));
    desk.guildhall().revoke_key_of(None, &id, actor).await?;
    Ok(redirect("/dashboard/server/partners?done=key-revoked"))
}

#[derive(Template)]
#[template(path = "dashboard/app_new.html")]
struct NewAppPage {
    shell: Shell,
    name: String,
    shop: String,
    error: Option<String>,
}

/// `GET /dashboard/server/apps/new`
pub(super) async fn new_app(desk: Desk) -> Result<Response, AppError> {
    desk.operator()?.own_server()?;
    let shell = desk.shell("New app", "apps");
    desk.page(&NewAppPage { shell, name: String::new(), shop: String::new(), error: None })
}

#[derive(Template)]
#[template(path = "dashboard/app_created.html")]
struct CreatedAppPage {
    shell: Shell,
    id: String,
    name: String,
    /// Environment, kind and the key itself.
    keys: Vec<(Mode, &'static str, String)>,
}

/// `POST /dashboard/server/apps`: the answer is the only page that ever shows the app's first keys.
pub(super) async fn create_app(desk: Desk) -> Result<Response, AppError> {
    let actor = desk.operator()?.own_server()?;
    let (name, shop) = (desk.form.get("name"), desk.form.text("shop"));
    match desk.guildhall().create_app(name, shop.as_deref(), actor).await {
        Ok(created) => {
            let keys = created
                .keys
                .iter()
                .map(|key| (key.mode, key.kind.as_str(), key.created.plain.reveal().to_owned()));
            let page = CreatedAppPage {
                shell: desk.shell("Your new app", "apps"),
                keys: keys.collect(),
                id: created.app.id.to_string(),
                name: created.app.name,
            };
            desk.page(&page)
        }
        Err(error) if can_be_mended(&error) => {
            let shell = desk.shell("New app", "apps");
            let (name, shop) = (name.to_owned(), shop.unwrap_or_default());
            let page = NewAppPage { shell, name, shop, error: Some(error.message.to_string()) };
            desk.refused(error, &page)
        }
        Err(error) => Err(error),
    }
}

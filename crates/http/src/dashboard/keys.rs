//! Settings → API keys: what there is, what it is used for, and making, replacing and ending keys.

mod draft;
mod view;

pub(super) use view::KeyRow;

use super::desk::{Desk, can_be_mended};
use super::shell::Shell;
use askama::Template;
use axum::response::Response;
use draft::DraftForm;
use guildhall_app::AppError;
use guildhall_app::keys::{Created, KeyCalls};
use guildhall_domain::ids::{AppId, KeyId};
use guildhall_domain::key::{KeyKind, STORE_KEYS_MAX};
use guildhall_domain::operator::Role;
use guildhall_domain::{Code, Mode};

#[derive(Template)]
#[template(path = "dashboard/keys.html")]
struct ListPage {
    shell: Shell,
    active: Vec<KeyRow>,
    ended: Vec<KeyRow>,
    /// Keys of the other environment that are active.
    elsewhere: usize,
    store_keys: usize,
    store_keys_max: usize,
}

#[derive(Template)]
#[template(path = "dashboard/key_new.html")]
struct FormPage {
    shell: Shell,
    draft: DraftForm,
    store_keys: usize,
    store_keys_max: usize,
    error: Option<String>,
}

#[derive(Template)]
#[template(path = "dashboard/key_created.html")]
struct CreatedPage {
    shell: Shell,
    key: KeyRow,
    plain: String,
    /// The key that it takes the place of, while one is rotated.
    replaces: Option<KeyRow>,
    /// Where the new key's list is.
    list: String,
}

#[derive(Template)]
#[template(path = "dashboard/key.html")]
struct KeyPage {
    shell: Shell,
    key: KeyRow,
    calls: KeyCalls,
}

#[derive(Template)]
#[template(path = "dashboard/key_revoke.html")]
struct RevokePage {
    shell: Shell,
    key: KeyRow,
    calls: KeyCalls,
}

#[derive(Template)]
#[template(path = "dashboard/key_rotate.html")]
struct RotatePage {
    shell: Shell,
    key: KeyRow,
    /// The new key, once it is made.
    newer: Option<KeyRow>,
    error: Option<String>,
}

fn app_of(desk: &Desk) -> Result<AppId, AppError> {
    Ok(desk.place()?.manage(Role::ReadOnly)?.0.clone())
}

/// The key that the path names, which must be of this environment.
async fn named(desk: &Desk, id: &str) -> Result<KeyRow, AppError> {
    let app = app_of(desk)?;
    let key = desk.guildhall().key_of(Some(&app), &KeyId::from_text(id)).await?;
    let here = key.environment.is_some_and(|(_, mode)| Some(mode) == desk.place().ok().map(|p| p.mode()));
    if !here {
        return Err(Code::KeyNotFound.into());
    }
    Ok(KeyRow::of(key, desk))
}

/// `GET …/settings/keys`
pub(super) async fn list(desk: Desk) -> Result<Response, AppError> {
    let (app, mode) = (app_of(&desk)?, desk.place()?.mode());
    let keys = desk.guildhall().list_keys(Some(&app)).await?;
    let rows: Vec<_> = keys.into_iter().rev().map(|key| KeyRow::of(key, &desk)).collect();
    let store_keys = rows.iter().filter(|row| row.kind == KeyKind::Store && row.is_active()).count();
    let (here, there): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.mode == Some(mode));
    let (active, ended) = here.into_iter().partition(KeyRow::is_active);
    let page = ListPage {
        shell: desk.shell("API keys", "keys"),
        active,
        ended,
        elsewhere: there.iter().filter(|row| row.is_active()).count(),
        store_keys,
        store_keys_max: STORE_KEYS_MAX,
    };
    desk.page(&page)
}

/// `GET …/settings/keys/new`
pub(super) async fn form(desk: Desk) -> Result<Response, AppError> {
    let page = form_page(&desk, DraftForm::empty(desk.place()?.mode()), None).await?;
    desk.page(&page)
}

async fn form_page(desk: &Desk, draft: DraftForm, error: Option<String>) -> Result<FormPage, AppError> {
    let (app, now) = (app_of(desk)?, desk.now());
    let keys = desk.guildhall().list_keys(Some(&app)).await?;
    let store_keys = keys.iter().filter(|key| key.kind == KeyKind::Store && key.is_active(now)).count();
    let shell = desk.shell("New API key", "keys");
    Ok(FormPage { shell, draft, store_keys, store_keys_max: STORE_KEYS_MAX, error })
}

/// `POST …/settings/keys`: the answer is the only page that ever shows the key.
pub(super) async fn create(desk: Desk) -> Result<Response, AppError> {
    let given = DraftForm::of(&desk.form);
    let created = async {
        let (app, actor) = desk.manage()?;
        let (mode, draft) = given.read()?;
        desk.guildhall().create_key(&app, mode, draft, actor).await
    };
    match created.await {
        Ok(created) => created_page(&desk, created, None),
        Err(error) if can_be_mended(&error) => {
            let page = form_page(&desk, given, Some(error.message.to_string())).await?;
            desk.refused(error, &page)
        }
        Err(error) => Err(error),
    }
}

fn created_page(desk: &Desk, created: Created, replaces: Option<KeyRow>) -> Result<Response, AppError> {
    let plain = created.plain.reveal().to_owned();
    let key = KeyRow::of(created.key, desk);
    let place = desk.place()?;
    let mode = key.mode.unwrap_or(Mode::Sandbox);
    let list = format!("/dashboard/apps/{}/{mode}/settings/keys", place.definitions().app.id);
    let shell = desk.shell(if replaces.is_some() { "Rotate a key" } else { "Your new key" }, "keys");
    desk.page(&CreatedPage { shell, key, plain, replaces, list })
}

/// `GET …/settings/keys/{key}`
pub(super) async fn show(desk: Desk) -> Result<Response, AppError> {
    let key = named(&desk, desk.param("key")).await?;
    let calls = desk.guildhall().key_calls(&key.id).await?;
    desk.page(&KeyPage { shell: desk.shell(key.name.clone(), "keys"), key, calls })
}

/// `GET …/settings/keys/{key}/revoke`: what breaks.
pub(super) async fn confirm_revoke(desk: Desk) -> Result<Response, AppError> {
    let key = named(&desk, desk.param("key")).await?;
    let calls = desk.guildhall().key_calls(&key.id).await?;
    desk.page(&RevokePage { shell: desk.shell("Revoke a key", "keys"), key, calls })
}

/// `POST …/settings/keys/{key}/revoke`
pub(super) async fn revoke(desk: Desk) -> Result<Response, AppError> {
    let key = named(&desk, desk.param("key")).await?;
    let (app, actor) = desk.manage()?;
    desk.guildhall().revoke_key_of(Some(&app), &key.id, actor).await?;
    Ok(desk.done("/settings/keys", "key-revoked"))
}

/// `GET …/settings/keys/{key}/rotate`, with `?newer=` once there is a new key.
pub(super) async fn rotation(desk: Desk) -> Result<Response, AppError> {
    let page = rotate_page(&desk, None).await?;
    desk.page(&page)
}

async fn rotate_page(desk: &Desk, error: Option<String>) -> Result<RotatePage, AppError> {
    let key = named(desk, desk.param("key")).await?;
    let newer = match desk.query.text("newer") {
        Some(newer) => Some(named(desk, &newer).await?),
        None => None,
    };
    Ok(RotatePage { shell: desk.shell("Rotate a key", "keys"), key, newer, error })
}

/// `POST …/settings/keys/{key}/rotate`: makes the new key, and shows it.
pub(super) async fn rotate(desk: Desk) -> Result<Response, AppError> {
    let old = named(&desk, desk.param("key")).await?;
    let (app, actor) = desk.manage()?;
    match desk.guildhall().rotate_key_of(Some(&app), &old.id, actor).await {
        Ok(created) => created_page(&desk, created, Some(old)),
        Err(error) if can_be_mended(&error) => {
            let page = rotate_page(&desk, Some(error.message.to_string())).await?;
            desk.refused(error, &page)
        }
        Err(error) => Err(error),
    }
}

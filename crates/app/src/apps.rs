//! Apps: creating, listing, changing, and the very first one.

use crate::auth::CommandLineAccess;
use crate::definitions::Definitions;
use crate::error::{AppError, or_conflict};
use crate::guildhall::Guildhall;
use crate::keys::{Created, KeyDraft, NewKeyPlace};
use crate::record::Recorder;
use guildhall_domain::app::{App, Environment, shop_domain};
use guildhall_domain::audit::Actor;
use guildhall_domain::contract::{DunningOutcome, DunningPolicy, is_time_zone};
use guildhall_domain::custom_field::{CustomField, STARTING_FIELDS, Visibility};
use guildhall_domain::ids::{AppId, CustomFieldId};
use guildhall_domain::key::KeyKind;
use guildhall_domain::plan::Money;
use guildhall_domain::session::{SESSION_SECONDS_DEFAULT, SESSION_SECONDS_MAX, SESSION_SECONDS_MIN};
use guildhall_domain::{Code, Mode, text};
use guildhall_store::{Constraint, Tx};
use serde_json::json;

/// A new app with the four keys that are shown this once.
pub struct CreatedApp {
    /// The app.
    pub app: App,
    /// Its keys, one of each kind and environment that the Memberstack dialect needs.
    pub keys: Vec<CreatedKey>,
}

/// A key as it is shown once.
pub struct CreatedKey {
    /// Live or sandbox.
    pub mode: Mode,
    /// What it is for.
    pub kind: KeyKind,
    /// The key.
    pub created: Created,
}

/// What may change about an app; what is `None` stays.
#[derive(Default)]
pub struct AppChange {
    /// What operators call it.
    pub name: Option<String>,
    /// Its shop domain; an empty one is removed.
    pub shop: Option<String>,
    /// Whether store keys work without a partner key.
    pub api_access: Option<bool>,
    /// Whether members may be created without a password.
    pub passwordless: Option<bool>,
    /// How long members' sessions last from now on, in seconds.
    pub session_seconds: Option<i64>,
    /// Whether members may delete themselves.
    pub member_self_delete: Option<bool>,
    /// By whose clock new contracts are billed: an IANA name.
    pub time_zone: Option<String>,
    /// What contracts are in that name no currency.
    pub currency: Option<String>,
    /// Tries after the first when a charge fails, 0 to 15.
    pub dunning_retries: Option<i64>,
    /// Days between two tries, 1 to 15.
    pub dunning_days: Option<i64>,
    /// `CANCEL_SUBSCRIPTION`, `PAUSE_SUBSCRIPTION` or `SKIP_FAILED_ORDER`.
    pub dunning_outcome: Option<String>,
}

impl Guildhall {
    /// Creates an app with both environments, a secret and a public key for each, and the custom
    /// fields that every app starts with.
    ///
    /// # Errors
    /// `NameInvalid`, `InputInvalid` (shop), `ShopTaken`, `Busy`, `StoreUnavailable`.
    pub async fn create_app(
        &self,
        name: &str,
        shop: Option<&str>,
        actor: Actor,
    ) -> Result<CreatedApp, AppError> {
        let plan = self.plan_app(name, shop, actor)?;
        let created = self.store().write::<_, AppError, _>(move |tx| Box::pin(plan.store(tx)));
        created.await
    }

    /// Creates the first app if there is none. Nothing if there is one already, also when several
    /// nodes start at once.
    ///
    /// # Errors
    /// `Busy`, `StoreUnavailable`.
    pub async fn create_first_app(&self) -> Result<Option<CreatedApp>, AppError> {
        let plan = self.plan_app("My site", None, Actor::Server)?;
        let created = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                tx.authority().lock().await?;
                if !tx.apps().list().await?.is_empty() {
                    return Ok(None);
                }
                plan.store(tx).await.map(Some)
            })
        });
        created.await
    }

    /// All apps with their environments, oldest first.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub async fn list_apps(&self) -> Result<Vec<(App, Vec<Environment>)>, AppError> {
        let listed = self.store().scan::<_, AppError, _>(|tx| {
            Box::pin(async move {
                let mut listed = Vec::new();
                for app in tx.apps().list().await? {
                    let environments = tx.environments().of_app(&app.id).await?;
                    listed.push((app, environments));
                }
                Ok(listed)
            })
        });
        listed.await
    }

    /// Changes an app's name, shop or flags.
    ///
    /// # Errors
    /// `AppNotFound`, `NameInvalid`, `InputInvalid` (shop), `ShopTaken`, `Busy`, `StoreUnavailable`.
    pub async fn update_app(&self, id: &AppId, change: AppChange, actor: Actor) -> Result<App, AppError> {
        let name = change.name.as_deref().map(checked_name).transpose()?;
        let shop = change.shop.as_deref().map(checked_shop).transpose()?;
        if change.session_seconds.is_some_and(|s| !(SESSION_SECONDS_MIN..=SESSION_SECONDS_MAX).contains(&s)) {
            let message = format!("A session lasts {SESSION_SECONDS_MIN} to {SESSION_SECONDS_MAX} seconds.");
            return Err(AppError::because(Code::InputInvalid, message));
        }
        let recorder = Recorder::of(actor, Some(id.clone()), self.now());
        let id = id.clone();
        let updated = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                tx.authority().lock().await?;
                let mut app = tx.apps().find(&id).await?.ok_or(Code::AppNotFound)?;
                app.name = name.unwrap_or(app.name);
                app.shop = shop.unwrap_or(app.shop);
                app.api_access = change.api_access.unwrap_or(app.api_access);
                app.passwordless = change.passwordless.unwrap_or(app.passwordless);
                app.session_seconds = change.session_seconds.unwrap_or(app.session_seconds);
                app.member_self_delete = change.member_self_delete.unwrap_or(app.member_self_delete);
                bill_otherwise(&mut app, change)?;
                or_conflict(tx.apps().update(&app).await, &[(Constraint::Shop, Code::ShopTaken)])?;
                tx.authority().bump().await?;
                let detail = json!({
                    "name": app.name, "shop": app.shop, "apiAccess": app.api_access,
                    "passwordless": app.passwordless, "sessionSeconds": app.session_seconds,
                    "memberSelfDelete": app.member_self_delete, "timeZone": app.time_zone,
                    "currency": app.currency, "dunningRetries": app.dunning.retries,
                    "dunningDays": app.dunning.days, "dunningOutcome": app.dunning.outcome.as_str(),
                });
                recorder.audit(tx, "app.update", app.id.as_str(), &detail).await?;
                Ok(app)
            })
        });
        updated.await
    }

    /// Leave for the command line to act in one environment of an app.
    ///
    /// # Errors
    /// `AppNotFound`, `StoreUnavailable`.
    pub async fn command_line_access(&self, app: &AppId, mode: Mode) -> Result<CommandLineAccess, AppError> {
        let app = app.clone();
        let found = self.store().scan::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let definitions = Definitions::load(tx, &app).await?;
                let environment = environment(tx, &app, mode).await?;
                Ok(CommandLineAccess::new(definitions, environment))
            })
        });
        found.await
    }

    fn plan_app(&self, name: &str, shop: Option<&str>, actor: Actor) -> Result<AppPlan, AppError> {
        let now = self.now();
        let app = App {
            id: AppId::new(self.chance().entropy()),
            name: checked_name(name)?,
            shop: shop.map(checked_shop).transpose()?.flatten(),
            api_access: true,
            passwordless: false,
            session_seconds: SESSION_SECONDS_DEFAULT,
            member_self_delete: true,
            time_zone: "UTC".into(),
            currency: "usd".into(),
            dunning: DunningPolicy::default(),
            created_at: now,
        };
        let drafts = [Mode::Sandbox, Mode::Live].into_iter().flat_map(|mode| {
            [(KeyKind::Secret, "First secret key"), (KeyKind::Public, "Public key")]
                .map(|(kind, name)| (mode, kind, name))
        });
        let keys = drafts.map(|(mode, kind, name)| {
            let draft = KeyDraft::named(kind, name);
            Ok((mode, kind, self.prepare_key(Some(mode), draft)?))
        });
        let keys = keys.collect::<Result<_, AppError>>()?;
        let fields = STARTING_FIELDS.map(|(key, label)| CustomField {
            id: CustomFieldId::new(self.chance().entropy()),
            key: key.into(),
            label: label.into(),
            hidden: false,
            visibility: Visibility::Private,
            restrict_to_admin: false,
            position: None,
        });
        let recorder = Recorder::of(actor, Some(app.id.clone()), now);
        Ok(AppPlan { app, keys, fields: fields.to_vec(), recorder })
    }
}

/// Changes how an app's contracts are billed. Contracts that exist keep their time zone and currency.
fn bill_otherwise(app: &mut App, change: AppChange) -> Result<(), AppError> {
    let wrong = |message: &'static str| AppError::because(Code::InputInvalid, message);
    if let Some(zone) = change.time_zone {
        if !is_time_zone(&zone) {
            return Err(wrong("A time zone is an IANA name, for example Europe/Berlin."));
        }
        app.time_zone = zone;
    }
    if let Some(currency) = change.currency {
        let money = Money::price(0, &currency);
        app.currency = money.ok_or_else(|| wrong("A currency is a three-letter code."))?.currency;
    }
    if let Some(retries) = change.dunning_retries {
        let retries = u32::try_from(retries).ok().filter(|retries| *retries <= 15);
        app.dunning.retries = retries.ok_or_else(|| wrong("dunningRetries is from 0 to 15."))?;
    }
    if let Some(days) = change.dunning_days {
        let days = u32::try_from(days).ok().filter(|days| (1..=15).contains(days));
        app.dunning.days = days.ok_or_else(|| wrong("dunningDays is from 1 to 15."))?;
    }
    if let Some(outcome) = change.dunning_outcome {
        app.dunning.outcome = DunningOutcome::from_stored(&outcome).ok_or_else(|| {
            wrong("dunningOutcome is CANCEL_SUBSCRIPTION, PAUSE_SUBSCRIPTION or SKIP_FAILED_ORDER.")
        })?;
    }
    Ok(())
}

/// Everything about a new app that can be decided before the unit of work begins.
struct AppPlan {
    app: App,
    keys: Vec<(Mode, KeyKind, crate::keys::Prepared)>,
    fields: Vec<CustomField>,
    recorder: Recorder,
}

impl AppPlan {
    async fn store(self, tx: &mut Tx) -> Result<CreatedApp, AppError> {
        tx.authority().lock().await?;
        or_conflict(tx.apps().insert(&self.app).await, &[(Constraint::Shop, Code::ShopTaken)])?;
        for mode in [Mode::Live, Mode::Sandbox] {
            tx.environments().insert(&self.app.id, mode).await?;
        }
        for field in &self.fields {
            tx.custom_fields().insert(&self.app.id, field, self.recorder.now).await?;
        }
        let detail = json!({ "name": self.app.name, "shop": self.app.shop });
        self.recorder.audit(tx, "app.create", self.app.id.as_str(), &detail).await?;
        let mut keys = Vec::new();
        for (mode, kind, prepared) in self.keys {
            let environment = environment(tx, &self.app.id, mode).await?;
            let place = NewKeyPlace::Environment(self.app.id.clone(), environment);
            let created = prepared.store(tx, place, &self.recorder).await?;
            keys.push(CreatedKey { mode, kind, created });
        }
        Ok(CreatedApp { app: self.app, keys })
    }
}

/// An app's environment of a mode.
pub(crate) async fn environment(tx: &mut Tx, app: &AppId, mode: Mode) -> Result<Environment, AppError> {
    let environments = tx.environments().of_app(app).await?;
    let found = environments.into_iter().find(|environment| environment.mode == mode);
    found.ok_or_else(|| Code::AppNotFound.into())
}

pub(crate) fn checked_name(name: &str) -> Result<String, AppError> {
    text::name(name).map(str::to_owned).ok_or_else(|| Code::NameInvalid.into())
}

fn checked_shop(shop: &str) -> Result<Option<String>, AppError> {
    if shop.is_empty() {
        return Ok(None);
    }
    let domain = shop_domain(shop).ok_or_else(|| {
        AppError::because(Code::InputInvalid, "A shop is a domain such as your-store.myshopify.com.")
    })?;
    Ok(Some(domain))
}

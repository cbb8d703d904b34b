//! What all pages share: the navigation, the band that tells the environment, and what was just done.

use super::assets;
use super::desk::Desk;
use super::when::minute;
use guildhall_domain::Mode;
use guildhall_domain::operator::Role;

/// The frame around a page.
pub(super) struct Shell {
    pub title: String,
    /// Which entry of the navigation is the page's.
    pub section: &'static str,
    pub css: &'static str,
    pub js: &'static str,
    /// What every form carries.
    pub mark: String,
    pub operator: String,
    pub server_owner: bool,
    pub place: Option<ShellPlace>,
    /// Where the sandbox's clock stands, if it does not go by the real time.
    pub clock: Option<String>,
    /// What forms carry that are carried out once however often they are sent, with a name of their own behind it.
    pub once: String,
    /// What was done right before.
    pub notice: Option<&'static str>,
}

/// The environment that a page is about.
pub(super) struct ShellPlace {
    pub app: String,
    pub mode: Mode,
    pub role: Role,
    /// `/dashboard/apps/app_…/sandbox`
    pub base: String,
    /// The same page's place in the other environment.
    pub sandbox: String,
    pub live: String,
    /// Whether the operator may change things.
    pub writes: bool,
    pub owns: bool,
}

impl ShellPlace {
    pub fn is_live(&self) -> bool {
        self.mode == Mode::Live
    }
}

impl Shell {
    pub fn of(desk: &Desk, title: String, section: &'static str) -> Self {
        let operator = desk.operator.as_ref();
        let place = desk.place.as_ref().map(|place| {
            let app = &place.definitions().app;
            let other = |mode: Mode| format!("/dashboard/apps/{}/{mode}{}", app.id, root_of(section));
            ShellPlace {
                app: app.name.clone(),
                mode: place.mode(),
                role: place.role(),
                base: desk.link(""),
                sandbox: other(Mode::Sandbox),
                live: other(Mode::Live),
                writes: place.role() >= Role::Admin,
                owns: place.role() >= Role::Owner,
            }
        });
        Self {
            title,
            section,
            css: assets::address("dashboard.css"),
            js: assets::address("dashboard.js"),
            mark: operator.map_or_else(String::new, |operator| operator.form_mark().to_owned()),
            operator: operator.map_or_else(String::new, |operator| operator.operator().name.clone()),
            server_owner: operator.is_some_and(|operator| operator.operator().server_owner),
            clock: desk.clock.filter(|clock| clock.frozen).map(|clock| minute(clock.now)),
            once: if place.is_some() { fresh(desk) } else { String::new() },
            place,
            notice: notice(desk.query.get("done")),
        }
    }

    /// For `aria-current`.
    pub fn is(&self, section: &str) -> bool {
        self.section == section
    }

    /// Whether the operator may change things here.
    pub fn writes(&self) -> bool {
        self.place.as_ref().is_some_and(|place| place.writes)
    }

    /// The environment's address; empty outside of one.
    pub fn base(&self) -> &str {
        self.place.as_ref().map_or("", |place| &place.base)
    }
}

/// 128 bits that no other page has.
fn fresh(desk: &Desk) -> String {
    format!("{:032x}", u128::from_be_bytes(desk.guildhall().chance().entropy()))
}

/// Where a section begins, so that the switch of environments leads to the same one.
fn root_of(section: &str) -> &'static str {
    match section {
        "members" => "/members",
        "contracts" => "/contracts",
        "renewals" => "/renewals",
        "clock" => "/clock",
        "plans" => "/plans",
        "tables" => "/tables",
        "events" => "/events",
        "mails" => "/mails",
        "audit" => "/audit",
        "keys" => "/settings/keys",
        "fields" => "/settings/fields",
        "permissions" => "/settings/permissions",
        "templates" => "/settings/mail-templates",
        "team" => "/settings/team",
        "settings" => "/settings",
        _ => "",
    }
}

/// What was done, by the word that an address carries: never a caller's text.
fn notice(done: &str) -> Option<&'static str> {
    Some(match done {
        "created" => "Created.",
        "saved" => "Saved.",
        "deleted" => "Deleted.",
        "key-revoked" => "The key is revoked. The next request with it is refused.",
        "session-ended" => "The session has ended.",
        "sessions-ended" => "The sessions have ended.",
        "password" => "The password is changed. Your other sessions have ended.",
        "plan-added" => "The plan is added.",
        "plan-removed" => "The plan is removed.",
        "role" => "The role is changed.",
        "removed" => "They can no longer open this app.",
        "invited" => "They are invited and find the link in their mailbox.",
        "joined" => "They can open this app now.",
        "template-reset" => "The mail has its original wording again.",
        "contract-created" => "The contract is made. What is due at once is being charged.",
        "paused" => "The contract rests. Nothing is charged until it is resumed.",
        "resumed" => "The contract runs again.",
        "cancelled" => "The contract is cancelled.",
        "skipped" => "The next period is left out.",
        "unskipped" => "The period is billed after all.",
        "charging" => "The charge is under way. What came of it appears in the timeline in a moment.",
        "next-billing" => "The next billing date is moved.",
        "interval" => "The billing interval is changed.",
        "plan-changed" => "The plan is changed.",
        "downgrade-forgotten" => "The change of plan is called off.",
        "discount-added" => "The discount is granted.",
        "discount-removed" => "The discount is taken back.",
        "clock-frozen" => "The clock stands still.",
        "clock-released" => "The clock goes by the real time again.",
        "filter-saved" => "The filter is saved. Everybody who runs the app finds it above this list.",
        "filter-deleted" => "The filter is deleted.",
        "price-retired" => "The price is retired: whoever holds it keeps it, and it takes no new contracts.",
        "price-offered" => "The price is offered again.",
        "granted" => "The permissions are saved.",
        _ => return None,
    })
}

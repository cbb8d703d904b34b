//! Settings → team: who runs the app, and inviting others.

use super::desk::{Desk, can_be_mended};
use super::shell::Shell;
use askama::Template;
use axum::response::Response;
use guildhall_app::AppError;
use guildhall_app::operators::{Invitation, Invited};
use guildhall_domain::Code;
use guildhall_domain::operator::Role;

#[derive(Template)]
#[template(path = "dashboard/team.html")]
struct TeamPage {
    shell: Shell,
    rows: Vec<Row>,
    sends: bool,
    /// A link to hand on, shown this once, and whom it is for.
    link: Option<(String, String)>,
    email: String,
    name: String,
    error: Option<String>,
}

impl TeamPage {
    fn owns(&self) -> bool {
        self.shell.place.as_ref().is_some_and(|place| place.owns)
    }
}

struct Row {
    id: String,
    name: String,
    email: String,
    /// Nothing for owners of the server.
    role: Option<&'static str>,
    waiting: bool,
    own: bool,
}

async fn page(desk: &Desk, error: Option<String>) -> Result<TeamPage, AppError> {
    let place = desk.place()?;
    let team = desk.guildhall().team(place).await?.into_iter().map(|mate| Row {
        own: mate.operator.id == *place.who().id(),
        id: mate.operator.id.to_string(),
        waiting: !mate.operator.has_password,
        name: mate.operator.name,
        email: mate.operator.email,
        role: mate.role.map(Role::as_str),
    });
    Ok(TeamPage {
        rows: team.collect(),
        shell: desk.shell("Team", "team"),
        sends: desk.guildhall().sends_mail(),
        link: None,
        email: desk.form.get("email").to_owned(),
        name: desk.form.get("name").to_owned(),
        error,
    })
}

async fn refused(desk: &Desk, error: AppError) -> Result<Response, AppError> {
    if !can_be_mended(&error) {
        return Err(error);
    }
    let page = page(desk, Some(error.message.to_string())).await?;
    desk.refused(error, &page)
}

/// `GET …/settings/team`
pub(super) async fn show(desk: Desk) -> Result<Response, AppError> {
    let page = page(&desk, None).await?;
    desk.page(&page)
}

fn role(desk: &Desk) -> Result<Role, AppError> {
    let role = desk.form.get("role").parse();
    role.map_err(|reason: String| AppError::because(Code::InputInvalid, reason))
}

/// `POST …/settings/team`
pub(super) async fn invite(desk: Desk) -> Result<Response, AppError> {
    let invited = async {
        let (email, name) = (desk.form.get("email"), desk.form.get("name"));
        let invitation = Invitation { email, name, role: role(&desk)? };
        desk.guildhall().invite_operator(desk.place()?, invitation).await
    };
    match invited.await {
        Ok(Invited::Known(_)) => Ok(desk.done("/settings/team", "joined")),
        Ok(Invited::Mailed(_)) => Ok(desk.done("/settings/team", "invited")),
        Ok(Invited::Link(operator, link)) => {
            let mut page = page(&desk, None).await?;
            let address = format!("{}{}", desk.guildhall().public_url(), link.path());
            page.link = Some((address, operator.name));
            (page.email, page.name) = (String::new(), String::new());
            desk.page(&page)
        }
        Err(error) => refused(&desk, error).await,
    }
}

/// `POST …/settings/team/{operator}`
pub(super) async fn set_role(desk: Desk) -> Result<Response, AppError> {
    let set = async {
        let role = role(&desk)?;
        desk.guildhall().set_role(desk.place()?, desk.param("operator"), Some(role)).await
    };
    match set.await {
        Ok(()) => Ok(desk.done("/settings/team", "role")),
        Err(error) => refused(&desk, error).await,
    }
}

/// `POST …/settings/team/{operator}/remove`
pub(super) async fn remove(desk: Desk) -> Result<Response, AppError> {
    match desk.guildhall().set_role(desk.place()?, desk.param("operator"), None).await {
        Ok(()) => Ok(desk.done("/settings/team", "removed")),
        Err(error) => refused(&desk, error).await,
    }
}

//! The same done with several members: giving a plan, taking one, deleting.

use crate::dashboard::desk::Desk;
use crate::dashboard::shell::Shell;
use askama::Template;
use axum::response::Response;
use guildhall_app::AppError;
use guildhall_domain::Code;
use guildhall_domain::scope::Action;

/// As many as one page of the list has.
const MEMBERS_MAX: usize = 50;

#[derive(Template)]
#[template(path = "dashboard/members_bulk.html")]
struct BulkPage {
    shell: Shell,
    /// What is asked for, while it is not confirmed.
    confirm: Option<&'static str>,
    members: Vec<String>,
    done: usize,
    refused: Vec<(String, String)>,
}

/// `POST …/members/bulk`
pub(in crate::dashboard) async fn bulk(desk: Desk) -> Result<Response, AppError> {
    let access = desk.allow(Action::MemberWrite)?;
    let members: Vec<_> = desk.form.all("member").map(str::to_owned).take(MEMBERS_MAX).collect();
    let (action, plan) = (desk.form.get("action"), desk.form.get("plan"));
    if members.is_empty() {
        return Err(AppError::because(Code::InputInvalid, "Tick some members first."));
    }
    let mut page = BulkPage {
        shell: desk.shell("Several members", "members"),
        confirm: None,
        members,
        done: 0,
        refused: Vec::new(),
    };
    if action == "delete" && !desk.form.says("confirmed", "yes") {
        page.confirm = Some("delete");
        return desk.page(&page);
    }
    let guildhall = desk.guildhall();
    for member in &page.members {
        let result = match action {
            "add-plan" => guildhall.add_plan(&access, member, plan).await,
            "remove-plan" => guildhall.remove_plan(&access, member, plan).await,
            "delete" => guildhall.delete_member(&access, member).await,
            _ => Err(AppError::because(Code::InputInvalid, "Choose what to do.")),
        };
        match result {
            Ok(()) => page.done += 1,
            // The others would meet the same.
            Err(error) if error.code.status() >= 500 => return Err(error),
            Err(error) => page.refused.push((member.clone(), error.message.into_owned())),
        }
    }
    desk.page(&page)
}

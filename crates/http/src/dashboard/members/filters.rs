//! Filters of the list that are saved under a name.

use super::list::{FILTER, list_page};
use crate::dashboard::desk::{Desk, can_be_mended};
use axum::response::Response;
use guildhall_app::AppError;
use guildhall_domain::scope::Action;

/// A saved filter above the list.
pub(super) struct FilterRow {
    pub id: String,
    pub name: String,
    pub link: String,
    /// Whether it is the one that is shown.
    pub current: bool,
}

/// The environment's filters, and which of them is shown.
pub(super) async fn rows(desk: &Desk) -> Result<Vec<FilterRow>, AppError> {
    let access = desk.allow(Action::MemberRead)?;
    let shown = desk.query.only(FILTER).query_without(&[]);
    let filters = desk.guildhall().saved_filters(&access).await?.into_iter();
    let rows = filters.map(|filter| FilterRow {
        link: desk.link(&format!("/members?{}", filter.query)),
        current: filter.query == shown,
        id: filter.id.to_string(),
        name: filter.name,
    });
    Ok(rows.collect())
}

/// `POST …/members/filters`: a name, and the filter as the list has it.
pub(in crate::dashboard) async fn save_filter(mut desk: Desk) -> Result<Response, AppError> {
    let access = desk.allow(Action::MemberWrite)?;
    let filter = desk.form.only(FILTER);
    let query = filter.query_without(&[]);
    match desk.guildhall().save_filter(&access, desk.form.get("name"), &query).await {
        Ok(()) => Ok(desk.done(&format!("/members?{query}"), "filter-saved")),
        Err(error) if can_be_mended(&error) => {
            // The list as it was, with what was wrong.
            desk.query = filter;
            let page = list_page(&desk, Some(error.message.to_string())).await?;
            desk.refused(error, &page)
        }
        Err(error) => Err(error),
    }
}

/// `POST …/members/filters/{filter}/delete`
pub(in crate::dashboard) async fn delete_filter(desk: Desk) -> Result<Response, AppError> {
    let access = desk.allow(Action::MemberWrite)?;
    desk.guildhall().delete_filter(&access, desk.param("filter")).await?;
    Ok(desk.done("/members", "filter-deleted"))
}

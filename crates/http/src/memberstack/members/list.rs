//! `GET /members`

use super::answer;
use crate::Http;
use axum::Extension;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use guildhall_app::members::{ListOrder, ListPage, Shown, write_member};
use guildhall_app::{AppError, Caller};
use guildhall_domain::Code;
use guildhall_domain::scope::Action;
use std::io::Write;

const LIMIT_DEFAULT: i64 = 50;
/// Larger limits are brought down to this, not refused.
const LIMIT_MAX: i64 = 100;

/// A page of members: `{data, totalCount, endCursor, hasNextPage}`.
pub(crate) async fn list(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Response {
    let listed = async {
        let access = caller.allow(Action::MemberRead)?;
        let query = ListQuery::parse(uri.query().unwrap_or_default())?;
        let list = http.guildhall().list_members(&access, query.page, query.json).await?;
        let mut out = Vec::with_capacity(64 + list.members.len() * 768);
        out.extend_from_slice(b"{\"data\":[");
        for (index, member) in list.members.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write_member(&mut out, member, access.definitions(), Shown { json: query.json, teams: false });
        }
        // The cursor is never null: an empty page tells where it looked.
        let last = list.members.last().map(|member| member.key.sequence());
        let end = last.or(query.page.after).unwrap_or(0);
        let (total, has_next) = (list.total, list.has_next);
        let _ = write!(out, "],\"totalCount\":{total},\"endCursor\":{end},\"hasNextPage\":{has_next}}}");
        Ok(out)
    };
    answer(listed.await)
}

struct ListQuery {
    page: ListPage,
    json: bool,
}

impl ListQuery {
    /// Reads `first` (which wins over `limit`), `after`, `order` and `includeJSON`; ignores every
    /// other name, and the stray `&` that the SDK begins its query with.
    fn parse(query: &str) -> Result<Self, AppError> {
        let (mut first, mut limit, mut after) = (None, None, None);
        let mut order = ListOrder::Ascending;
        let mut json = false;
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "first" => first = page_size(&value),
                "limit" => limit = page_size(&value),
                "after" if !value.is_empty() => after = Some(cursor(&value)?),
                "order" if value.eq_ignore_ascii_case("desc") => order = ListOrder::Descending,
                "order" => order = ListOrder::Ascending,
                "includeJSON" => json = value == "true",
                _ => {}
            }
        }
        let limit = first.or(limit).unwrap_or(LIMIT_DEFAULT);
        Ok(Self { page: ListPage { limit, after, order }, json })
    }
}

/// A usable page size, or nothing for text that is none.
fn page_size(text: &str) -> Option<i64> {
    let all_digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !all_digits {
        return None;
    }
    let size = text.parse().unwrap_or(LIMIT_MAX).min(LIMIT_MAX);
    (size >= 1).then_some(size)
}

fn cursor(text: &str) -> Result<i64, AppError> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    let parsed = text.parse::<i64>().ok().filter(|_| digits);
    parsed.ok_or_else(|| AppError::because(Code::QueryInvalid, "after must be the endCursor of a page."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(query: &str) -> (i64, Option<i64>, ListOrder, bool) {
        let query = ListQuery::parse(query).expect("a valid query");
        (query.page.limit, query.page.after, query.page.order, query.json)
    }

    #[test]
    fn the_sdks_queries_are_understood() {
        use ListOrder::{Ascending, Descending};
        assert_eq!(page(""), (50, None, Ascending, false));
        assert_eq!(page("&order=DESC"), (50, None, Descending, false));
        assert_eq!(page("first=1&limit=50"), (1, None, Ascending, false));
        assert_eq!(page("first=500&after=12"), (100, Some(12), Ascending, false));
        assert_eq!(page("includeJSON=true&email=a@x.io"), (50, None, Ascending, true));
        assert_eq!(page("limit=0"), (50, None, Ascending, false));
        assert_eq!(page("limit=NaN&order=sideways"), (50, None, Ascending, false));
        assert_eq!(page("limit=99999999999999999999"), (100, None, Ascending, false));
    }

    #[test]
    fn a_cursor_is_a_number() {
        for bad in ["after=x", "after=-1", "after=1e3", "after=99999999999999999999", "after=%00"] {
            assert!(ListQuery::parse(bad).is_err(), "{bad}");
        }
    }
}

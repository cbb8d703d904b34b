//! Links to the pages before and after one, with everything else that the address says.

use super::desk::Desk;
use guildhall_app::paging::Turn;

/// The neighbours of a page.
pub(super) struct Pager {
    pub previous: Option<String>,
    pub next: Option<String>,
}

/// The names under which an address says where a page begins.
const PLACES: [&str; 2] = ["before", "after"];

impl Pager {
    /// Of a list under an address of the environment. Each neighbour is a name and a value.
    pub fn of(
        desk: &Desk,
        path: &str,
        previous: Option<(&str, String)>,
        next: Option<(&str, String)>,
    ) -> Self {
        let rest = desk.query.query_without(&PLACES);
        let joint = if rest.is_empty() { "" } else { "&" };
        let link = |(name, value): (&str, String)| {
            let value: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
            format!("{}?{rest}{joint}{name}={value}", desk.link(path))
        };
        Self { previous: previous.map(link), next: next.map(link) }
    }

    /// Of a list that goes by number, newest first.
    pub fn numbered(desk: &Desk, path: &str, newer: Option<i64>, older: Option<i64>) -> Self {
        let newer = newer.map(|number| ("after", number.to_string()));
        let older = older.map(|number| ("before", number.to_string()));
        Self::of(desk, path, newer, older)
    }
}

/// Which page of a list that goes by number is asked for.
pub(super) fn turn(desk: &Desk) -> Turn {
    let number = |name| desk.query.text(name).and_then(|text| text.parse().ok());
    Turn::of(number("before"), number("after"))
}

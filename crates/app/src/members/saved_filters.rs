//! Filters of the list of members that operators have saved under a name. Everybody who runs the app sees those of
//! an environment; whoever may change members saves and deletes them.

use crate::auth::Access;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use guildhall_domain::Code;
use guildhall_domain::ids::SavedFilterId;
use guildhall_domain::text::{self, fold};
use guildhall_store::SavedFilter;
use serde_json::json;

/// The most filters of an environment.
pub const SAVED_FILTERS_MAX: usize = 20;
/// The longest name of one, in characters.
pub const FILTER_NAME_CHARS_MAX: usize = 60;
/// The longest filter, in bytes.
pub const FILTER_BYTES_MAX: usize = 1_000;

impl Guildhall {
    /// The environment's saved filters, by name.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub async fn saved_filters(&self, access: &Access<'_>) -> Result<Vec<SavedFilter>, AppError> {
        let environment = access.environment();
        let listed = self.store().read::<_, AppError, _>(move |tx| {
            Box::pin(async move { Ok(tx.saved_filters().list(environment).await?) })
        });
        let mut filters = listed.await?;
        filters.sort_by_cached_key(|filter| (fold(&filter.name), filter.id.to_string()));
        Ok(filters)
    }

    /// Saves a filter, in place of the one that has the name. `query` is a query as the list's address carries it.
    ///
    /// # Errors
    /// `InputInvalid` for a name or filter that is too long or empty; `FilterLimit`; `Busy`; `StoreUnavailable`.
    pub async fn save_filter(&self, access: &Access<'_>, name: &str, query: &str) -> Result<(), AppError> {
        let name = text::name(name).filter(|name| name.chars().count() <= FILTER_NAME_CHARS_MAX);
        let name =
            name.ok_or_else(|| invalid("A filter's name has 1 to 60 characters and no control characters."))?;
        if query.is_empty() {
            return Err(invalid("Search for something first, then save the filter."));
        }
        if query.len() > FILTER_BYTES_MAX || query.chars().any(char::is_control) {
            return Err(invalid("This filter is too long to be saved."));
        }
        let (environment, recorder) = (access.environment(), access.recorder(self.now()));
        let id = SavedFilterId::new(self.chance().entropy());
        let filter = SavedFilter { id, name: name.to_owned(), query: query.to_owned() };
        let saved = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                // One after another, so that the limit holds.
                tx.authority().lock().await?;
                let known = tx.saved_filters().list(environment).await?;
                let same = known.iter().find(|known| known.name == filter.name);
                if same.is_none() && known.len() >= SAVED_FILTERS_MAX {
                    return Err(Code::FilterLimit.into());
                }
                let id = same.map_or(&filter.id, |same| &same.id).to_string();
                tx.saved_filters().put(environment, &filter, recorder.now).await?;
                recorder.audit(tx, "filter.save", &id, &json!({ "name": filter.name })).await
            })
        });
        saved.await
    }

    /// Deletes a saved filter.
    ///
    /// # Errors
    /// `FilterNotFound`, `Busy`, `StoreUnavailable`.
    pub async fn delete_filter(&self, access: &Access<'_>, id: &str) -> Result<(), AppError> {
        // What can be no id never reaches a statement: PostgreSQL refuses some texts outright.
        if !text::is_id(id) {
            return Err(Code::FilterNotFound.into());
        }
        let (environment, recorder) = (access.environment(), access.recorder(self.now()));
        let id = SavedFilterId::from_text(id);
        let deleted = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                if !tx.saved_filters().delete(environment, &id).await? {
                    return Err(Code::FilterNotFound.into());
                }
                recorder.audit(tx, "filter.delete", id.as_str(), &json!({})).await
            })
        });
        deleted.await
    }
}

fn invalid(message: &'static str) -> AppError {
    AppError::because(Code::InputInvalid, message)
}

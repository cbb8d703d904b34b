//! What was done with an environment's contracts and their billing, read from the audit trail.

use crate::auth::Access;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use guildhall_domain::Timestamp;
use guildhall_domain::activity::{ActivityKind, ActivitySource};
use guildhall_store::ActivityFilter;

/// Which entries are asked for; what is empty restricts nothing.
#[derive(Clone, Debug, Default)]
pub struct ActivityQuery {
    /// Numbers of contracts.
    pub contracts: Option<Vec<i64>>,
    /// Kinds of entries.
    pub kinds: Option<Vec<&'static ActivityKind>>,
    /// Who did it.
    pub sources: Option<Vec<ActivitySource>>,
    /// Not before.
    pub since: Option<Timestamp>,
    /// Not after.
    pub until: Option<Timestamp>,
    /// Oldest first instead of newest first.
    pub oldest_first: bool,
    /// How many to leave out.
    pub offset: u64,
    /// How many at most.
    pub limit: u32,
}

/// One entry.
#[derive(Clone, Debug)]
pub struct Activity {
    /// Its number.
    pub number: i64,
    /// What was done.
    pub kind: &'static ActivityKind,
    /// The number of the contract that it is about, also where it is about one of its attempts.
    pub contract: i64,
    /// Who did it.
    pub source: ActivitySource,
    /// A JSON object with what is worth knowing.
    pub detail: String,
    /// When.
    pub at: Timestamp,
}

impl Guildhall {
    /// A page of entries, and how many there are in all.
    ///
    /// # Errors
    /// `QueryTooSlow`, `Busy`, `StoreUnavailable`.
    pub async fn activity(
        &self,
        access: &Access<'_>,
        query: ActivityQuery,
    ) -> Result<(Vec<Activity>, u64), AppError> {
        let kinds = query.kinds.unwrap_or_else(|| guildhall_domain::activity::KINDS.iter().collect());
        let filter = ActivityFilter {
            actions: kinds.iter().map(|kind| kind.action).collect(),
            contracts: query.contracts,
            actor_kinds: query
                .sources
                .map(|sources| sources.iter().flat_map(|source| source.actor_kinds()).copied().collect()),
            since: query.since,
            until: query.until,
        };
        let environment = access.environment();
        let (oldest_first, offset, limit) = (query.oldest_first, query.offset, query.limit);
        let found = self.store().scan::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let total = tx.audit().count_activity(environment, &filter).await?;
                let rows =
                    tx.audit().list_activity(environment, &filter, oldest_first, offset, limit).await?;
                Ok((rows, total))
            })
        });
        let (rows, total) = found.await?;
        let entries = rows.into_iter().filter_map(|row| {
            Some(Activity {
                number: row.number,
                kind: ActivityKind::of_action(&row.action)?,
                contract: row.contract,
                source: ActivitySource::of_actor_kind(&row.actor_kind),
                detail: row.detail,
                at: row.at,
            })
        });
        Ok((entries.collect(), total))
    }
}

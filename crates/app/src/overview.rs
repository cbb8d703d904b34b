//! An environment at a glance: how much there is of what, and how it grew. Counters only; nothing here
//! scans.

use crate::auth::Access;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use guildhall_domain::ids::PlanId;

/// How many days sign-ups are told for.
pub const DAYS: i64 = 30;

/// How much there is of what.
#[derive(Clone, Debug)]
pub struct Overview {
    /// Members that there are.
    pub members: i64,
    /// Members made on each of the last [`DAYS`] days, today last.
    pub sign_ups: Vec<i64>,
    /// Today, in days since 1970-01-01, UTC.
    pub today: i64,
    /// How many members hold each plan; plans that nobody ever held are left out.
    pub holders: Vec<(PlanId, i64)>,
}

impl Guildhall {
    /// The environment at a glance.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub async fn overview(&self, access: &Access<'_>) -> Result<Overview, AppError> {
        let (environment, today) = (access.environment(), self.now().day());
        let first = today - DAYS + 1;
        let read = self.store().scan::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let members = tx.environments().member_count(environment).await?;
                let mut sign_ups = vec![0; DAYS as usize];
                for (day, count) in tx.sign_ups().since(environment, first).await? {
                    if let Some(place) = usize::try_from(day - first).ok().and_then(|at| sign_ups.get_mut(at))
                    {
                        *place = count;
                    }
                }
                let holders = tx.plans().holders(environment).await?;
                Ok(Overview { members, sign_ups, today, holders })
            })
        });
        read.await
    }

    /// How many records each data table of the app has in the environment, by the table's number.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub async fn record_counts(&self, access: &Access<'_>) -> Result<Vec<(i64, i64)>, AppError> {
        let (mode, tables) = (access.mode(), access.definitions().tables.clone());
        let read = self.store().scan::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let mut counts = Vec::with_capacity(tables.len());
                for table in &tables {
                    let (live, sandbox) = tx.data_tables().record_counts(table.number).await?;
                    let count = if mode == guildhall_domain::Mode::Live { live } else { sandbox };
                    counts.push((table.number, count));
                }
                Ok(counts)
            })
        });
        read.await
    }
}

//! The limit: for each charge three units of work, one after another, as many side by side as the engine works on.

use crate::Outcome;
use crate::setting::Setting;
use futures_util::{TryStreamExt, stream};
use guildhall_app::AppError;
use guildhall_domain::event::EventKind;
use std::time::Instant;

/// Charges under way at a time, as in the engine.
const PARALLEL: usize = 64;
/// Rows that the three units of a charge write: the contract and its attempt; the provider's books; the contract,
/// its attempt, the next attempt, the member, three events and the audit entry.
const ROWS: [usize; 3] = [2, 1, 8];
/// About as long as the mean of them.
const PAYLOAD_BYTES: usize = 900;

/// Charges a second that the limit comes to.
pub async fn rate(setting: &Setting, cycles: u64) -> Outcome<f64> {
    let payload = "x".repeat(PAYLOAD_BYTES);
    let (environment, store, payload) = (setting.environment(), &setting.store, &payload);
    let now = setting.guildhall.now();
    let started = Instant::now();
    stream::iter((0..cycles).map(Ok::<_, AppError>))
        .try_for_each_concurrent(PARALLEL, |_| async move {
            for rows in ROWS {
                let payload = payload.clone();
                let unit = store.write::<_, AppError, _>(move |tx| {
                    Box::pin(async move {
                        for _ in 0..rows {
                            tx.events()
                                .insert(environment, EventKind::MembershipUpdated, "limit", &payload, now)
                                .await?;
                        }
                        Ok(())
                    })
                });
                unit.await?;
            }
            Ok(())
        })
        .await?;
    Ok(cycles as f64 / started.elapsed().as_secs_f64())
}

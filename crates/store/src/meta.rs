//! Facts about the installation as a whole.

use crate::driver::{Tx, params};
use crate::error::StoreError;

const FIND: &str = "SELECT value FROM meta WHERE name = $1";
const INSERT: &str = "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
const MEMBER_ID_SECRET: &str = "member_id_secret";

/// The secret that member ids are sealed with; `fresh` becomes it if there is none yet.
pub(crate) async fn member_id_secret(tx: &mut Tx, fresh: [u8; 16]) -> Result<[u8; 16], StoreError> {
    let text = format!("{:032x}", u128::from_be_bytes(fresh));
    let existing = tx.first(FIND, params![MEMBER_ID_SECRET], |row| row.string(0)).await?;
    let kept = match existing {
        Some(kept) => kept,
        None => {
            tx.execute(INSERT, params![MEMBER_ID_SECRET, &text]).await?;
            // Another node may have been first.
            let kept = tx.first(FIND, params![MEMBER_ID_SECRET], |row| row.string(0)).await?;
            kept.ok_or_else(|| StoreError::corrupt("the member id secret is missing"))?
        }
    };
    u128::from_str_radix(&kept, 16)
        .map(u128::to_be_bytes)
        .map_err(|_| StoreError::corrupt("the member id secret is not a number"))
}

//! What the provider's books, the attempts, the contracts and the members say, held against what must be.

use super::scene::Scene;
use crate::database::Database;
use guildhall_app::AppError;
use guildhall_domain::member_id::MemberKey;
use std::collections::HashMap;

/// What keeps the work from being done: rows that are due, leased or under way.
pub async fn unfinished(database: &Database) -> Vec<Vec<String>> {
    let sql = "SELECT 'clock', number FROM environments WHERE clock_target IS NOT NULL
        UNION ALL SELECT 'under way', number FROM contracts WHERE document LIKE '%\"asked\":{%'
        UNION ALL SELECT 'leased', number FROM contracts WHERE leased_until IS NOT NULL";
    let mut rows = database.rows(sql).await;
    rows.truncate(20);
    rows
}

/// Holds everything against everything.
pub async fn verify(scene: &Scene, database: &Database) {
    let charged = charges(database).await;
    the_calendar_agrees(scene, database, &charged).await;
    attempts_agree(database, &charged).await;
    members_agree(scene, database).await;
}

/// The paid charges, by contract and slot: charge key and amount. No period has two.
async fn charges(database: &Database) -> HashMap<(String, i64), (String, i64)> {
    let mut charged = HashMap::new();
    for row in database.rows("SELECT charge_key, amount FROM fake_charges WHERE outcome = 'paid'").await {
        let (key, amount) = (&row[0], row[1].parse().expect("a number"));
        let other = charged.insert(period(key), (key.clone(), amount));
        assert_eq!(other, None, "the period of {key} was charged twice");
    }
    charged
}

/// The contract and the slot that a charge key names.
fn period(key: &str) -> (String, i64) {
    let (rest, _refusals) = key.rsplit_once(':').expect("three parts");
    let (contract, slot) = rest.rsplit_once(':').expect("three parts");
    (contract.to_owned(), slot.parse().expect("a number"))
}

async fn the_calendar_agrees(
    scene: &Scene,
    database: &Database,
    charged: &HashMap<(String, i64), (String, i64)>,
) {
    for (contract, expected) in &scene.expected {
        for slot in 0..i64::from(expected.paid) {
            let (_, amount) = charged
                .get(&(contract.clone(), slot))
                .unwrap_or_else(|| panic!("{contract} was not charged for {slot}: {expected:?}"));
            assert_eq!(*amount, expected.minor, "{contract}, {slot}");
        }
    }
    let expected: u64 = scene.expected_paid();
    assert_eq!(charged.len() as u64, expected, "no charge but the expected ones");

    let mut refused: HashMap<String, u32> = HashMap::new();
    for row in database.rows("SELECT charge_key FROM fake_charges WHERE outcome <> 'paid'").await {
        *refused.entry(period(&row[0]).0).or_default() += 1;
    }
    let rows = database.rows("SELECT id, status FROM contracts").await;
    let statuses: HashMap<_, _> = rows.into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    for (contract, expected) in &scene.expected {
        assert_eq!(refused.get(contract).copied().unwrap_or(0), expected.refused, "{contract}: {expected:?}");
        assert_eq!(statuses[contract], expected.status, "{contract}: {expected:?}");
    }
}

/// Each charge has an attempt that says so, and none says so without; each was told once.
async fn attempts_agree(database: &Database, charged: &HashMap<(String, i64), (String, i64)>) {
    let sql = "SELECT c.id, a.slot, a.charge_key, a.amount, a.tries FROM billing_attempts a
        JOIN contracts c ON c.number = a.contract WHERE a.status = 'SUCCESS'";
    let rows = database.rows(sql).await;
    for row in &rows {
        let slot = row[1].parse().expect("a number");
        let (key, amount) = charged
            .get(&(row[0].clone(), slot))
            .unwrap_or_else(|| panic!("{} counts {slot} as paid, which nobody has charged", row[0]));
        assert_eq!((&row[2], &row[3]), (key, &amount.to_string()), "{}, {slot}", row[0]);
    }
    assert_eq!(rows.len(), charged.len(), "every charge has its attempt");
    let under_way = "SELECT COUNT(*) FROM billing_attempts WHERE status = 'REQUESTING'";
    assert_eq!(database.number(under_way).await, 0);

    let told =
        "SELECT subject, COUNT(*) FROM events WHERE kind = 'membership.billing-success' GROUP BY subject";
    let told = database.counts(told).await;
    let mut by_contract: HashMap<String, i64> = HashMap::new();
    charged.keys().for_each(|(contract, _)| *by_contract.entry(contract.clone()).or_default() += 1);
    assert_eq!(told, by_contract, "each charge was told once");
}

/// What a member's row says of its contracts is what they say themselves.
async fn members_agree(scene: &Scene, database: &Database) {
    let store = scene.store().await;
    for row in database.rows("SELECT DISTINCT member_key FROM contracts").await {
        let key = MemberKey::from_stored(row[0].parse().expect("a number"));
        let read = store.read::<_, AppError, _>(move |tx| {
            Box::pin(
                async move { Ok((tx.members().find_at(key).await?, tx.contracts().of_member(key).await?)) },
            )
        });
        let (member, held) = read.await.expect("the database answers");
        let mut held: Vec<_> = held.iter().map(|held| held.contract.summary()).collect();
        held.sort_by(|a, b| (a.created_at, a.id.as_str()).cmp(&(b.created_at, b.id.as_str())));
        assert_eq!(member.expect("the member is there").contracts, held);
    }
    store.close().await;
}

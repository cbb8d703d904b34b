//! A store on SQLite with a small, fixed set of records, and the model of it.
//!
//! The database's files are unlinked as soon as it is open, so that nothing is left of it however the
//! fuzzer ends.

use crate::tables;
use guildhall_domain::app::Environment;
use guildhall_domain::ids::AppId;
use guildhall_domain::json::JsonObject;
use guildhall_domain::member::Member as StoredMember;
use guildhall_domain::member_id::{MemberId, MemberKey};
use guildhall_domain::query::FindMany;
use guildhall_domain::record::FieldValue;
use guildhall_domain::record_id::RecordKey;
use guildhall_domain::{App, EnvironmentId, Mode, Timestamp};
use guildhall_model::generate::{Choices, Step, step};
use guildhall_model::{Member, Row, World, member_id, record_id};
use guildhall_store::{
    NewMember, NewRecord, PageRequest, RecordPlace, Store, StoreError, StoreSettings, Target, Tx,
};
use std::sync::OnceLock;
use tokio::runtime::Runtime;

const RECORDS: i64 = 40;
const MEMBERS: i64 = 4;

/// The store, what it holds, and what runs it.
pub struct Engine {
    /// What the model says is in the store.
    pub world: World,
    store: Store,
    runtime: Runtime,
    environment: Environment,
}

/// What a page holds: the records' numbers, and whether there are more. Nothing if the cursor names a
/// record that is not there.
pub type Page = Option<(Vec<i64>, bool)>;

/// The one that all inputs share.
pub fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build();
        let runtime = runtime.expect("a runtime starts");
        let (store, environment, world) = runtime.block_on(fill());
        Engine { world, store, runtime, environment }
    })
}

impl Engine {
    /// The page that the store finds for a query over a table, and how many records match.
    ///
    /// # Errors
    /// What no query may come to.
    pub fn find(&'static self, table: i64, query: FindMany, take: i64) -> Result<(Page, i64), StoreError> {
        self.runtime.block_on(self.store.read(move |tx| {
            Box::pin(async move {
                let place = RecordPlace {
                    table: self.world.table(table),
                    tables: &self.world.tables,
                    environment: self.environment,
                    codecs: self.store.codecs(),
                };
                let request = PageRequest {
                    filter: &query.filter,
                    order: &query.order,
                    take,
                    skip: query.skip,
                    after: query.after,
                    select: query.shape.select.as_deref(),
                    owner: None,
                    owner_ids: false,
                };
                let page = tx.records().page(&place, request).await?;
                let page = page.map(|page| {
                    let numbers = page.records.iter().map(|record| record.key.sequence());
                    (numbers.collect(), page.has_more)
                });
                Ok((page, tx.records().count(&place, &query.filter, None).await?))
            })
        }))
    }
}

async fn fill() -> (Store, Environment, World) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = StoreSettings {
        target: Target::Sqlite(folder.path().join("fuzz.db")),
        now: Timestamp::from_micros(1),
        secret: [7; 16],
        write_queue_max: 8,
        write_batch_max: 8,
        postgres_connections_max: 1,
        statement_timeout_ms: 60_000,
    };
    let store = Store::open(settings).await.expect("the store opens");
    let world = model();
    let (codecs, to_store) = (store.codecs().clone(), world.clone());
    let environment = store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                let environment = define(tx).await?;
                for (number, member) in &to_store.members {
                    tx.members()
                        .insert(environment.id, &stored_member(environment.id, *number, member))
                        .await?;
                }
                for (table, shelf) in &to_store.shelves {
                    let place = RecordPlace {
                        table: to_store.table(*table),
                        tables: &to_store.tables,
                        environment,
                        codecs: &codecs,
                    };
                    let rows = shelf.rows.len() as i64;
                    tx.records().next_places(&place, rows, rows).await?;
                    for row in shelf.rows.values() {
                        tx.records()
                            .insert(&place, &stored_record(environment.id, *table, row, &place))
                            .await?;
                    }
                }
                Ok(environment)
            })
        })
        .await
        .expect("the records are stored");
    // Opens the one connection that reads, while the file still has a name.
    store.ping().await.expect("it answers");
    drop(folder);
    (store, environment, world)
}

/// The records, made by the generator out of bytes that never change.
fn model() -> World {
    let mut world = World::new(tables(), Timestamp::from_seconds(1_769_860_800));
    for number in 1..=MEMBERS {
        let email = format!("member{number}@example.com");
        world.members.insert(number, Member { email, created_at: world.now });
    }
    let mut state = 1_u32;
    let mut byte = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    while world.shelves.values().map(|shelf| shelf.last).sum::<i64>() < RECORDS {
        let bytes: Vec<u8> = (0..120).map(|_| byte()).collect();
        let step = step(&mut Choices::new(&bytes), &world);
        if matches!(step, Step::Create { .. } | Step::Wait(_)) {
            // What is refused is not stored, here as there.
            let _ = world.apply_step(&step);
        }
    }
    world
}

async fn define(tx: &mut Tx) -> Result<Environment, StoreError> {
    let app = App {
        id: AppId::from_text("app_fuzz"),
        name: "Fuzz".into(),
        shop: None,
        api_access: true,
        passwordless: false,
        member_self_delete: true,
        session_seconds: 3_600,
        created_at: Timestamp::from_micros(1),
    };
    tx.apps().insert(&app).await?;
    tx.environments().insert(&app.id, Mode::Live).await?;
    let environment = tx.environments().of_app(&app.id).await?[0];
    for table in tables() {
        let number = tx.data_tables().insert(&table, &[environment.id]).await?;
        assert_eq!(number, table.number);
    }
    for table in tables() {
        for field in &table.fields {
            let number = tx.data_tables().insert_field(table.number, field, table.created_at).await?;
            assert_eq!(number, field.number);
        }
    }
    Ok(environment)
}

fn stored_member(environment: EnvironmentId, number: i64, member: &Member) -> NewMember {
    NewMember {
        member: StoredMember {
            key: MemberKey::new(environment, number),
            id: MemberId::from_text(member_id(number)),
            email: Some(member.email.clone()),
            verified: false,
            custom_fields: JsonObject::empty(),
            meta_data: JsonObject::empty(),
            json: JsonObject::empty(),
            permissions: Vec::new(),
            login_redirect: None,
            profile_image: None,
            stripe_customer_id: None,
            last_login_at: None,
            created_at: member.created_at,
            contracts: Vec::new(),
        },
        imported_id: true,
        email_normal: Some(member.email.clone()),
        password_hash: None,
    }
}

/// With the id that the model gives it, as if imported, so that nothing needs to be translated.
fn stored_record(environment: EnvironmentId, table: i64, row: &Row, place: &RecordPlace<'_>) -> NewRecord {
    let values = row.values.iter().map(|(field, value)| {
        let points_at_members =
            place.table.field_numbered(*field).is_some_and(|field| field.kind.points_at_members());
        let value = match value {
            FieldValue::Reference { key, .. } if points_at_members => {
                FieldValue::Reference { key: MemberKey::new(environment, *key).stored(), id: String::new() }
            }
            FieldValue::Reference { key, .. } => {
                FieldValue::Reference { key: RecordKey::new(environment, *key).stored(), id: String::new() }
            }
            value => value.clone(),
        };
        (*field, Some(value))
    });
    NewRecord {
        key: RecordKey::new(environment, row.number),
        imported_id: Some(record_id(table, row.number)),
        owner: row.owner.map(|owner| MemberKey::new(environment, owner)),
        created_at: row.created_at,
        updated_at: row.updated_at,
        values: values.collect(),
    }
}

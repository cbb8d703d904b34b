//! Keys that were seen, kept for as long as the authority version stands.

use super::addresses::Addresses;
use super::last_used::{LastUsed, Uses};
use crate::definitions::Definitions;
use guildhall_domain::app::Environment;
use guildhall_domain::ids::{AppId, KeyId};
use guildhall_domain::key::{HashedKey, Key, PlainKey};
use guildhall_domain::rate::SlidingWindow;
use parking_lot::{Mutex, RwLock};
use std::collections::hash_map::RandomState;
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;
use std::sync::Arc;

/// More keys than this are not kept at a time; then memory starts anew.
const KEPT_MAX: usize = 50_000;

/// A key's record with everything a request needs beside it.
pub(crate) struct Identity {
    pub key: Key,
    pub definitions: Option<Arc<Definitions>>,
    pub window: Arc<Mutex<SlidingWindow>>,
    pub uses: Arc<Uses>,
}

/// What is in memory of keys, limits and addresses.
#[derive(Default)]
pub(crate) struct Identities {
    /// Draws the short hash that keys are recalled by; seeded anew at each start.
    seed: RandomState,
    known: RwLock<Known>,
    /// Short hashes of keys that were good when last looked at. They outlive the version, so that a
    /// change of definitions beside a flood of bad keys does not lock good ones out.
    good: RwLock<HashSet<u64>>,
    /// Windows outlive the version: a change of definitions must not open the limit.
    windows: Mutex<HashMap<KeyId, Arc<Mutex<SlidingWindow>>>>,
    addresses: Addresses,
}

#[derive(Default)]
struct Known {
    version: i64,
    identities: HashMap<u64, Arc<Identity>>,
    definitions: HashMap<AppId, Arc<Definitions>>,
    live: HashMap<AppId, Environment>,
    environments: HashMap<AppId, Arc<[Environment]>>,
}

impl Identities {
    pub(super) fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// A key seen at this version. The short hash only finds a candidate; the key's own hash
    /// decides.
    pub(super) fn recall(&self, version: i64, text: &str) -> Option<Arc<Identity>> {
        let known = self.known.read();
        if known.version != version {
            return None;
        }
        let candidate = known.identities.get(&self.seed.hash_one(text))?;
        (candidate.key.hash == HashedKey::of(text)).then(|| Arc::clone(candidate))
    }

    /// Whether this text was a good key when it was last looked at.
    pub(super) fn was_good(&self, text: &str) -> bool {
        self.good.read().contains(&self.seed.hash_one(text))
    }

    /// Notes that this text is a good key, or that it is none any more.
    pub(super) fn note_good(&self, text: &str, good: bool) {
        let hash = self.seed.hash_one(text);
        if self.good.read().contains(&hash) == good {
            return;
        }
        let mut known = self.good.write();
        if !good {
            known.remove(&hash);
        } else {
            if known.len() >= KEPT_MAX {
                known.clear();
            }
            known.insert(hash);
        }
    }

    /// Keeps a key that was read at this version, or after it.
    pub(super) fn remember(
        &self,
        version: i64,
        plain: &PlainKey,
        key: Key,
        definitions: Option<Definitions>,
        last_used: &LastUsed,
    ) -> Arc<Identity> {
        let mut known = self.known.write();
        if known.version != version || known.identities.len() >= KEPT_MAX {
            *known = Known { version, ..Known::default() };
        }
        // Keys of one app share its definitions.
        let definitions = definitions.map(|fresh| {
            let kept = known.definitions.entry(fresh.app.id.clone()).or_insert_with(|| Arc::new(fresh));
            Arc::clone(kept)
        });
        let identity = Arc::new(Identity {
            window: Arc::clone(self.windows.lock().entry(key.id.clone()).or_default()),
            uses: last_used.of(&key.id),
            definitions,
            key,
        });
        known.identities.insert(self.seed.hash_one(plain.reveal()), Arc::clone(&identity));
        identity
    }

    /// An app that was named by its id at this version, with its live environment.
    pub(super) fn recall_app(&self, version: i64, app: &AppId) -> Option<(Arc<Definitions>, Environment)> {
        let known = self.known.read();
        if known.version != version {
            return None;
        }
        Some((Arc::clone(known.definitions.get(app)?), *known.live.get(app)?))
    }

    /// Keeps an app that was read at this version, or after it.
    pub(super) fn remember_app(
        &self,
        version: i64,
        (definitions, live): (Definitions, Environment),
    ) -> (Arc<Definitions>, Environment) {
        let mut known = self.known.write();
        if known.version != version {
            *known = Known { version, ..Known::default() };
        }
        let app = definitions.app.id.clone();
        let kept = known.definitions.entry(app.clone()).or_insert_with(|| Arc::new(definitions));
        let kept = Arc::clone(kept);
        known.live.insert(app, live);
        (kept, live)
    }

    /// An app with both its environments, read at this version.
    pub(super) fn recall_place(
        &self,
        version: i64,
        app: &AppId,
    ) -> Option<(Arc<Definitions>, Arc<[Environment]>)> {
        let known = self.known.read();
        if known.version != version {
            return None;
        }
        Some((Arc::clone(known.definitions.get(app)?), Arc::clone(known.environments.get(app)?)))
    }

    /// Keeps an app that was read at this version, or after it.
    pub(super) fn remember_place(
        &self,
        version: i64,
        (definitions, environments): (Definitions, Vec<Environment>),
    ) -> (Arc<Definitions>, Arc<[Environment]>) {
        let mut known = self.known.write();
        if known.version != version {
            *known = Known { version, ..Known::default() };
        }
        let (app, environments) = (definitions.app.id.clone(), Arc::<[Environment]>::from(environments));
        let kept = known.definitions.entry(app.clone()).or_insert_with(|| Arc::new(definitions));
        let kept = Arc::clone(kept);
        known.environments.insert(app, Arc::clone(&environments));
        (kept, environments)
    }
}

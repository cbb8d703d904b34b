//! How a contract is written down: the columns it is found by apart, one JSON document. Times are
//! microseconds in it, so that nothing is lost.

use super::life::{Active, Life};
use super::plan_change::Change;
use super::terms::Terms;
use super::{Contract, ContractKind, Notes, Progress};
use crate::ids::ContractId;
use crate::member_id::MemberKey;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) mod micros {
    use crate::time::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i64(at.micros())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        i64::deserialize(from).map(Timestamp::from_micros)
    }
}

pub(crate) mod maybe_micros {
    use crate::time::Timestamp;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(at: &Option<Timestamp>, to: S) -> Result<S::Ok, S::Error> {
        at.map(Timestamp::micros).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
        Ok(Option::<i64>::deserialize(from)?.map(Timestamp::from_micros))
    }
}

/// What stands in columns of its own.
#[derive(Clone, Debug)]
pub struct ContractColumns {
    /// Its number.
    pub number: i64,
    /// `con_…`
    pub id: ContractId,
    /// Who holds it.
    pub holder: MemberKey,
    /// The plan, for a contract without a document: a free one.
    pub plan: Option<crate::ids::PlanId>,
    /// How it is held.
    pub kind: ContractKind,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

#[derive(Serialize)]
struct Written<'c> {
    life: &'c Life,
    terms: &'c Terms,
    progress: &'c Progress,
    change: &'c Option<Change>,
    notes: &'c Notes,
}

#[derive(Deserialize)]
struct Read {
    life: Life,
    terms: Terms,
    progress: Progress,
    change: Option<Change>,
    notes: Notes,
}

impl Contract {
    /// The document. Free contracts have none: their columns say everything.
    pub fn to_document(&self) -> String {
        if self.kind == ContractKind::Free && self.notes == Notes::default() {
            return String::new();
        }
        let (life, terms, progress) = (&self.life, &self.terms, &self.progress);
        let written = Written { life, terms, progress, change: &self.change, notes: &self.notes };
        serde_json::to_string(&written).expect("a contract has no keys that are not text")
    }

    /// A contract from what was stored; nothing if the document is none.
    pub fn from_document(columns: ContractColumns, document: &str) -> Option<Self> {
        let ContractColumns { number, id, holder, plan, kind, created_at, updated_at } = columns;
        if document.is_empty() {
            let free = Self::free(id, holder, plan?, created_at);
            return (kind == ContractKind::Free).then_some(Self { number, updated_at, ..free });
        }
        let Read { life, terms, progress, change, notes } = serde_json::from_str(document).ok()?;
        Some(Self { number, id, holder, kind, created_at, updated_at, life, terms, progress, change, notes })
    }

    /// A hold on a plan that costs nothing.
    pub fn free(id: ContractId, holder: MemberKey, plan: crate::ids::PlanId, now: Timestamp) -> Self {
        Self {
            number: 0,
            id,
            holder,
            kind: ContractKind::Free,
            created_at: now,
            updated_at: now,
            life: Life::Active(Active::begin(now, None)),
            terms: Terms::free(plan),
            progress: Progress { access: true, ..Progress::default() },
            change: None,
            notes: Notes::default(),
        }
    }
}

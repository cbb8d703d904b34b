//! What is seen of members that records point at. Servers see them whole, and so does each member itself.

use super::query::{Included, Node};
use guildhall_domain::custom_field::{CustomField, Visibility};
use guildhall_domain::data_table::Asker;
use guildhall_domain::json::JsonObject;
use guildhall_domain::record::Record;
use guildhall_store::RelatedMember;
use std::sync::Arc;

/// Leaves of all members that these records show what the asker may see.
pub(super) fn veil_all(nodes: &mut [Node], asker: Asker, fields: &[CustomField]) {
    if asker == Asker::Admin {
        return;
    }
    for (_, included) in nodes.iter_mut().flat_map(|node| &mut node.included) {
        match included {
            Included::Nothing => {}
            // What many point at is shared until it has to differ; without includes it never does.
            Included::Record(node) if node.included.is_empty() => {}
            Included::Record(node) => veil_all(std::slice::from_mut(Arc::make_mut(node)), asker, fields),
            Included::Records(page) => veil_all(&mut page.items, asker, fields),
            Included::Member(member) => veil(Arc::make_mut(member), asker, fields),
            Included::Members(page) => {
                page.items.iter_mut().for_each(|member| veil(member, asker, fields));
            }
        }
    }
}

/// Leaves of a member what the asker may see: of others, the address only if the asker is signed in, and
/// the custom fields that are not private.
fn veil(member: &mut RelatedMember, asker: Asker, fields: &[CustomField]) {
    let seen: &[Visibility] = match asker {
        Asker::Admin => return,
        Asker::Member(me) if me == member.key => return,
        Asker::Member(_) => &[Visibility::Public, Visibility::Members],
        Asker::Stranger => {
            member.email = None;
            &[Visibility::Public]
        }
    };
    let mut values = member.custom_fields.to_map().unwrap_or_default();
    values.retain(|key, _| fields.iter().any(|field| field.key == *key && seen.contains(&field.visibility)));
    member.custom_fields = JsonObject::from_map(&values);
}

/// Whether a record is the asker's own; nothing where a server asks, to whom none belongs.
pub(super) fn owns(asker: Asker, record: &Record) -> Option<bool> {
    match asker {
        Asker::Admin => None,
        Asker::Stranger => Some(false),
        Asker::Member(member) => Some(record.owner == Some(member)),
    }
}

//! Data tables: the structure that an app's developers give to data of their own. Both environments
//! share a table's definition and never its records.
//!
//! The kinds of field, the rules and the limits are Memberstack's where it tells them.

use crate::Code;
use crate::ids::{AppId, DataTableId, FieldId};
use crate::member_id::MemberKey;
use crate::record::FieldValue;
use crate::refusal::Refusal;
use crate::text::is_id;
use crate::time::Timestamp;
use std::str::FromStr;

/// How many data tables one app may have.
pub const TABLES_MAX: usize = 200;
/// How many fields one data table may have.
pub const FIELDS_MAX: usize = 200;
/// Names of a record that a field cannot have, because queries use them.
const RESERVED: [&str; 8] =
    ["id", "createdAt", "updatedAt", "internalOrder", "createdByMemberId", "AND", "OR", "NOT"];

/// Who may do something with a table's records through the client API. Secret keys are above these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessRule {
    /// Anyone with the app's public key.
    Public,
    /// Any member that is signed in.
    Authenticated,
    /// The member that owns the record.
    AuthenticatedOwn,
    /// Only servers and operators.
    AdminOnly,
}

impl AccessRule {
    const ALL: [AccessRule; 4] =
        [AccessRule::Public, AccessRule::Authenticated, AccessRule::AuthenticatedOwn, AccessRule::AdminOnly];

    /// `PUBLIC`, `AUTHENTICATED`, `AUTHENTICATED_OWN` or `ADMIN_ONLY`.
    pub const fn as_str(self) -> &'static str {
        match self {
            AccessRule::Public => "PUBLIC",
            AccessRule::Authenticated => "AUTHENTICATED",
            AccessRule::AuthenticatedOwn => "AUTHENTICATED_OWN",
            AccessRule::AdminOnly => "ADMIN_ONLY",
        }
    }
}

/// Who asks, as access rules see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// A server with a secret key, or an operator: above the rules.
    Admin,
    /// Somebody with the app's public key.
    Stranger,
    /// A member that is signed in.
    Member(MemberKey),
}

impl Asker {
    /// The member that asks, if one does.
    pub const fn member(self) -> Option<MemberKey> {
        match self {
            Asker::Member(member) => Some(member),
            Asker::Admin | Asker::Stranger => None,
        }
    }
}

/// Which of a table's records a rule opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// All of them.
    All,
    /// Those that belong to this member.
    Own(MemberKey),
}

impl Reach {
    /// The member to whom records must belong, if they must belong to one.
    pub const fn owner(self) -> Option<MemberKey> {
        match self {
            Reach::All => None,
            Reach::Own(member) => Some(member),
        }
    }

    /// Whether a record of this owner is within reach.
    pub fn holds(self, owner: Option<MemberKey>) -> bool {
        self.owner().is_none_or(|member| owner == Some(member))
    }
}

impl AccessRule {
    /// What the rule opens to whoever asks.
    ///
    /// # Errors
    /// `LoginRequired` if signing in would help, `AccessDenied` if it would not.
    pub const fn reach(self, asker: Asker) -> Result<Reach, Code> {
        match (self, asker) {
            (_, Asker::Admin) | (AccessRule::Public, _) => Ok(Reach::All),
            (AccessRule::AdminOnly, _) => Err(Code::AccessDenied),
            (AccessRule::Authenticated | AccessRule::AuthenticatedOwn, Asker::Stranger) => {
                Err(Code::LoginRequired)
            }
            (AccessRule::Authenticated, Asker::Member(_)) => Ok(Reach::All),
            (AccessRule::AuthenticatedOwn, Asker::Member(member)) => Ok(Reach::Own(member)),
        }
    }
}

impl FromStr for AccessRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        AccessRule::ALL
            .into_iter()
            .find(|rule| rule.as_str() == text)
            .ok_or_else(|| "an access rule is PUBLIC, AUTHENTICATED, AUTHENTICATED_OWN or ADMIN_ONLY".into())
    }
}

/// The four rules of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessRules {
    /// Who may create records.
    pub create: AccessRule,
    /// Who may read them.
    pub read: AccessRule,
    /// Who may change them.
    pub update: AccessRule,
    /// Who may delete them.
    pub delete: AccessRule,
}

impl Default for AccessRules {
    /// Closed: what is opened is opened by name.
    fn default() -> Self {
        let closed = AccessRule::AdminOnly;
        Self { create: closed, read: closed, update: closed, delete: closed }
    }
}

macro_rules! field_kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)*) => {
        /// What a field holds.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum FieldKind { $($(#[$doc])* $variant,)* }

        impl FieldKind {
            /// Every kind.
            pub const ALL: &'static [FieldKind] = &[$(FieldKind::$variant,)*];

            /// The vendor's name for it.
            pub const fn as_str(self) -> &'static str {
                match self { $(FieldKind::$variant => $name,)* }
            }
        }
    };
}

field_kinds! {
    /// Text of any length up to 65,536 characters. Not indexed.
    Text = "TEXT";
    /// Text of at most 255 characters, indexed.
    TextFilterable = "TEXT_FILTERABLE";
    /// Text of at most 255 characters that no two records of an environment share.
    TextUnique = "TEXT_UNIQUE";
    /// An integer that JavaScript can hold exactly.
    Number = "NUMBER";
    /// An exact decimal.
    Decimal = "DECIMAL";
    /// True or false. Not indexed.
    Boolean = "BOOLEAN";
    /// A moment, to the millisecond.
    Date = "DATE";
    /// An e-mail address, kept as given.
    Email = "EMAIL";
    /// An http or https address. Not indexed.
    Url = "URL";
    /// One record of another table, or of the same.
    Reference = "REFERENCE";
    /// Any number of records of another table, or of the same.
    ReferenceMany = "REFERENCE_MANY";
    /// One member.
    MemberReference = "MEMBER_REFERENCE";
    /// Any number of members.
    MemberReferenceMany = "MEMBER_REFERENCE_MANY";
}

/// How a field's values are kept in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Text, compared by bytes.
    Text,
    /// A 64-bit integer.
    Integer,
    /// A truth value.
    Boolean,
}

impl FieldKind {
    /// Whether it points at any number of things, and so is kept as links and not in a column.
    pub const fn is_many(self) -> bool {
        matches!(self, FieldKind::ReferenceMany | FieldKind::MemberReferenceMany)
    }

    /// Whether it points at members.
    pub const fn points_at_members(self) -> bool {
        matches!(self, FieldKind::MemberReference | FieldKind::MemberReferenceMany)
    }

    /// Whether it points at records.
    pub const fn points_at_records(self) -> bool {
        matches!(self, FieldKind::Reference | FieldKind::ReferenceMany)
    }

    /// Whether it points at something.
    pub const fn is_relation(self) -> bool {
        self.points_at_members() || self.points_at_records()
    }

    /// Whether its values are text that can be searched in and compared without regard to case.
    pub const fn is_text(self) -> bool {
        use FieldKind::{Email, Text, TextFilterable, TextUnique, Url};
        matches!(self, Text | TextFilterable | TextUnique | Email | Url)
    }

    /// The column it is kept in; nothing if it is kept as links.
    pub const fn column(self) -> Option<ColumnKind> {
        use FieldKind::{Boolean, Date, Decimal, MemberReference, Number, Reference};
        match self {
            Number | Date | Reference | MemberReference => Some(ColumnKind::Integer),
            Boolean => Some(ColumnKind::Boolean),
            Decimal => Some(ColumnKind::Text),
            kind if kind.is_text() => Some(ColumnKind::Text),
            _ => None,
        }
    }

    /// Whether filters and orders by it are served by an index.
    pub const fn is_indexed(self) -> bool {
        use FieldKind::{Boolean, Text, Url};
        !self.is_many() && !matches!(self, Text | Boolean | Url)
    }

    /// Whether values can be demanded to be unique.
    pub const fn can_be_unique(self) -> bool {
        self.is_indexed() && !self.is_relation()
    }

    /// Whether a field of this kind can become one of that kind: any text can become a plain one, if it
    /// is short enough. Values of other kinds are kept differently, or are not checked by a statement.
    pub const fn can_become(self, other: FieldKind) -> bool {
        use FieldKind::{Text, TextFilterable, TextUnique};
        let plain = matches!(other, Text | TextFilterable | TextUnique);
        self as u8 == other as u8 || (self.is_text() && plain)
    }
}

impl FromStr for FieldKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        FieldKind::ALL.iter().copied().find(|kind| kind.as_str() == text).ok_or_else(|| {
            let names: Vec<_> = FieldKind::ALL.iter().map(|kind| kind.as_str()).collect();
            format!("a field's type is one of {}", names.join(", "))
        })
    }
}

/// One field of a data table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// As callers see it.
    pub id: FieldId,
    /// Its number in this installation, from which its column takes its name.
    pub number: i64,
    /// The key of its values in a record's `data`.
    pub key: String,
    /// What people see.
    pub name: String,
    /// What it holds.
    pub kind: FieldKind,
    /// Whether every write must leave it with a value.
    pub required: bool,
    /// Whether no two records of an environment may share a value.
    pub unique: bool,
    /// What a new record gets if nothing is given.
    pub default: Option<FieldValue>,
    /// Order among the fields; lower first.
    pub position: Option<i64>,
    /// The number of the table whose records it points at.
    pub referenced_table: Option<i64>,
}

/// A data table with its fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataTable {
    /// `tbl_…`
    pub id: DataTableId,
    /// Its number in this installation, from which the table of its records takes its name.
    pub number: i64,
    /// Whose it is.
    pub app: AppId,
    /// What callers name it by.
    pub key: String,
    /// What people see.
    pub name: String,
    /// Who may do what through the client API.
    pub rules: AccessRules,
    /// Whether some records carry an id from elsewhere.
    pub imported_ids: bool,
    /// Changes with every change to the table or its fields.
    pub version: i64,
    /// Its fields, in the order they are shown.
    pub fields: Vec<Field>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it, or a field of it, was last changed.
    pub updated_at: Option<Timestamp>,
}

impl DataTable {
    /// The field with this key.
    pub fn field(&self, key: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.key == key)
    }

    /// The field that a caller names.
    ///
    /// # Errors
    /// `FieldUnknown`. The message repeats a key only if it could be one.
    pub fn known_field(&self, key: &str) -> Result<&Field, Refusal> {
        self.field(key).ok_or_else(|| {
            let named = if is_id(key) { format!(" {key:?}") } else { String::new() };
            Refusal::because(Code::FieldUnknown, format!("The table {} has no field{named}.", self.key))
        })
    }

    /// The field with this number.
    pub fn field_numbered(&self, number: i64) -> Option<&Field> {
        self.fields.iter().find(|field| field.number == number)
    }
}

/// All data tables of an app.
pub type DataTables = [DataTable];

/// The table with this number.
pub fn numbered(tables: &DataTables, number: i64) -> Option<&DataTable> {
    tables.iter().find(|table| table.number == number)
}

/// The table that a caller names by key or id.
pub fn named<'t>(tables: &'t DataTables, key_or_id: &str) -> Option<&'t DataTable> {
    tables.iter().find(|table| table.key == key_or_id || table.id.as_str() == key_or_id)
}

/// Whether a text can name a table: what the vendor answers with "Invalid table key or ID format" is
/// anything but 1 to 64 letters, digits, `_` and `-`.
pub fn is_table_name(text: &str) -> bool {
    is_id(text)
}

/// Whether a text can be the key of a table: a letter first, and not the look of a table's id.
pub fn is_table_key(text: &str) -> bool {
    is_key(text) && !text.starts_with(DataTableId::PREFIX)
}

/// Whether a text can be the key of a field: a letter first, and no name that queries use.
pub fn is_field_key(text: &str) -> bool {
    is_key(text) && !RESERVED.contains(&text)
}

fn is_key(text: &str) -> bool {
    is_id(text) && text.starts_with(|first: char| first.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_plain_and_not_reserved() {
        for good in ["contacts", "First_Name", "a-1"] {
            assert!(is_table_key(good) && is_field_key(good), "{good}");
        }
        for bad in ["", "1a", "a b", "a!", "ä", "_count", &"x".repeat(65)] {
            assert!(!is_table_key(bad) && !is_field_key(bad), "{bad}");
        }
        assert!(!is_table_key("tbl_contacts") && is_field_key("tbl_contacts"));
        assert!(!is_field_key("AND") && !is_field_key("createdAt"));
    }

    #[test]
    fn the_table_of_rules_and_askers() {
        use AccessRule::{AdminOnly, Authenticated, AuthenticatedOwn, Public};
        let key = MemberKey::from_stored(7);
        let (all, own) = (Ok(Reach::All), Ok(Reach::Own(key)));
        let (login, denied) = (Err(Code::LoginRequired), Err(Code::AccessDenied));
        for (rule, admin, stranger, member) in [
            (Public, all, all, all),
            (Authenticated, all, login, all),
            (AuthenticatedOwn, all, login, own),
            (AdminOnly, all, denied, denied),
        ] {
            let found = [Asker::Admin, Asker::Stranger, Asker::Member(key)].map(|asker| rule.reach(asker));
            assert_eq!(found, [admin, stranger, member], "{rule:?}");
        }
        assert!(Reach::Own(key).holds(Some(key)) && !Reach::Own(key).holds(None) && Reach::All.holds(None));
    }

    #[test]
    fn every_kind_is_a_column_or_links() {
        for kind in FieldKind::ALL {
            assert_eq!(kind.column().is_none(), kind.is_many(), "{kind:?}");
            assert_eq!(kind.as_str().parse(), Ok(*kind));
        }
    }
}

//! Operators (people who sign in to the dashboard) and their one-time links.

use crate::driver::{Tx, params};
use crate::error::StoreError;
use guildhall_domain::Timestamp;
use guildhall_domain::email::Email;
use guildhall_domain::ids::{OperatorId, OperatorLinkId};
use guildhall_domain::key::HashedKey;

const INSERT: &str =
    "INSERT INTO operators (id, email, email_normal, name, created_at) VALUES ($1, $2, $3, $4, $5)";
const BY_EMAIL: &str = "SELECT id, email, name FROM operators WHERE email_normal = $1";
const INSERT_LINK: &str = "INSERT INTO operator_links (id, operator, hash, created_at, expires_at)
    VALUES ($1, $2, $3, $4, $5)";

/// A person who runs the installation.
#[derive(Clone, Debug)]
pub struct Operator {
    /// `opr_…`
    pub id: OperatorId,
    /// As given.
    pub email: String,
    /// What to call them.
    pub name: String,
}

/// A link that lets its holder set an operator's password, once.
pub struct NewOperatorLink<'a> {
    /// `oln_…`
    pub id: OperatorLinkId,
    /// Whose password; nobody's yet for the link of the first start.
    pub operator: Option<&'a OperatorId>,
    /// Hash of the token in the link.
    pub hash: HashedKey,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// Reached as `tx.operators()`.
pub struct Operators<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl Operators<'_> {
    /// Stores a new operator, without a password.
    ///
    /// # Errors
    /// `Conflict(OperatorEmail)`.
    pub async fn insert(
        &mut self,
        id: &OperatorId,
        email: &Email,
        name: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let values = params![id.as_str(), email.as_given(), email.normal(), name, now];
        self.tx.execute(INSERT, values).await.map(|_| ())
    }

    /// An operator by address.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_by_email(&mut self, email: &Email) -> Result<Option<Operator>, StoreError> {
        let values = params![email.normal()];
        let found = self.tx.first(BY_EMAIL, values, |row| {
            Ok(Operator {
                id: OperatorId::from_text(row.text(0)?),
                email: row.string(1)?,
                name: row.string(2)?,
            })
        });
        found.await
    }

    /// Stores a new link.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn insert_link(&mut self, link: NewOperatorLink<'_>, now: Timestamp) -> Result<(), StoreError> {
        let values = params![
            link.id.as_str(),
            link.operator.map(OperatorId::as_str),
            link.hash.as_bytes(),
            now,
            link.expires_at
        ];
        self.tx.execute(INSERT_LINK, values).await.map(|_| ())
    }
}

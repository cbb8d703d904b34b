//! Operators (people who sign in to the dashboard), their roles in apps, and their one-time links.

use crate::driver::{Row, Tx, params};
use crate::error::StoreError;
use guildhall_domain::Timestamp;
use guildhall_domain::email::Email;
use guildhall_domain::ids::{AppId, OperatorId, OperatorLinkId};
use guildhall_domain::key::HashedKey;
use guildhall_domain::operator::Role;
use std::str::FromStr;

const INSERT: &str = "INSERT INTO operators (id, email, email_normal, name, created_at, server_owner)
    VALUES ($1, $2, $3, $4, $5, $6)";
const SELECT: &str =
    "SELECT o.id, o.email, o.name, o.server_owner, o.password_hash IS NOT NULL FROM operators o";
const PASSWORD: &str = "SELECT id, password_hash FROM operators WHERE email_normal = $1";
const PASSWORD_OF: &str = "SELECT password_hash FROM operators WHERE id = $1";
const SET_PASSWORD: &str = "UPDATE operators SET password_hash = $1 WHERE id = $2";
const REPLACE_PASSWORD: &str = "UPDATE operators SET password_hash = $1 WHERE id = $2 AND password_hash = $3";
const INSERT_LINK: &str = "INSERT INTO operator_links (id, operator, hash, created_at, expires_at)
    VALUES ($1, $2, $3, $4, $5)";
const FIND_LINK: &str = "SELECT id, operator FROM operator_links
    WHERE hash = $1 AND used_at IS NULL AND expires_at > $2";
const USE_LINK: &str = "UPDATE operator_links SET used_at = $1
    WHERE hash = $2 AND used_at IS NULL AND expires_at > $3";
const END_LINKS: &str = "UPDATE operator_links SET used_at = $1 WHERE operator = $2 AND used_at IS NULL";
const ROLE: &str = "SELECT role FROM operator_roles WHERE operator = $1 AND app = $2";
const PUT_ROLE: &str = "INSERT INTO operator_roles (operator, app, role, created_at) VALUES ($1, $2, $3, $4)
    ON CONFLICT (operator, app) DO UPDATE SET role = excluded.role";
const DELETE_ROLE: &str = "DELETE FROM operator_roles WHERE operator = $1 AND app = $2";
const APPS: &str = "SELECT a.id, a.name, r.role FROM operator_roles r JOIN apps a ON a.id = r.app
    WHERE r.operator = $1 ORDER BY a.created_at, a.id";
const TEAM: &str = "SELECT o.id, o.email, o.name, o.server_owner, o.password_hash IS NOT NULL, r.role
    FROM operator_roles r JOIN operators o ON o.id = r.operator WHERE r.app = $1 ORDER BY r.created_at, o.id";

/// A person who runs an app, or the installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// `opr_…`
    pub id: OperatorId,
    /// As given.
    pub email: String,
    /// What to call them.
    pub name: String,
    /// Whether they own every app, and what belongs to the server itself.
    pub server_owner: bool,
    /// Whether they have chosen a password yet.
    pub has_password: bool,
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
        operator: &Operator,
        email: &Email,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let values = params![
            operator.id.as_str(),
            email.as_given(),
            email.normal(),
            &operator.name,
            now,
            operator.server_owner
        ];
        self.tx.execute(INSERT, values).await.map(|_| ())
    }

    /// An operator by address.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_by_email(&mut self, email: &Email) -> Result<Option<Operator>, StoreError> {
        let sql = format!("{SELECT} WHERE o.email_normal = $1");
        self.tx.first(&sql, params![email.normal()], from_row).await
    }

    /// One operator.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find(&mut self, id: &OperatorId) -> Result<Option<Operator>, StoreError> {
        let sql = format!("{SELECT} WHERE o.id = $1");
        self.tx.first(&sql, params![id.as_str()], from_row).await
    }

    /// The id and password hash of the operator with this address.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_password(
        &mut self,
        email: &Email,
    ) -> Result<Option<(OperatorId, Option<String>)>, StoreError> {
        let values = params![email.normal()];
        let found = self
            .tx
            .first(PASSWORD, values, |row| Ok((OperatorId::from_text(row.text(0)?), row.opt_string(1)?)));
        found.await
    }

    /// An operator's password hash.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn password(&mut self, id: &OperatorId) -> Result<Option<String>, StoreError> {
        let found = self.tx.first(PASSWORD_OF, params![id.as_str()], |row| row.opt_string(0)).await?;
        Ok(found.flatten())
    }

    /// Stores an operator's new password hash.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn set_password(&mut self, id: &OperatorId, hash: &str) -> Result<(), StoreError> {
        self.tx.execute(SET_PASSWORD, params![hash, id.as_str()]).await.map(|_| ())
    }

    /// Replaces a password hash unless it was changed meanwhile. False if it was.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn replace_password(
        &mut self,
        id: &OperatorId,
        old: &str,
        new: &str,
    ) -> Result<bool, StoreError> {
        self.tx.execute(REPLACE_PASSWORD, params![new, id.as_str(), old]).await.map(|rows| rows == 1)
    }

    /// Everyone who owns the server.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn server_owners(&mut self) -> Result<Vec<Operator>, StoreError> {
        let sql = format!("{SELECT} WHERE o.server_owner ORDER BY o.created_at, o.id");
        self.tx.all(&sql, params![], from_row).await
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

    /// A link that can still be used: its id, and whose it is; nobody's for the link of the first start.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_link(
        &mut self,
        hash: HashedKey,
        now: Timestamp,
    ) -> Result<Option<(OperatorLinkId, Option<OperatorId>)>, StoreError> {
        let values = params![hash.as_bytes(), now];
        let found = self.tx.first(FIND_LINK, values, |row| {
            let operator = row.opt_text(1)?.map(OperatorId::from_text);
            Ok((OperatorLinkId::from_text(row.text(0)?), operator))
        });
        found.await
    }

    /// Uses a link up. False if it was used before or has ended.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn use_link(&mut self, hash: HashedKey, now: Timestamp) -> Result<bool, StoreError> {
        self.tx.execute(USE_LINK, params![now, hash.as_bytes(), now]).await.map(|rows| rows == 1)
    }

    /// Ends every link of an operator.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn end_links(&mut self, operator: &OperatorId, now: Timestamp) -> Result<(), StoreError> {
        self.tx.execute(END_LINKS, params![now, operator.as_str()]).await.map(|_| ())
    }

    /// An operator's role in an app.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn role(&mut self, id: &OperatorId, app: &AppId) -> Result<Option<Role>, StoreError> {
        self.tx.first(ROLE, params![id.as_str(), app.as_str()], |row| role(row, 0)).await
    }

    /// Gives an operator a role in an app, in place of the one it had.
    ///
    /// # Errors
    /// `Conflict(Reference)` if there is no such app.
    pub async fn put_role(
        &mut self,
        id: &OperatorId,
        app: &AppId,
        role: Role,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let values = params![id.as_str(), app.as_str(), role.as_str(), now];
        self.tx.execute(PUT_ROLE, values).await.map(|_| ())
    }

    /// Takes an operator's role in an app away. False if it had none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete_role(&mut self, id: &OperatorId, app: &AppId) -> Result<bool, StoreError> {
        self.tx.execute(DELETE_ROLE, params![id.as_str(), app.as_str()]).await.map(|rows| rows == 1)
    }

    /// The apps in which an operator has a role: id, name and role, oldest app first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn apps(&mut self, id: &OperatorId) -> Result<Vec<(AppId, String, Role)>, StoreError> {
        let values = params![id.as_str()];
        let found = self
            .tx
            .all(APPS, values, |row| Ok((AppId::from_text(row.text(0)?), row.string(1)?, role(row, 2)?)));
        found.await
    }

    /// Everyone who has a role in an app.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn team(&mut self, app: &AppId) -> Result<Vec<(Operator, Role)>, StoreError> {
        self.tx.all(TEAM, params![app.as_str()], |row| Ok((from_row(row)?, role(row, 5)?))).await
    }
}

fn role(row: &Row<'_>, column: usize) -> Result<Role, StoreError> {
    row.parsed(column, |text| Role::from_str(text).ok())
}

fn from_row(row: &Row<'_>) -> Result<Operator, StoreError> {
    Ok(Operator {
        id: OperatorId::from_text(row.text(0)?),
        email: row.string(1)?,
        name: row.string(2)?,
        server_owner: row.bool(3)?,
        has_password: row.bool(4)?,
    })
}

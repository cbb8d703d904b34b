//! Members' tokens: signing them, and judging those that come back.
//!
//! A token is a JWT with the six claims that the vendor's have, signed RS256. Anyone can check it
//! offline by our published keys; whether its session still stands only we can tell, by the session's
//! id in the token's header. See `docs/decisions/0008-sign-in.md`.

mod ring;
mod rotation;

pub use ring::PublishedKey;
pub(crate) use ring::{KeyRing, TokenKeys};
pub use rotation::TokenKeyInfo;

use crate::auth::Access;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use guildhall_domain::app::Environment;
use guildhall_domain::ids::{AppId, SessionId};
use guildhall_domain::member_id::{MemberId, MemberKey};
use guildhall_domain::session::Session;
use guildhall_domain::{Code, Timestamp};
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};

/// The longest text that is looked at as a token, in bytes. Ours have some 600.
const TOKEN_BYTES_MAX: usize = 4096;
/// The header parameter that names the session. Not a claim: the claims are the vendor's six.
const SESSION_PARAMETER: &str = "sid";
const MEMBER_TYPE: &str = "member";

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Claims {
    /// The member's id.
    pub id: String,
    /// Always `member`.
    pub r#type: String,
    /// When it was signed, in Unix seconds.
    pub iat: i64,
    /// When it ends, in Unix seconds.
    pub exp: i64,
    /// The app's id.
    pub aud: String,
    /// Who signed it.
    pub iss: String,
}

/// A token that is good, and whose.
#[derive(Clone, Debug)]
pub(crate) struct GoodToken {
    pub claims: Claims,
    pub member: SignedIn,
}

/// A member that is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SignedIn {
    pub session: SessionId,
    pub key: MemberKey,
    pub id: MemberId,
}

impl Guildhall {
    /// The token of a session.
    pub(crate) async fn sign_token(
        &self,
        app: &AppId,
        member: &MemberId,
        session: &Session,
    ) -> Result<String, AppError> {
        let claims = Claims {
            id: member.as_str().to_owned(),
            r#type: MEMBER_TYPE.to_owned(),
            iat: session.created_at.seconds(),
            exp: session.expires_at.seconds(),
            aud: app.as_str().to_owned(),
            iss: self.token_issuer().to_owned(),
        };
        let (ring, session) = (self.signing_ring().await?, session.id.clone());
        // A signature takes a good part of a millisecond, in which this thread can answer others.
        let signed =
            tokio::task::spawn_blocking(move || ring.sign(SESSION_PARAMETER, session.as_str(), &claims));
        signed.await.unwrap_or_else(|_| Err(AppError::internal("signing a token broke off")))
    }

    /// What a member's token says, if it is good: signed by one of our keys, not expired, of our
    /// issuer, of the caller's app and environment, and its session not ended.
    ///
    /// # Errors
    /// `TokenInvalid`, whatever is wrong with it; `StoreUnavailable`.
    pub async fn verify_token(&self, access: &Access<'_>, token: &str) -> Result<Claims, AppError> {
        let app = &access.definitions().app.id;
        let place = Environment { id: access.environment(), mode: access.mode() };
        let good = self.judge_token(app, place, token).await?;
        good.map(|good| good.claims).ok_or_else(|| Code::TokenInvalid.into())
    }

    /// As [`Guildhall::verify_token`], with the member; nothing for a token that is not good.
    pub(crate) async fn judge_token(
        &self,
        app: &AppId,
        place: Environment,
        token: &str,
    ) -> Result<Option<GoodToken>, AppError> {
        let now = self.now();
        let ring = self.key_ring().await?;
        let Some((claims, session)) = read(&ring, token, now) else {
            return Ok(None);
        };
        if claims.iss != self.token_issuer() || claims.aud != app.as_str() || claims.r#type != MEMBER_TYPE {
            return Ok(None);
        }
        let found = self.store().read::<_, AppError, _>(move |tx| {
            Box::pin(async move { Ok(tx.sessions().find(&session).await?) })
        });
        let Some((session, id)) = found.await? else {
            return Ok(None);
        };
        let stands = session.is_live(now) && session.environment == place.id && id.as_str() == claims.id;
        let member = SignedIn { session: session.id, key: session.member, id };
        Ok(stands.then_some(GoodToken { claims, member }))
    }
}

/// The claims and the session of a token that one of our keys has signed and that has not expired.
fn read(ring: &KeyRing, token: &str, now: Timestamp) -> Option<(Claims, SessionId)> {
    if token.len() > TOKEN_BYTES_MAX {
        return None;
    }
    let header = decode_header(token).ok()?;
    let key = ring.verifying(header.kid.as_deref()?, now)?;
    let token = decode::<Claims>(token, key, &signature_only()).ok()?;
    let session = token.header.extras.get::<String>(SESSION_PARAMETER).ok()??;
    (now.seconds() < token.claims.exp).then(|| (token.claims, SessionId::from_text(session)))
}

/// RS256 and nothing else, whatever the header asks for: neither `none`, nor our public key taken for
/// a shared secret. Times and names are judged by ourselves, by our clock.
fn signature_only() -> Validation {
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    validation
}

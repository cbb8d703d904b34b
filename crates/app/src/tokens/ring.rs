//! The keys of tokens in memory: one that signs, and all that are published. Kept for as long as the
//! authority version stands, like everything else that requests need and that changes rarely.

use super::Claims;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use guildhall_domain::Timestamp;
use guildhall_domain::key::HashedKey;
use guildhall_store::{Store, TokenKey, Tx};
use jsonwebtoken::DecodingKey;
use parking_lot::RwLock;
use serde_json::json;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The public exponent of every key, 65537, in base64url.
const EXPONENT: &str = "AQAB";

/// What stands in the published list of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedKey {
    /// Its name, 64 hexadecimal digits.
    pub kid: String,
    /// The modulus, in base64url.
    pub n: String,
    /// The exponent, in base64url.
    pub e: &'static str,
}

struct Verifying {
    published: PublishedKey,
    until: Option<Timestamp>,
    key: DecodingKey,
}

/// All keys at one version.
pub(crate) struct KeyRing {
    signing: Option<(String, RsaKeyPair)>,
    verifying: Vec<Verifying>,
}

/// The ring that was last read, with the version it was read at.
#[derive(Default)]
pub(crate) struct TokenKeys(RwLock<Option<(i64, Arc<KeyRing>)>>);

impl KeyRing {
    fn new(stored: Vec<TokenKey>) -> Result<Self, AppError> {
        let mut ring = Self { signing: None, verifying: Vec::new() };
        for stored in stored {
            if let Some(private) = stored.private_key.map(Zeroizing::new) {
                let pair = RsaKeyPair::from_pkcs8(&private);
                let pair = pair.map_err(|_| AppError::internal("a stored token key cannot be read"))?;
                ring.signing = Some((stored.kid.clone(), pair));
            }
            let key = DecodingKey::from_rsa_components(&stored.modulus, EXPONENT);
            let key = key.map_err(|_| AppError::internal("a stored token key has no modulus"))?;
            let published = PublishedKey { kid: stored.kid, n: stored.modulus, e: EXPONENT };
            ring.verifying.push(Verifying { published, until: stored.published_until, key });
        }
        Ok(ring)
    }

    /// The key of this name, if tokens that it signed may still hold.
    pub(super) fn verifying(&self, kid: &str, now: Timestamp) -> Option<&DecodingKey> {
        let found = self.verifying.iter().find(|key| key.published.kid == kid && key.is_published(now));
        found.map(|key| &key.key)
    }

    /// A token with these claims, and one more parameter in its header.
    pub(super) fn sign(&self, parameter: &str, value: &str, claims: &Claims) -> Result<String, AppError> {
        let (kid, pair) = self.signing.as_ref().ok_or_else(|| AppError::internal("there is no token key"))?;
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": kid, parameter: value });
        let claims =
            serde_json::to_vec(claims).map_err(|_| AppError::internal("claims cannot be written"))?;
        let mut token = BASE64_URL_SAFE_NO_PAD.encode(header.to_string());
        token.push('.');
        token += &BASE64_URL_SAFE_NO_PAD.encode(claims);
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), token.as_bytes(), &mut signature)
            .map_err(|_| AppError::internal("a token could not be signed"))?;
        token.push('.');
        token += &BASE64_URL_SAFE_NO_PAD.encode(signature);
        Ok(token)
    }
}

impl Verifying {
    fn is_published(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

impl Guildhall {
    /// The keys that anyone may check our tokens by.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub async fn published_keys(&self) -> Result<Vec<PublishedKey>, AppError> {
        let (ring, now) = (self.signing_ring().await?, self.now());
        let published = ring.verifying.iter().filter(|key| key.is_published(now));
        Ok(published.map(|key| key.published.clone()).collect())
    }

    /// The keys as they are stored now.
    pub(crate) async fn key_ring(&self) -> Result<Arc<KeyRing>, AppError> {
        let version = self.store().authority_version().await?;
        if let Some((kept, ring)) = &*self.token_keys().0.read()
            && *kept == version
        {
            return Ok(Arc::clone(ring));
        }
        let stored = self
            .store()
            .read::<_, AppError, _>(|tx| Box::pin(async move { Ok(tx.token_keys().list().await?) }));
        let ring = Arc::new(KeyRing::new(stored.await?)?);
        *self.token_keys().0.write() = Some((version, Arc::clone(&ring)));
        Ok(ring)
    }

    /// As [`Guildhall::key_ring`]; the first time, with a key made for it.
    pub(crate) async fn signing_ring(&self) -> Result<Arc<KeyRing>, AppError> {
        let ring = self.key_ring().await?;
        if ring.signing.is_some() {
            return Ok(ring);
        }
        let fresh = generate(self.now()).await?;
        insert_if_none(self.store(), fresh).await?;
        self.key_ring().await
    }
}

/// Another node may have been first; then its key is everybody's.
async fn insert_if_none(store: &Store, fresh: TokenKey) -> Result<(), AppError> {
    let stored = store.write_aside::<_, AppError, _>(move |tx| {
        Box::pin(async move {
            tx.authority().lock().await?;
            let keys = tx.token_keys().list().await?;
            if keys.iter().any(|key| key.private_key.is_some()) {
                return Ok(());
            }
            insert(tx, &fresh).await
        })
    });
    stored.await
}

/// Stores a new key; memory of the old ones ends.
pub(super) async fn insert(tx: &mut Tx, key: &TokenKey) -> Result<(), AppError> {
    tx.token_keys().insert(key).await?;
    Ok(tx.authority().bump().await?)
}

/// A new key. Its randomness is the cryptographic library's own: a key made from anything that a test
/// can hold still would be worth nothing, and the library takes no other. Takes a good part of a
/// second, so it happens on a thread of its own.
pub(super) async fn generate(now: Timestamp) -> Result<TokenKey, AppError> {
    let failed = || AppError::internal("no token key could be made");
    let pair = tokio::task::spawn_blocking(|| RsaKeyPair::generate(KeySize::Rsa2048));
    let pair = pair.await.map_err(|_| failed())?.map_err(|_| failed())?;
    let private = pair.as_der().map_err(|_| failed())?;
    let modulus =
        BASE64_URL_SAFE_NO_PAD.encode(pair.public_key().modulus().big_endian_without_leading_zero());
    let kid = HashedKey::of(&modulus).as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(TokenKey {
        kid,
        private_key: Some(private.as_ref().to_vec()),
        modulus,
        created_at: now,
        retired_at: None,
        published_until: None,
    })
}

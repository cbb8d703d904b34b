//! Requests that are carried out once, however often they come: those with an `Idempotency-Key`.
//!
//! [`Guildhall::begin_once`] notes a request before it is carried out and tells what came of it if it was here
//! before; [`Guildhall::end_once`] keeps its answer. In between, the request is carried out under its
//! [`Turn`], so that each unit of work notes in its own transaction that it has written. See
//! `docs/idempotency.md`.
//!
//! Of a key and a request only hashes are stored, and the request's are made with the key, which we do not
//! keep: requests hold passwords, and a plain hash of one could be tried out. Answers hold tokens; they are
//! sealed with key and request together, which only the caller has.

use crate::error::AppError;
use crate::guildhall::Guildhall;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{digest, hmac};
use guildhall_domain::{Code, EnvironmentId, Timestamp};
use guildhall_store::{IdempotencyPlace, KeptAnswer, KeptRequest, Ticket, Tx};
use std::fmt::Write;
use std::sync::Arc;

/// The longest key that is taken, in bytes.
pub const KEY_BYTES_MAX: usize = 255;
/// The largest answer that is kept of a request that has changed something, in bytes. A member with all its
/// JSON is not as large.
pub const ANSWER_BYTES_MAX: usize = 2 * 1024 * 1024;
/// The largest answer that is kept of a request that has changed nothing: to ask it again does no harm, so
/// its answer is not worth much room.
pub const UNWRITTEN_ANSWER_BYTES_MAX: usize = 64 * 1024;
/// How long a key is kept.
const KEPT_US: i64 = 24 * 3600 * 1_000_000;
/// For how long whoever carries a request out is taken to be at it. Whoever takes longer than that can
/// store nothing any more once another has begun in its place.
const LEASE_US: i64 = 30_000_000;
/// Keys that are removed in one unit of work.
const REMOVED_AT_A_TIME: i64 = 1000;

/// Whose keys: the same key of two holders is two keys.
#[derive(Clone)]
pub struct Holder {
    environment: EnvironmentId,
    owner: Arc<str>,
}

impl Holder {
    pub(crate) fn new(environment: EnvironmentId, owner: &str) -> Self {
        Self { environment, owner: owner.into() }
    }

    /// Who presents a token. By the token and not by whose it is: a member that has just ended its session,
    /// or itself, may still ask what came of that.
    pub(crate) fn by_token(environment: EnvironmentId, token: &str) -> Self {
        let mut owner = "token:".to_owned();
        for byte in digest::digest(&digest::SHA256, token.as_bytes()).as_ref() {
            let _ = write!(owner, "{byte:02x}");
        }
        Self::new(environment, &owner)
    }
}

/// The text of the header. A secret of its sender; never shown.
pub struct IdempotencyKey<'h>(&'h [u8]);

impl<'h> IdempotencyKey<'h> {
    /// From a header's value.
    ///
    /// # Errors
    /// `IdempotencyKeyInvalid` if it is not 1 to 255 visible ASCII characters.
    pub fn presented(value: &'h [u8]) -> Result<Self, AppError> {
        let fits = (1..=KEY_BYTES_MAX).contains(&value.len()) && value.iter().all(u8::is_ascii_graphic);
        if fits { Ok(Self(value)) } else { Err(Code::IdempotencyKeyInvalid.into()) }
    }
}

/// What is asked.
#[derive(Clone, Copy)]
pub struct Asked<'r> {
    /// The HTTP method.
    pub method: &'r str,
    /// The path as it was sent.
    pub path: &'r str,
    /// The query as it was sent.
    pub query: &'r str,
    /// The body.
    pub body: &'r [u8],
}

/// An answer, as it goes over the wire.
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The type of the body, if it has one.
    pub content_type: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// What is to be done with a request that has a key.
pub enum Once {
    /// It is to be carried out.
    CarryOut(Turn),
    /// It was carried out; this was its answer.
    Replay(Answer),
}

/// Leave to carry a request out.
pub struct Turn {
    ticket: Ticket,
    seal: Seal,
}

impl Turn {
    /// Carries it out.
    pub async fn carry_out<T>(&self, request: impl Future<Output = T>) -> T {
        self.ticket.clone().carried_by(request).await
    }
}

impl Guildhall {
    /// Notes that a request with a key has come, or finds out what came of it.
    ///
    /// # Errors
    /// `IdempotencyKeyReused` if the key came with another request; `IdempotencyInFlight` if the request is
    /// being carried out; `IdempotencyAnswerLost` if it was and its answer is not known; `Busy`,
    /// `StoreUnavailable`.
    pub async fn begin_once(
        &self,
        holder: Holder,
        key: IdempotencyKey<'_>,
        asked: Asked<'_>,
    ) -> Result<Once, AppError> {
        let marks = Marks::of(&holder, &key, asked);
        let place = IdempotencyPlace {
            environment: holder.environment,
            owner: holder.owner,
            key_hash: marks.key_hash,
        };
        let mut attempt = [0; 8];
        self.chance().fill(&mut attempt);
        let ticket = Ticket::new(place, i64::from_be_bytes(attempt));
        let (noted, now) = (ticket.clone(), self.now());
        let found = self.store().write_aside::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let leased_until = now.plus_micros(LEASE_US);
                if tx.idempotency_keys().insert(&noted, &marks.request_hash, leased_until, now).await? {
                    return Ok(None);
                }
                // Gone between the two statements: whoever had it has just found that it wrote nothing.
                let kept = tx.idempotency_keys().find_locked(noted.place()).await?;
                let kept = kept.ok_or(Code::IdempotencyInFlight)?;
                if now < kept.created_at.plus_micros(KEPT_US) {
                    if kept.request_hash != marks.request_hash {
                        return Err(Code::IdempotencyKeyReused.into());
                    }
                    if let Some(answer) = answered(kept, now)? {
                        return Ok(Some(answer));
                    }
                }
                tx.idempotency_keys().take_over(&noted, &marks.request_hash, leased_until, now).await?;
                Ok(None)
            })
        });
        Ok(match found.await? {
            Some(kept) => Once::Replay(marks.seal.open(kept)?),
            None => Once::CarryOut(Turn { ticket, seal: marks.seal }),
        })
    }

    /// Keeps what a request was answered. A success is kept; of anything else, only what a request was
    /// told that has written, and not that something failed on our side. A request of which nothing is
    /// kept may come again, if it has not written. No answer stands for one that is too large to be kept.
    ///
    /// # Errors
    /// `Busy`, `StoreUnavailable`.
    pub async fn end_once(&self, turn: Turn, answer: Option<Answer>) -> Result<(), AppError> {
        let Turn { ticket, seal } = turn;
        let final_answer =
            answer.filter(|answer| answer.status < 500 && answer.body.len() <= ANSWER_BYTES_MAX);
        let kept = match final_answer {
            Some(answer) => {
                let even_unwritten =
                    (200..300).contains(&answer.status) && answer.body.len() <= UNWRITTEN_ANSWER_BYTES_MAX;
                let mut nonce = [0; NONCE_LEN];
                self.chance().fill(&mut nonce);
                Some((seal.close(answer, nonce)?, even_unwritten))
            }
            None => None,
        };
        let now = self.now();
        let ended = self.store().write_aside::<_, AppError, _>(move |tx| {
            Box::pin(async move { end(tx, &ticket, kept, now).await })
        });
        ended.await
    }

    /// Removes keys that have been kept long enough.
    ///
    /// # Errors
    /// `Busy`, `StoreUnavailable`.
    pub async fn clear_old_idempotency_keys(&self) -> Result<(), AppError> {
        let until = self.now().plus_micros(-KEPT_US);
        loop {
            let removed = self.store().write_aside::<_, AppError, _>(move |tx| {
                Box::pin(
                    async move { Ok(tx.idempotency_keys().delete_until(until, REMOVED_AT_A_TIME).await?) },
                )
            });
            if removed.await? < REMOVED_AT_A_TIME.unsigned_abs() {
                return Ok(());
            }
        }
    }
}

/// What a request that is known was answered; nothing if it may be carried out again.
fn answered(kept: KeptRequest, now: Timestamp) -> Result<Option<KeptAnswer>, AppError> {
    match kept {
        KeptRequest { answer: Some(answer), .. } => Ok(Some(answer)),
        kept if now < kept.leased_until => Err(Code::IdempotencyInFlight.into()),
        kept if kept.wrote => Err(answer_lost(kept.change.as_deref())),
        _ => Ok(None),
    }
}

/// Says what was done, so that who asks need not search for it.
fn answer_lost(change: Option<&str>) -> AppError {
    match change {
        Some(change) => AppError::because(
            Code::IdempotencyAnswerLost,
            format!("{} This was done: {change}.", Code::IdempotencyAnswerLost.message()),
        ),
        None => Code::IdempotencyAnswerLost.into(),
    }
}

async fn end(
    tx: &mut Tx,
    ticket: &Ticket,
    answer: Option<(KeptAnswer, bool)>,
    now: Timestamp,
) -> Result<(), AppError> {
    if let Some((answer, even_unwritten)) = answer
        && tx.idempotency_keys().answer(ticket, &answer, even_unwritten).await?
    {
        return Ok(());
    }
    if !tx.idempotency_keys().free(ticket).await? {
        // It has written, and will never be carried out again: whoever asks may be told at once.
        tx.idempotency_keys().end_lease(ticket, now).await?;
    }
    Ok(())
}

/// What is made of a key and a request.
struct Marks {
    key_hash: [u8; 32],
    request_hash: [u8; 32],
    seal: Seal,
}

impl Marks {
    fn of(holder: &Holder, key: &IdempotencyKey<'_>, asked: Asked<'_>) -> Self {
        let key_hash = digest::digest(&digest::SHA256, &[b"idempotency key\n", key.0].concat());
        let mut mark = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key.0));
        let query = without_key(asked.query);
        for part in
            [holder.owner.as_bytes(), asked.method.as_bytes(), asked.path.as_bytes(), query.as_bytes()]
        {
            // With its length, so that no two requests run together to the same bytes.
            mark.update(&(part.len() as u64).to_be_bytes());
            mark.update(part);
        }
        mark.update(asked.body);
        let secret = hmac::Key::new(hmac::HMAC_SHA256, mark.sign().as_ref());
        Self {
            key_hash: bytes(key_hash.as_ref()),
            request_hash: bytes(hmac::sign(&secret, b"request").as_ref()),
            seal: Seal(bytes(hmac::sign(&secret, b"answer").as_ref())),
        }
    }
}

/// The query without the caller's own key, which one dialect takes there. Whose request it is, the holder
/// says.
fn without_key(query: &str) -> String {
    let is_key = |pair: &&str| pair.split('=').next().is_some_and(|name| name == "api_key");
    let kept: Vec<_> = query.split('&').filter(|pair| !is_key(pair)).collect();
    kept.join("&")
}

fn bytes(hash: &[u8]) -> [u8; 32] {
    hash.try_into().expect("SHA-256 has 32 bytes")
}

/// Seals and opens answers to one request.
struct Seal([u8; 32]);

impl Seal {
    fn key(&self) -> Result<LessSafeKey, AppError> {
        let key = UnboundKey::new(&AES_256_GCM, &self.0);
        key.map(LessSafeKey::new).map_err(|_| AppError::internal("no key to seal an answer with"))
    }

    fn close(&self, answer: Answer, nonce: [u8; NONCE_LEN]) -> Result<KeptAnswer, AppError> {
        let Answer { status, content_type, mut body } = answer;
        let unique = Nonce::assume_unique_for_key(nonce);
        let sealed = self.key()?.seal_in_place_append_tag(unique, Aad::empty(), &mut body);
        sealed.map_err(|_| AppError::internal("an answer was not sealed"))?;
        body.extend_from_slice(&nonce);
        Ok(KeptAnswer { status: status.into(), content_type, body })
    }

    fn open(&self, kept: KeptAnswer) -> Result<Answer, AppError> {
        let broken = || AppError::internal("a kept answer cannot be opened");
        let KeptAnswer { status, content_type, mut body } = kept;
        let nonce = body.split_off(body.len().checked_sub(NONCE_LEN).ok_or_else(broken)?);
        let nonce = Nonce::try_assume_unique_for_key(&nonce).map_err(|_| broken())?;
        let opened = self.key()?.open_in_place(nonce, Aad::empty(), &mut body).map_err(|_| broken())?.len();
        body.truncate(opened);
        Ok(Answer { status: u16::try_from(status).map_err(|_| broken())?, content_type, body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(key: &str, asked: Asked<'_>) -> Marks {
        let holder = Holder::new(EnvironmentId::from_stored(1).expect("a number"), "key_a");
        Marks::of(&holder, &IdempotencyKey(key.as_bytes()), asked)
    }

    const ASKED: Asked<'static> = Asked { method: "POST", path: "/members", query: "", body: b"{}" };

    #[test]
    fn a_request_is_its_method_path_query_and_body() {
        let first = marks("k", ASKED);
        assert_eq!(first.request_hash, marks("k", ASKED).request_hash);
        for other in [
            Asked { method: "PUT", ..ASKED },
            Asked { path: "/member", query: "s", ..ASKED },
            Asked { query: "a=1", ..ASKED },
            Asked { body: b"{} ", ..ASKED },
        ] {
            assert_ne!(first.request_hash, marks("k", other).request_hash);
            assert_eq!(first.key_hash, marks("k", other).key_hash);
        }
        assert_ne!(
            first.request_hash,
            marks("l", ASKED).request_hash,
            "nothing can be tried out without the key"
        );
    }

    #[test]
    fn a_callers_key_in_the_query_is_no_part_of_the_request() {
        for (query, rest) in
            [("api_key=apst_x", ""), ("a=1&api_key=apst_x&b=2", "a=1&b=2"), ("api_keys=1", "api_keys=1")]
        {
            assert_eq!(without_key(query), rest);
        }
    }

    #[test]
    fn an_answer_opens_only_with_the_key_and_request_it_was_given_to() {
        let answer = || Answer { status: 200, content_type: None, body: b"token".to_vec() };
        let close = || marks("k", ASKED).seal.close(answer(), [7; NONCE_LEN]).expect("it is sealed");
        assert!(!close().body.windows(5).any(|part| part == b"token"));
        assert_eq!(marks("k", ASKED).seal.open(close()).expect("it opens").body, b"token");
        assert!(marks("l", ASKED).seal.open(close()).is_err());
        let nothing = KeptAnswer { status: 200, content_type: None, body: Vec::new() };
        assert!(marks("k", ASKED).seal.open(nothing).is_err());
    }

    #[test]
    fn a_key_is_visible_ascii_of_some_length() {
        let long = "k".repeat(KEY_BYTES_MAX);
        for good in ["a", "\"quoted\"", &long] {
            assert!(IdempotencyKey::presented(good.as_bytes()).is_ok());
        }
        for bad in ["", " ", "a b", "\u{e9}", "a\u{7f}", &format!("{long}k")] {
            assert!(IdempotencyKey::presented(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }
}

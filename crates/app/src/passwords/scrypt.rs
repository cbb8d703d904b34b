//! scrypt hashes (RFC 7914) from elsewhere. None are made here.

use super::{PasswordError, encoded};
use scrypt::Params;
use subtle::ConstantTimeEq;

/// The work memory, `N × r × 128`, in bytes.
const MEMORY_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// The work memory times `p`, which scrypt goes through one after another: some three seconds.
const WORK_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// `N` of the largest memory at the smallest `r`, as a power of two.
const LOG_N_MAX: u64 = 21;

/// A scrypt hash with all it takes to compute it again.
#[derive(Clone)]
pub(super) struct ScryptHash {
    params: Params,
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl ScryptHash {
    /// Reads the parts of `$scrypt$ln=17,r=8,p=1$salt$hash`.
    pub(super) fn parse(costs: &str, salt: &str, hash: &str) -> Result<Self, PasswordError> {
        let [log_n, r, p] = encoded::costs(costs, ["ln", "r", "p"])?;
        let log_n = encoded::required(log_n)?;
        let r = encoded::required(r)?;
        let p = encoded::required(p)?;
        encoded::at_most(log_n, LOG_N_MAX, "scrypt logarithm of N (ln)")?;
        // At most 2^32 × 2^7 × 2^21: no overflow.
        let memory = (u64::from(r) * 128) << log_n;
        encoded::at_most(memory, MEMORY_BYTES_MAX, "scrypt memory (N × r × 128, in bytes)")?;
        let work = memory.saturating_mul(p.into());
        encoded::at_most(work, WORK_BYTES_MAX, "scrypt memory times p (in bytes)")?;

        let params = u8::try_from(log_n)
            .ok()
            .and_then(|log_n| Params::new(log_n, r, p).ok())
            .ok_or(PasswordError::Malformed("its scrypt costs do not go together"))?;
        Ok(Self {
            params,
            salt: encoded::salt(salt, &encoded::PHC)?,
            output: encoded::hash(hash, &encoded::PHC)?,
        })
    }

    /// Whether this password makes this hash. Takes the memory of its parameters while it runs.
    pub(super) fn matches(&self, password: &[u8]) -> Result<bool, PasswordError> {
        let mut output = vec![0; self.output.len()];
        scrypt::scrypt(password, &self.salt, &self.params, &mut output).map_err(|_| PasswordError::Failed)?;
        Ok(output.ct_eq(&self.output).into())
    }
}

//! Argon2 (RFC 9106): how new hashes are made, and how ours and imported ones are recomputed.
//!
//! Parameters for new hashes stand here and nowhere else. Changing them is safe at any time: hashes
//! made before are still verified, and replaced as their owners sign in.

use super::{PasswordError, SALT_BYTES, encoded};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine;
use subtle::ConstantTimeEq;

/// Memory of a new hash, in KiB. With [`PASSES`] and [`LANES`] one of the choices that OWASP holds
/// for equally good; this one suits a small machine.
const MEMORY_KIB: u32 = 19_456;
/// How often a new hash goes over its memory.
const PASSES: u32 = 2;
/// How many lanes a new hash fills; they are computed one after another.
const LANES: u32 = 1;
/// Length of a new hash, in bytes.
const HASH_BYTES: usize = 32;

const MEMORY_KIB_MAX: u64 = 256 * 1024;
const PASSES_MAX: u64 = 64;
const LANES_MAX: u64 = 16;
/// Memory times passes, in KiB: some four seconds of one core.
const WORK_KIB_MAX: u64 = 4 * 1024 * 1024;

/// What one thread hashes in: as much as a new hash needs, taken at the first use and kept. A
/// larger imported hash gets memory of its own for the time of one job.
#[derive(Default)]
pub(super) struct Memory(Vec<Block>);

impl Memory {
    fn compute(
        &mut self,
        argon2: &Argon2<'_>,
        password: &[u8],
        salt: &[u8],
        output: &mut [u8],
    ) -> Result<(), PasswordError> {
        let outcome = if argon2.params().block_count() > MEMORY_KIB as usize {
            argon2.hash_password_into(password, salt, output)
        } else {
            // A block is one KiB.
            self.0.resize(MEMORY_KIB as usize, Block::new());
            argon2.hash_password_into_with_memory(password, salt, output, &mut self.0)
        };
        outcome.map_err(|_| PasswordError::Failed)
    }
}

/// An argon2 hash of any flavour with all it takes to compute it again.
#[derive(Clone)]
pub(super) struct Argon2Hash {
    algorithm: Algorithm,
    version: Version,
    params: Params,
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl Argon2Hash {
    /// Reads the parts of `$argon2id$v=19$m=19456,t=2,p=1$salt$hash`.
    pub(super) fn parse(
        algorithm: &str,
        version: &str,
        costs: &str,
        salt: &str,
        hash: &str,
    ) -> Result<Self, PasswordError> {
        let algorithm = match algorithm {
            "argon2d" => Algorithm::Argon2d,
            "argon2i" => Algorithm::Argon2i,
            _ => Algorithm::Argon2id,
        };
        let version = match version {
            "v=16" => Version::V0x10,
            "v=19" => Version::V0x13,
            _ => return Err(PasswordError::Malformed("its argon2 version is not 16 or 19")),
        };
        let [memory, passes, lanes] = encoded::costs(costs, ["m", "t", "p"])?;
        let memory = encoded::required(memory)?;
        let passes = encoded::required(passes)?;
        let lanes = encoded::required(lanes)?;
        encoded::at_most(memory, MEMORY_KIB_MAX, "argon2 memory (m, in KiB)")?;
        encoded::at_most(passes, PASSES_MAX, "argon2 passes (t)")?;
        encoded::at_most(lanes, LANES_MAX, "argon2 lanes (p)")?;
        let work = u64::from(memory) * u64::from(passes);
        encoded::at_most(work, WORK_KIB_MAX, "argon2 memory times passes (m × t, in KiB)")?;

        let salt = encoded::salt(salt, &encoded::PHC)?;
        if salt.len() < argon2::MIN_SALT_LEN {
            return Err(PasswordError::Malformed("its argon2 salt is shorter than 8 bytes"));
        }
        let output = encoded::hash(hash, &encoded::PHC)?;
        let params = Params::new(memory, passes, lanes, Some(output.len()))
            .map_err(|_| PasswordError::Malformed("its argon2 memory is below 8 KiB per lane"))?;
        Ok(Self { algorithm, version, params, salt, output })
    }

    /// A new hash.
    pub(super) fn create(
        password: &[u8],
        salt: [u8; SALT_BYTES],
        memory: &mut Memory,
    ) -> Result<Self, PasswordError> {
        let mut hash = Self::blank(salt)?;
        let mut output = vec![0; HASH_BYTES];
        memory.compute(&hash.argon2(), password, &hash.salt, &mut output)?;
        hash.output = output;
        Ok(hash)
    }

    /// A hash made as new ones are, which no password is known to meet. Comparing with it takes
    /// exactly the time of comparing with a real one.
    pub(super) fn blank(salt: [u8; SALT_BYTES]) -> Result<Self, PasswordError> {
        let params =
            Params::new(MEMORY_KIB, PASSES, LANES, Some(HASH_BYTES)).map_err(|_| PasswordError::Failed)?;
        Ok(Self {
            algorithm: Algorithm::Argon2id,
            version: Version::V0x13,
            params,
            salt: salt.to_vec(),
            output: vec![0; HASH_BYTES],
        })
    }

    /// Whether it is made as new ones are.
    pub(super) fn is_current(&self) -> bool {
        self.algorithm == Algorithm::Argon2id
            && self.version == Version::V0x13
            && self.params.m_cost() == MEMORY_KIB
            && self.params.t_cost() == PASSES
            && self.params.p_cost() == LANES
            && self.salt.len() >= SALT_BYTES
            && self.output.len() == HASH_BYTES
    }

    /// Whether this password makes this hash.
    pub(super) fn matches(&self, password: &[u8], memory: &mut Memory) -> Result<bool, PasswordError> {
        let mut output = vec![0; self.output.len()];
        memory.compute(&self.argon2(), password, &self.salt, &mut output)?;
        Ok(output.ct_eq(&self.output).into())
    }

    /// The PHC string.
    pub(super) fn encode(&self) -> String {
        format!(
            "${}$v={}$m={},t={},p={}${}${}",
            self.algorithm.as_str(),
            u32::from(self.version),
            self.params.m_cost(),
            self.params.t_cost(),
            self.params.p_cost(),
            encoded::PHC.encode(&self.salt),
            encoded::PHC.encode(&self.output),
        )
    }

    fn argon2(&self) -> Argon2<'static> {
        Argon2::new(self.algorithm, self.version, self.params.clone())
    }
}

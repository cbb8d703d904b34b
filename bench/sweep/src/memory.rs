//! What of this process is in memory, as the kernel counts it.

use crate::Outcome;

/// A look at it.
#[derive(Clone, Copy)]
pub struct Memory {
    /// All of it, pages of mapped files among them.
    pub resident_mib: u64,
    /// The process's own.
    pub anonymous_mib: u64,
}

impl Memory {
    /// As it is now.
    pub fn now() -> Outcome<Self> {
        let status = std::fs::read_to_string("/proc/self/status")?;
        let mib = |name: &str| -> Outcome<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or("a line is missing")?;
            let kib: u64 = line.trim_start_matches(':').trim().trim_end_matches(" kB").parse()?;
            Ok(kib / 1024)
        };
        Ok(Self { resident_mib: mib("VmRSS")?, anonymous_mib: mib("RssAnon")? })
    }
}

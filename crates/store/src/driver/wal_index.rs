//! A cheap look at whether anything was committed, by any process.
//!
//! Every commit rewrites the header of SQLite's WAL index (the `-shm` file, format documented at
//! sqlite.org/walformat.html): two copies of 48 bytes, written one after the other. If both are
//! as they were, nothing was committed. Reading them costs one system call; asking the database
//! costs a read transaction.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Both copies of the header.
pub(super) type Stamp = [u8; 96];

pub(super) struct WalIndex(Option<File>);

impl WalIndex {
    /// Of an open database in WAL mode. If the index cannot be opened there is no stamp, and
    /// callers ask the database each time.
    pub(super) fn of(database: &Path) -> Self {
        let mut name = database.as_os_str().to_owned();
        name.push("-shm");
        Self(File::open(name).ok())
    }

    pub(super) fn stamp(&self) -> Option<Stamp> {
        let mut stamp = [0; 96];
        self.0.as_ref()?.read_exact_at(&mut stamp, 0).ok()?;
        Some(stamp)
    }
}

//! Keeps the database file mapped into memory from one commit to the next, and fetches a page's bytes ahead of their use.
//!
//! SQLite reads through a mapping of the file (`mmap_size`). Whenever another connection has committed, it asks its VFS to take
//! the mapping away, since elsewhere a mapping may not follow a file that was cut and grown again. Here that makes every
//! reader map hundreds of megabytes anew after each commit and meet a page fault for each page it touches. A shared mapping on
//! Linux does follow its file, so this VFS, the system's own in all else, keeps it until the file is shorter, or a good deal longer,
//! than what is mapped; what lies beyond is read as SQLite reads files that are not mapped.
//!
//! A page of SQLite is searched by halving, each step of which waits for memory if the page is not in the processor's caches.
//! Asking for all of the page at once makes that one wait.
//!
//! The file must lie on a file system of this machine, as SQLite's log asks for anyway: over a network a mapping need not follow its file.
//!
//! This is the only place with `unsafe` in it: the interface is C's. It owns no memory but the two tables that it registers,
//! which live as long as the process; nothing in it may panic, because C cannot be unwound through.
#![allow(unsafe_code)]

use rusqlite::ffi;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::OnceLock;

/// What SQLite knows this VFS by.
const NAME: &CStr = c"guildhall";
/// A file that has grown by less than this part of it is not mapped anew.
const GROWTH: i64 = 16;
/// Bytes that the processor fetches at a time.
const LINE: usize = 64;

/// The system's VFS.
struct System(*mut ffi::sqlite3_vfs);
// SAFETY: SQLite's own list of registered VFSs is all that is ever written in it, under SQLite's mutex; we only read.
unsafe impl Send for System {}
// SAFETY: as above.
unsafe impl Sync for System {}

/// The system's methods for a database file and those that stand before them.
struct Methods {
    system: *const ffi::sqlite3_io_methods,
    ours: ffi::sqlite3_io_methods,
}
// SAFETY: both are tables of functions that nobody writes to.
unsafe impl Send for Methods {}
// SAFETY: as above.
unsafe impl Sync for Methods {}

static SYSTEM: OnceLock<Option<System>> = OnceLock::new();
static METHODS: OnceLock<Methods> = OnceLock::new();

/// The name to open a database with; nothing if the system's VFS is not as expected, and is to be used as it is.
pub(super) fn vfs() -> Option<&'static CStr> {
    SYSTEM.get_or_init(register).as_ref().map(|_| NAME)
}

/// Registers our VFS; gives the system's.
fn register() -> Option<System> {
    // SAFETY: finds the default VFS, which lives as long as the process, after starting SQLite if nobody has.
    let system = unsafe {
        if ffi::sqlite3_initialize() != ffi::SQLITE_OK {
            return None;
        }
        ffi::sqlite3_vfs_find(std::ptr::null())
    };
    // SAFETY: it is null or valid, and is only read.
    let mut ours = *unsafe { system.as_ref() }?;
    ours.xOpen?;
    ours.szOsFile = c_int::try_from(place_of_mapped(ours.szOsFile) + size_of::<i64>()).ok()?;
    ours.zName = NAME.as_ptr();
    ours.pNext = std::ptr::null_mut();
    ours.xOpen = Some(open);
    // SAFETY: the table lives as long as the process, and is SQLite's from here on.
    let registered = unsafe { ffi::sqlite3_vfs_register(Box::into_raw(Box::new(ours)), 0) };
    (registered == ffi::SQLITE_OK).then_some(System(system))
}

fn system() -> Option<*mut ffi::sqlite3_vfs> {
    SYSTEM.get()?.as_ref().map(|system| system.0)
}

/// Behind what the system's VFS keeps of a file lies how much of it is mapped.
fn place_of_mapped(system_bytes: c_int) -> usize {
    (system_bytes.max(0) as usize).next_multiple_of(align_of::<i64>())
}

/// How many bytes of a file were mapped when it was mapped; 0 if it is not.
///
/// # Safety
/// The file was opened by [`open`] and is used by one thread at a time, as SQLite does.
unsafe fn mapped<'f>(file: *mut ffi::sqlite3_file) -> Option<&'f mut i64> {
    let system = system()?;
    // SAFETY: SQLite gave the file `szOsFile` bytes, aligned to 8, of which these are the last.
    unsafe {
        let place = place_of_mapped((*system).szOsFile);
        file.cast::<u8>().add(place).cast::<i64>().as_mut()
    }
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    flags_out: *mut c_int,
) -> c_int {
    let Some(system) = system() else { return ffi::SQLITE_CANTOPEN };
    // SAFETY: everything is handed on as SQLite gave it to us, to the VFS whose function this is.
    let opened = unsafe {
        let Some(system_open) = (*system).xOpen else { return ffi::SQLITE_CANTOPEN };
        system_open(system, name, file, flags, flags_out)
    };
    if opened == ffi::SQLITE_OK && flags & ffi::SQLITE_OPEN_MAIN_DB != 0 {
        // SAFETY: the file is open, so its methods are set, to a table that lives as long as the process.
        unsafe { stand_before(file) };
    }
    opened
}

/// Puts our methods before those of a file that can be mapped.
///
/// # Safety
/// The file was just opened.
unsafe fn stand_before(file: *mut ffi::sqlite3_file) {
    // SAFETY: as the caller says.
    unsafe {
        let system = (*file).pMethods;
        let Some(table) = system.as_ref() else { return };
        if table.iVersion < 3 || table.xFetch.is_none() || table.xUnfetch.is_none() {
            return;
        }
        let methods = METHODS.get_or_init(|| {
            let ours = ffi::sqlite3_io_methods { xFetch: Some(fetch), xUnfetch: Some(unfetch), ..*table };
            Methods { system, ours }
        });
        // Files that are locked in another way have other methods: those are left alone.
        if !std::ptr::eq(methods.system, system) {
            return;
        }
        if let Some(mapped) = mapped(file) {
            *mapped = 0;
            (*file).pMethods = &raw const methods.ours;
        }
    }
}

/// The length of a file; less than nothing if it cannot be told.
///
/// # Safety
/// The file is open with our methods.
unsafe fn length(file: *mut ffi::sqlite3_file) -> i64 {
    let mut bytes = -1;
    // SAFETY: as the caller says; the function is the system's own.
    let told = unsafe {
        METHODS.get().and_then(|methods| methods.ours.xFileSize).map(|size| size(file, &mut bytes))
    };
    if told == Some(ffi::SQLITE_OK) { bytes } else { -1 }
}

unsafe extern "C" fn fetch(
    file: *mut ffi::sqlite3_file,
    offset: ffi::sqlite3_int64,
    bytes: c_int,
    page: *mut *mut c_void,
) -> c_int {
    let Some(methods) = METHODS.get() else { return ffi::SQLITE_IOERR };
    // SAFETY: handed on as it came; the file is open with our methods, and a page that is not null has `bytes` bytes.
    unsafe {
        let Some(system_fetch) = (*methods.system).xFetch else { return ffi::SQLITE_IOERR };
        let fetched = system_fetch(file, offset, bytes, page);
        if fetched == ffi::SQLITE_OK && !(*page).is_null() {
            if let Some(mapped) = mapped(file).filter(|mapped| **mapped == 0) {
                *mapped = length(file).max(0);
            }
            fetch_ahead((*page).cast(), bytes.max(0) as usize);
        }
        fetched
    }
}

unsafe extern "C" fn unfetch(
    file: *mut ffi::sqlite3_file,
    offset: ffi::sqlite3_int64,
    page: *mut c_void,
) -> c_int {
    let Some(methods) = METHODS.get() else { return ffi::SQLITE_IOERR };
    // SAFETY: handed on as it came; the file is open with our methods.
    unsafe {
        if page.is_null()
            && let Some(mapped) = mapped(file)
            && *mapped > 0
        {
            let now = length(file);
            if now >= *mapped && now - *mapped <= *mapped / GROWTH {
                return ffi::SQLITE_OK;
            }
            *mapped = 0;
        }
        let Some(system_unfetch) = (*methods.system).xUnfetch else { return ffi::SQLITE_IOERR };
        system_unfetch(file, offset, page)
    }
}

/// Asks the processor for all of a page. A hint: it reads nothing, so it may name any address.
#[cfg(target_arch = "x86_64")]
fn fetch_ahead(page: *const i8, bytes: usize) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    for line in (0..bytes).step_by(LINE) {
        // SAFETY: a prefetch of any address is defined to do nothing but fetch, or nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(page.wrapping_add(line)) };
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn fetch_ahead(_: *const i8, _: usize) {
    let _ = LINE;
}

#[cfg(test)]
mod tests {
    use crate::driver::sqlite::connect_to_write;
    use crate::driver::sqlite::open::connect;
    use rusqlite::Connection;
    use std::path::Path;

    /// Where this process has a file mapped: one range of addresses for each connection that reads it.
    fn mappings(file: &Path) -> Vec<String> {
        let maps = std::fs::read_to_string("/proc/self/maps").expect("this process's mappings");
        let name = file.to_str().expect("a path of text");
        let of_file = maps.lines().filter(|line| line.split_whitespace().last() == Some(name));
        of_file.filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect()
    }

    fn add(writer: &Connection, rows: u32) {
        let sql = format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
            INSERT INTO t (text) SELECT hex(randomblob(500)) FROM n; PRAGMA wal_checkpoint(PASSIVE)"
        );
        writer.execute_batch(&sql).expect("rows are added");
    }

    fn count(reader: &Connection) -> i64 {
        let sql = "SELECT COUNT(*) FROM t WHERE length(text) = 1000";
        reader.query_row(sql, [], |row| row.get(0)).expect("rows are counted")
    }

    #[test]
    fn a_reader_keeps_its_mapping_and_misses_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("mapped.db");
        let writer = connect_to_write(&file).expect("it opens");
        writer.execute_batch("CREATE TABLE t (number INTEGER PRIMARY KEY, text TEXT)").expect("a table");
        add(&writer, 2_000);
        let the_writers = mappings(&file);
        let reader = connect(&file).expect("it opens");
        assert_eq!(count(&reader), 2_000);
        let own: Vec<_> = mappings(&file).into_iter().filter(|range| !the_writers.contains(range)).collect();
        assert_eq!(own.len(), 1, "the file is mapped once more");

        // A commit, and a little growth: the same mapping, and what was added behind it is read all the same.
        add(&writer, 50);
        assert_eq!(count(&reader), 2_050);
        assert!(mappings(&file).contains(&own[0]), "the mapping went with a commit");

        // Much growth: mapped anew.
        add(&writer, 20_000);
        assert_eq!(count(&reader), 22_050);
        assert!(!mappings(&file).contains(&own[0]), "most of the file is not mapped");

        // Cut short.
        writer.execute_batch("DELETE FROM t WHERE number > 100").expect("rows are deleted");
        writer
            .execute_batch("PRAGMA wal_checkpoint(TRUNCATE); VACUUM; PRAGMA wal_checkpoint(TRUNCATE)")
            .expect("it is cut");
        assert_eq!(count(&reader), 100);
        add(&writer, 3_000);
        assert_eq!(count(&reader), 3_100);
    }

    #[test]
    fn two_readers_of_one_file_have_a_mapping_each() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("mapped.db");
        let writer = connect_to_write(&file).expect("it opens");
        writer.execute_batch("CREATE TABLE t (number INTEGER PRIMARY KEY, text TEXT)").expect("a table");
        let readers = [connect(&file).expect("it opens"), connect(&file).expect("it opens")];
        for round in 1..=40 {
            add(&writer, 100);
            assert!(readers.iter().all(|reader| count(reader) == i64::from(round) * 100), "in round {round}");
        }
    }
}

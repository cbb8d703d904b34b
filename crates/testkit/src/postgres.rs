//! A throw-away PostgreSQL cluster.
//!
//! Tests share one cluster and get a database each; the crash tests start their own. A cluster
//! lives in a temporary folder, listens on a free port of 127.0.0.1, and ends with the test
//! process however that ends: a watching shell holds the read end of a pipe and stops the server
//! when the pipe closes.

use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Gives tests the URL of a running cluster instead of starting one.
const URL_VARIABLE: &str = "GUILDHALL_TEST_POSTGRES_URL";
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// Whether a cluster survives a crash, or is quick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// As in production: a commit is on disk.
    Durable,
    /// Nothing is flushed; for tests that do not crash it.
    Fast,
}

/// A running cluster, or the URL of one that somebody else runs.
pub struct Cluster {
    admin_url: String,
    own: Option<Own>,
}

struct Own {
    folder: TempDir,
    port: u16,
    durability: Durability,
    guard: Option<Child>,
}

/// A database in a cluster.
pub struct Database {
    url: String,
}

impl Database {
    /// `postgres://user@127.0.0.1:port/name`
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Cluster {
    /// The cluster that all tests of this process share.
    pub fn shared() -> &'static Cluster {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(|| match std::env::var(URL_VARIABLE) {
            Ok(admin_url) => Cluster { admin_url, own: None },
            Err(_) => Cluster::start_own(Durability::Fast),
        })
    }

    /// A cluster for one test.
    pub fn start_own(durability: Durability) -> Self {
        let folder = tempfile::Builder::new().prefix("guildhall-pg-").tempdir().expect("a temporary folder");
        give_to_server_user(folder.path());
        let data = folder.path().join("data");
        let mut initdb = as_server_user(&program("initdb"));
        initdb.args([
            "--auth=trust",
            "--username=guildhall",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "-D",
        ]);
        let made = initdb.arg(&data).output().expect("initdb can be run");
        assert!(made.status.success(), "initdb failed: {}", String::from_utf8_lossy(&made.stderr));
        let mut own = Own { folder, port: free_port(), durability, guard: None };
        own.start();
        let admin_url = format!("postgres://guildhall@127.0.0.1:{}/postgres", own.port);
        Self { admin_url, own: Some(own) }
    }

    /// Makes an empty database. The cluster's end is its end.
    pub fn create_database(&self) -> Database {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{number}", std::process::id());
        self.run_sql(&format!("CREATE DATABASE {name}"));
        let (base, _) = self.admin_url.rsplit_once('/').expect("the URL names a database");
        Database { url: format!("{base}/{name}") }
    }

    /// Runs a statement as the cluster's administrator.
    pub fn run_sql(&self, sql: &str) {
        let ran = Command::new(program("psql"))
            .args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--command", sql, &self.admin_url])
            .output()
            .expect("psql can be run");
        assert!(ran.status.success(), "psql failed: {}", String::from_utf8_lossy(&ran.stderr));
    }

    /// Kills every process of the server at once, as a power cut would.
    pub fn kill_9(&mut self) {
        self.own.as_mut().expect("only an own cluster can be killed").stop();
    }

    /// Starts the server again on the same data and port.
    pub fn restart(&mut self) {
        self.own.as_mut().expect("only an own cluster can be restarted").start();
    }
}

impl Own {
    fn start(&mut self) {
        let data = self.folder.path().join("data");
        let mut options = format!(
            "exec {} -D {} -p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
             -c max_connections=300 -c shared_buffers=32MB -c log_min_messages=log",
            program("postgres").display(),
            data.display(),
            self.port
        );
        if self.durability == Durability::Fast {
            options += " -c fsync=off -c synchronous_commit=off -c full_page_writes=off";
        }
        // The shell leads a process group of its own. It starts the server, waits for its standard
        // input to close (which happens when the test process ends), stops the server at once and
        // takes the folder away.
        let folder = self.folder.path().display();
        let script = format!(
            "({options}) </dev/null 2>'{folder}/log' & cat >/dev/null; kill -QUIT $!; wait $!; rm -rf '{folder}'"
        );
        let mut guard = as_server_user(Path::new("sh"));
        guard.args(["-c", &script]).process_group(0).stdin(Stdio::piped());
        let guard = guard.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a shell can be run");
        self.guard = Some(guard);
        self.wait_until_ready();
    }

    fn wait_until_ready(&self) {
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            let ready = Command::new(program("pg_isready"))
                .args(["--quiet", "--host=127.0.0.1", "--timeout=5", &format!("--port={}", self.port)])
                .status();
            if ready.is_ok_and(|status| status.success()) {
                return;
            }
            let log = || std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "PostgreSQL did not start: {}", log());
            std::thread::yield_now();
        }
    }

    /// Kills the guard first, so that it does not take the folder away, and then every process of
    /// the server. They are found by their working directory, which is the data folder: backends
    /// lead sessions of their own, and one that outlives the postmaster keeps a new one from starting.
    fn stop(&mut self) {
        let Some(mut guard) = self.guard.take() else { return };
        let group = format!("-{}", guard.id());
        let _ = Command::new("kill").args(["-9", "--", &group]).output();
        let _ = guard.wait();
        let data = self.folder.path().join("data");
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            let left = processes_in(&data);
            if left.is_empty() {
                // A zombie that nobody has reaped yet still owns its number, and the server would
                // take it for another one at work.
                let _ = std::fs::remove_file(data.join("postmaster.pid"));
                return;
            }
            assert!(Instant::now() < deadline, "PostgreSQL's processes did not end");
            let _ = Command::new("kill").arg("-9").args(&left).output();
        }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The processes whose working directory is this one. What is ending has none any more.
fn processes_in(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let there = entries.filter(|entry| {
        std::fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(directory))
    });
    there.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// A program of the newest PostgreSQL that is installed.
fn program(name: &str) -> PathBuf {
    let mut folders: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.flatten().map(|entry| entry.path().join("bin")).collect())
        .unwrap_or_default();
    folders.sort();
    let found = folders.iter().rev().map(|folder| folder.join(name)).find(|path| path.exists());
    found.unwrap_or_else(|| PathBuf::from(name))
}

/// PostgreSQL refuses to run as root; then it runs as the account that Debian's package makes.
fn as_server_user(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
    command.current_dir("/tmp");
    command
}

fn give_to_server_user(folder: &Path) {
    if is_root() {
        let given = Command::new("chown").arg("postgres:postgres").arg(folder).status();
        assert!(
            given.is_ok_and(|status| status.success()),
            "the account `postgres` is missing: install Debian's package `postgresql`"
        );
    }
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0)
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it has an address").port()
}

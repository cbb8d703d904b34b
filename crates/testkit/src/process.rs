//! The real binary, from outside: its commands, and the server as a process that can be told to
//! stop or be killed.

use crate::engine::Engine;
use crate::postgres::Cluster;
use parking_lot::Mutex;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const START_TIMEOUT: Duration = Duration::from_secs(60);
const STOP_TIMEOUT: Duration = Duration::from_secs(60);

/// A place for one installation, empty at first: a data directory of its own and, for PostgreSQL,
/// a database of its own. Gone when dropped.
pub struct Place {
    binary: PathBuf,
    folder: TempDir,
    database_url: Option<String>,
}

impl Place {
    /// On either engine; PostgreSQL in the cluster that all tests share.
    pub fn new(binary: impl Into<PathBuf>, engine: Engine) -> Self {
        let url = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(Cluster::shared().create_database().url().to_owned()),
        };
        Self::with_database(binary, url)
    }

    /// On the PostgreSQL database with this URL, or on SQLite.
    pub fn with_database(binary: impl Into<PathBuf>, database_url: Option<String>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        Self { binary: binary.into(), folder, database_url }
    }

    /// The data directory, which does not exist before the first start.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The file of an SQLite database.
    pub fn database_file(&self) -> PathBuf {
        self.data_dir().join("guildhall.db")
    }

    /// The URL of a PostgreSQL database.
    pub fn database_url(&self) -> Option<&str> {
        self.database_url.as_deref()
    }

    /// A file beside the data directory, in the working directory of everything that is run.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn environment(&self) -> Vec<(&str, &str)> {
        self.database_url().map(|url| ("GUILDHALL_DATABASE_URL", url)).into_iter().collect()
    }

    /// Starts the server and waits until it is ready.
    pub fn start(&self, flags: &[&str]) -> Process {
        Process::start(&self.binary, &self.data_dir(), flags, &self.environment())
    }

    /// Runs a command to its end.
    pub fn run(&self, args: &[&str]) -> Ran {
        self.run_with(args, &[], "")
    }

    /// Runs a command to its end, with more environment variables and this on its standard input.
    pub fn run_with(&self, args: &[&str], environment: &[(&str, &str)], input: &str) -> Ran {
        let mut command = command(&self.binary, &self.data_dir());
        command.args(args).envs(self.environment()).envs(environment.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary can be run");
        let mut stdin = child.stdin.take().expect("standard input is a pipe");
        // A command that reads nothing may be gone already.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        let output = child.wait_with_output().expect("the command ends");
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs a command with `--json`, which must succeed, and returns what it printed.
    pub fn json(&self, args: &[&str]) -> Value {
        self.run(&[args, &["--json"]].concat()).json()
    }
}

/// A command that ended.
#[derive(Debug)]
pub struct Ran {
    /// The exit code; -1 if a signal ended it.
    pub code: i32,
    /// What it printed.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
}

impl Ran {
    /// The one JSON value that it printed; it must have succeeded.
    pub fn json(&self) -> Value {
        assert_eq!(self.code, 0, "{self:?}");
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("JSON expected: {self:?}"))
    }
}

/// The binary with a data directory, and with nothing of the environment's settings.
fn command(binary: &Path, data_dir: &Path) -> Command {
    let mut command = Command::new(binary);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("GUILDHALL_") {
            command.env_remove(name);
        }
    }
    command.env("GUILDHALL_DATA_DIR", data_dir);
    command.current_dir(data_dir.parent().expect("a data directory lies in a folder"));
    command
}

/// A running server. Killed when dropped.
pub struct Process {
    child: Child,
    address: SocketAddr,
    stdout: Captured,
    stderr: Captured,
}

impl Process {
    /// Starts `guildhall serve` on a free port and waits until `/readyz` says that it is ready.
    ///
    /// # Panics
    /// If it is not ready within a minute or ends before, with all it printed.
    pub fn start(binary: &Path, data_dir: &Path, flags: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = command(binary, data_dir);
        // The system picks the port, so that no other process can take it in between.
        command.args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json"]).args(flags);
        command.envs(environment.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary can be run");
        let stdout = Captured::of(child.stdout.take().expect("standard output is a pipe"));
        let stderr = Captured::of(child.stderr.take().expect("standard error is a pipe"));
        let mut process = Self { child, address: SocketAddr::from(([127, 0, 0, 1], 0)), stdout, stderr };
        process.address = process.wait_for("address in the log", |process| address_in(&process.stderr()));
        process.wait_for("readiness", |process| is_ready(process.address).then_some(()));
        process
    }

    fn wait_for<T>(&mut self, what: &str, look: impl Fn(&Self) -> Option<T>) -> T {
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            let ended = self.child.try_wait().expect("the process can be asked");
            assert!(ended.is_none(), "the server ended with {ended:?}: {}", self.output());
            assert!(Instant::now() < deadline, "no {what} within {START_TIMEOUT:?}: {}", self.output());
            std::thread::yield_now();
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://` and where it listens, with this path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Kills it with SIGKILL and waits for its end.
    pub fn kill_9(&mut self) {
        self.child.kill().expect("the process can be killed");
        self.child.wait().expect("the process ends");
    }

    /// Sends SIGTERM and does not wait.
    pub fn ask_to_stop(&self) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(sent.is_ok_and(|status| status.success()), "SIGTERM can be sent");
    }

    /// Waits for its end and returns the exit code; -1 if a signal ended it.
    pub fn wait(&mut self) -> i32 {
        let deadline = Instant::now() + STOP_TIMEOUT;
        loop {
            if let Some(status) = self.child.try_wait().expect("the process can be asked") {
                self.stdout.finish();
                self.stderr.finish();
                return status.code().unwrap_or(-1);
            }
            assert!(Instant::now() < deadline, "no end within {STOP_TIMEOUT:?}: {}", self.output());
            std::thread::yield_now();
        }
    }

    /// Sends SIGTERM, waits for its end and returns the exit code.
    pub fn terminate(&mut self) -> i32 {
        self.ask_to_stop();
        self.wait()
    }

    /// What it has printed so far on standard output.
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// What it has printed so far on standard error: the log.
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// All it has printed so far.
    pub fn output(&self) -> String {
        self.stdout() + &self.stderr()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What comes out of a pipe, read by a thread so that the writer never waits.
struct Captured {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Captured {
    fn of(mut pipe: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&bytes);
        let reader = std::thread::spawn(move || {
            let mut part = [0; 8192];
            while let Ok(read @ 1..) = pipe.read(&mut part) {
                into.lock().extend_from_slice(&part[..read]);
            }
        });
        Self { bytes, reader: Some(reader) }
    }

    fn finish(&mut self) {
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock()).into_owned()
    }
}

/// The address that the log says the server listens on.
fn address_in(log: &str) -> Option<SocketAddr> {
    let line = log.lines().find(|line| line.contains("\"listening\""))?;
    let (_, rest) = line.split_once("\"address\":\"")?;
    rest.split_once('"')?.0.parse().ok()
}

fn is_ready(address: SocketAddr) -> bool {
    let asked = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(START_TIMEOUT))?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    asked().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

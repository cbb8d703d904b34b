//! The real binary as a process of its own, for tests from outside.

use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const START_TIMEOUT: Duration = Duration::from_secs(30);

/// An installation that the binary runs on: where its data is.
#[derive(Clone)]
pub struct Installation {
    /// The binary.
    pub binary: PathBuf,
    /// The data directory.
    pub data_dir: PathBuf,
    /// The PostgreSQL database, if it is one.
    pub database_url: Option<String>,
}

impl Installation {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(arguments).arg("--data-dir").arg(&self.data_dir).env_remove("GUILDHALL_DATABASE_URL");
        if let Some(url) = &self.database_url {
            command.args(["--database-url", url]);
        }
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).stdin(Stdio::null()).output().expect("the binary can be run")
    }

    /// Runs a command with `--json` that must succeed, and reads what it prints.
    pub fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let output = self.run(&[arguments, &["--json"]].concat());
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?} failed: {errors}");
        serde_json::from_slice(&output.stdout).expect("commands print JSON")
    }

    /// Starts a server on a free port and waits until it is ready.
    pub fn serve(&self, more: &[&str]) -> Process {
        let port = free_port();
        let address = format!("127.0.0.1:{port}");
        let mut command = self.command(&[&["serve", "--listen", &address], more].concat());
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.expect("the binary can be run");
        let printed = Arc::new(Mutex::new(Vec::new()));
        let readers = vec![
            collect(child.stdout.take().expect("piped"), Arc::clone(&printed)),
            collect(child.stderr.take().expect("piped"), Arc::clone(&printed)),
        ];
        let mut process = Process { child, url: format!("http://{address}"), printed, readers };
        process.wait_until_ready(&address);
        process
    }
}

/// A running server.
pub struct Process {
    child: Child,
    /// Where it answers, without a slash at the end.
    pub url: String,
    printed: Arc<Mutex<Vec<u8>>>,
    readers: Vec<JoinHandle<()>>,
}

impl Process {
    /// Ends it as a power cut would.
    pub fn kill_9(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }

    /// Asks it to stop; tells how it ended and everything it printed.
    pub fn terminate(mut self) -> (ExitStatus, String) {
        let pid = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(asked.is_ok_and(|status| status.success()), "the signal was sent");
        let status = self.child.wait().expect("it ends");
        for reader in self.readers.drain(..) {
            reader.join().expect("its output was read");
        }
        let printed = self.printed.lock().expect("no panic").clone();
        (status, String::from_utf8_lossy(&printed).into_owned())
    }

    fn wait_until_ready(&mut self, address: &str) {
        let deadline = Instant::now() + START_TIMEOUT;
        while !is_ready(address) {
            let ended = self.child.try_wait().expect("it can be asked");
            let printed = self.printed.lock().expect("no panic").clone();
            let printed = String::from_utf8_lossy(&printed);
            assert!(ended.is_none() && Instant::now() < deadline, "the server did not start: {printed}");
            std::thread::yield_now();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_ready(address: &str) -> bool {
    use std::io::Write;
    let Ok(mut stream) = std::net::TcpStream::connect(address) else { return false };
    let request = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let mut answer = String::new();
    stream.write_all(request).is_ok()
        && stream.read_to_string(&mut answer).is_ok()
        && answer.starts_with("HTTP/1.1 200")
}

fn collect(mut from: impl Read + Send + 'static, into: Arc<Mutex<Vec<u8>>>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            into.lock().expect("no panic").extend_from_slice(&buffer[..count]);
        }
    })
}

/// A port that nothing listens on at this moment.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it has an address").port()
}

/// An installation in a folder, on SQLite or on this PostgreSQL database.
pub fn installation(binary: &str, folder: &Path, database_url: Option<String>) -> Installation {
    Installation { binary: binary.into(), data_dir: folder.join("data"), database_url }
}

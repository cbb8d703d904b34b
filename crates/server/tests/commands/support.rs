//! Running the built binary in a folder of its own.

use serde_json::Value;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A working directory with nothing in it but what the commands put there.
pub struct Installation {
    pub folder: TempDir,
}

/// What came of a command.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Installation {
    pub fn empty() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder can be made") }
    }

    /// With an app, whose id comes with it.
    pub fn with_app() -> (Self, String) {
        let installation = Self::empty();
        let app = installation.create_app("Test");
        (installation, app)
    }

    pub fn create_app(&self, name: &str) -> String {
        text(&self.json(&["app", "create", "--name", name])["id"])
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).expect("a file can be written");
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("a file can be read")
    }

    /// The binary with these words, with no setting but `--data-dir data` where it is taken.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_guildhall"));
        command.env_clear().current_dir(self.folder.path()).args(words).args(["--data-dir", "data"]);
        command
    }

    pub fn run(&self, words: &[&str]) -> Ran {
        ran(self.command(words), "")
    }

    pub fn run_with_input(&self, words: &[&str], input: &str) -> Ran {
        ran(self.command(words), input)
    }

    /// What a command that must succeed prints with `--json`.
    pub fn json(&self, words: &[&str]) -> Value {
        self.json_with_input(words, "")
    }

    pub fn json_with_input(&self, words: &[&str], input: &str) -> Value {
        let mut command = self.command(words);
        command.arg("--json");
        let ran = ran(command, input);
        assert_eq!(ran.code, 0, "{words:?}: {ran:?}");
        ran.json()
    }

    /// The error that a command must fail with, as `--json` prints it.
    pub fn error(&self, words: &[&str]) -> Value {
        self.error_with_input(words, "")
    }

    pub fn error_with_input(&self, words: &[&str], input: &str) -> Value {
        let mut command = self.command(words);
        command.arg("--json");
        let ran = ran(command, input);
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{words:?}: {ran:?}");
        assert_eq!(ran.err.lines().count(), 1, "{ran:?}");
        let value: Value = serde_json::from_str(&ran.err).expect("an error in JSON");
        value["error"].clone()
    }
}

impl Ran {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("JSON expected: {self:?}"))
    }
}

pub fn ran(mut command: Command, input: &str) -> Ran {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary can be run");
    let mut stdin = child.stdin.take().expect("it was piped");
    // A command that reads nothing may be gone already.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    Ran {
        code: output.status.code().expect("it was not killed"),
        out: String::from_utf8(output.stdout).expect("UTF-8"),
        err: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("text expected, got {value}")).to_owned()
}

/// The names of an object's fields, in order.
pub fn names(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

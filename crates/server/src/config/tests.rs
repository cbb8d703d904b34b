//! Where settings come from, which of them wins, and what is said of wrong ones.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use clap::Parser;
use std::path::Path;
use tempfile::TempDir;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Serve(#[command(flatten)] ServeFlags),
    Doctor,
}

/// A place to work in: files, variables and a command line.
struct Place {
    dir: TempDir,
}

impl Place {
    fn new(files: &[(&str, &str)]) -> Self {
        let dir = TempDir::new().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Self { dir }
    }

    fn load(&self, line: &str, variables: &[(&str, &str)]) -> Result<Settings, ConfigError> {
        let words = std::iter::once("guildhall").chain(line.split_whitespace());
        let cli = Cli::try_parse_from(words).unwrap();
        let serve = match &cli.command {
            Command::Serve(serve) => Some(serve),
            Command::Doctor => None,
        };
        let variables = variables.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        Settings::load(&cli.flags, serve, variables, self.dir.path())
    }

    fn message(&self, line: &str, variables: &[(&str, &str)]) -> String {
        let message = self.load(line, variables).unwrap_err().to_string();
        message.replace(&format!("{}/", self.dir.path().display()), "")
    }
}

#[test]
fn without_anything_set_the_defaults_hold() {
    let settings = Place::new(&[]).load("doctor", &[]).unwrap();
    assert_eq!(settings.data_dir, Path::new("./data"));
    assert_eq!(settings.listen.to_string(), "127.0.0.1:3010");
    assert!(settings.database_url.is_none() && settings.trusted_proxies.is_empty());
    assert_eq!((settings.rate_limit, settings.sandbox_members_max), (25, 50));
    assert_eq!(settings.body_bytes_max, 2 * 1024 * 1024);
    assert!(settings.password_threads >= 1);
    assert!(settings.effective().iter().all(|one| one.source == Source::Default));
    assert_eq!(settings.effective().len(), ALL.len());
}

#[test]
fn flags_beat_the_environment_which_beats_the_file() {
    let file = "listen = '1.1.1.1:1'\nrate_limit = 1\nlog_level = 'warn'\n";
    let place = Place::new(&[("guildhall.toml", file)]);
    let variables = [("GUILDHALL_LISTEN", "2.2.2.2:2"), ("GUILDHALL_RATE_LIMIT", "2")];
    let settings = place.load("serve --listen 3.3.3.3:3 --data-dir d", &variables).unwrap();
    assert_eq!(settings.listen.to_string(), "3.3.3.3:3");
    assert_eq!(settings.rate_limit, 2);
    assert_eq!(settings.log_level.as_str(), "warn");
    assert_eq!(settings.data_dir, Path::new("d"));
    let source = |name| settings.effective().iter().find(|one| one.name == name).unwrap().source;
    assert_eq!(source("listen"), Source::Flag);
    assert_eq!(source("rate_limit"), Source::Environment);
    assert_eq!(source("log_level"), Source::File);
    assert_eq!(source("redis_url"), Source::Default);
}

#[test]
fn an_empty_variable_counts_as_not_set() {
    let place = Place::new(&[("guildhall.toml", "rate_limit = 7")]);
    let variables = [("GUILDHALL_RATE_LIMIT", ""), ("GUILDHALL_REDIS_URL", "")];
    assert_eq!(place.load("doctor", &variables).unwrap().rate_limit, 7);
}

#[test]
fn the_file_is_the_named_one_then_the_near_one_then_that_of_the_data_directory() {
    let files = [
        ("other.toml", "rate_limit = 1"),
        ("guildhall.toml", "rate_limit = 2"),
        ("data/guildhall.toml", "rate_limit = 3"),
        ("elsewhere/guildhall.toml", "rate_limit = 4"),
    ];
    let place = Place::new(&files);
    let rate = |place: &Place, line, variables: &[_]| place.load(line, variables).unwrap().rate_limit;
    assert_eq!(rate(&place, "doctor --config other.toml", &[]), 1);
    assert_eq!(rate(&place, "doctor", &[("GUILDHALL_CONFIG", "other.toml")]), 1);
    assert_eq!(rate(&place, "--config guildhall.toml doctor", &[("GUILDHALL_CONFIG", "x")]), 2);
    assert_eq!(rate(&place, "doctor --data-dir elsewhere", &[]), 2);
    let place = Place::new(&files[2..]);
    assert_eq!(rate(&place, "doctor", &[]), 3);
    assert_eq!(rate(&place, "doctor --data-dir elsewhere", &[]), 4);
    assert_eq!(rate(&place, "doctor", &[("GUILDHALL_DATA_DIR", "elsewhere")]), 4);
}

#[test]
fn unknown_names_are_errors_that_suggest_the_known_one() {
    let place = Place::new(&[("guildhall.toml", "lissten = '1.1.1.1:1'")]);
    assert_eq!(
        place.message("doctor", &[]),
        "guildhall.toml: there is no setting `lissten`; did you mean `listen`?"
    );
    let place = Place::new(&[]);
    let message = |name| place.message("doctor", &[(name, "x")]);
    assert_eq!(
        message("GUILDHALL_DATADIR"),
        "there is no setting `GUILDHALL_DATADIR` in the environment; did you mean \
         `GUILDHALL_DATA_DIR`?"
    );
    assert!(message("GUILDHALL_REDIS_URLFILE").ends_with("did you mean `GUILDHALL_REDIS_URL_FILE`?"));
    assert!(message("GUILDHALL_LISTEN_FILE").starts_with("there is no setting"));
    assert!(message("GUILDHALL_QQQQQQQQQQ").ends_with("in the environment"));
    let tests = [("GUILDHALL_TEST_X", "1"), ("GUILDHALL_BIN", "x"), ("GUILDHALL_URL", "x")];
    assert!(place.load("doctor", &tests).is_ok());
}

#[test]
fn wrong_values_are_errors_that_say_where_and_what_is_allowed() {
    let place = Place::new(&[]);
    assert_eq!(
        place.message("serve --rate-limit 0", &[]),
        "--rate-limit must be a whole number from 1 to 100000, not `0`"
    );
    assert_eq!(
        place.message("serve", &[("GUILDHALL_LISTEN", "localhost:3010")]),
        "GUILDHALL_LISTEN must be an IP address and a port, such as `127.0.0.1:3010` or \
         `[::]:80`, not `localhost:3010`"
    );
    let place = Place::new(&[("guildhall.toml", "rate_limit = '25'")]);
    assert_eq!(
        place.message("doctor", &[]),
        "guildhall.toml: `rate_limit` must be a whole number from 1 to 100000, not `\"25\"`"
    );
    for (variable, value) in [
        ("GUILDHALL_LOG_FORMAT", "xml"),
        ("GUILDHALL_LOG_LEVEL", "inof"),
        ("GUILDHALL_TRUSTED_PROXIES", "10.0.0.0/8,proxy"),
        ("GUILDHALL_PUBLIC_URL", "members.example.com"),
        ("GUILDHALL_PUBLIC_URL", "https://me@example.com/?x"),
        ("GUILDHALL_PUBLIC_URL", "https:///x"),
        ("GUILDHALL_METRICS_LISTEN", "9100"),
        ("GUILDHALL_TOKEN_ISSUER", "a b"),
        ("GUILDHALL_CONNECTIONS_MAX", "-1"),
    ] {
        let message = Place::new(&[]).message("doctor", &[(variable, value)]);
        assert!(message.starts_with(&format!("{variable} must be")), "{message}");
    }
}

#[test]
fn every_kind_of_value_is_read_from_the_file() {
    let file = "trusted_proxies = ['10.0.0.0/8', '::1']\npublic_url = 'https://m.example.com/'\n\
         metrics_listen = '[::1]:9100'\nlog_format = 'json'\ndrain_timeout_s = 0\n\
         data_dir = 'there'\ntoken_issuer = 'https://api.example.com'\n";
    let settings = Place::new(&[("guildhall.toml", file)]).load("doctor", &[]).unwrap();
    let proxies: Vec<String> = settings.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(proxies, ["10.0.0.0/8", "::1/128"]);
    assert_eq!(settings.public_url.unwrap().as_str(), "https://m.example.com");
    assert_eq!(settings.log_format, LogFormat::Json);
    assert_eq!(settings.drain_timeout_s, 0);
    assert_eq!(settings.data_dir, Path::new("there"));
}

#[test]
fn secrets_come_from_files_too_and_are_never_shown() {
    let secret = "postgres://me:hunter2@db/x";
    let place = Place::new(&[("secret", &format!("{secret}\n"))]);
    let settings = place.load("doctor", &[("GUILDHALL_DATABASE_URL_FILE", "secret")]).unwrap();
    assert_eq!(settings.database_url.as_ref().unwrap().reveal(), secret);
    assert!(!format!("{settings:?}{}", settings.redacted()).contains("hunter2"));
    assert!(settings.redacted().contains("= [redacted]  (environment)"));

    let both = [("GUILDHALL_DATABASE_URL_FILE", "secret"), ("GUILDHALL_DATABASE_URL", secret)];
    assert!(place.message("doctor", &both).contains("both set"));
    let missing = place.message("doctor", &[("GUILDHALL_REDIS_URL_FILE", "nowhere")]);
    assert!(missing.starts_with("GUILDHALL_REDIS_URL_FILE: nowhere cannot be read"), "{missing}");
    let wrong = place.message("doctor", &[("GUILDHALL_DATABASE_URL", "mysql://hunter2")]);
    assert!(wrong.contains("postgres://") && !wrong.contains("hunter2"), "{wrong}");
    let empty = Place::new(&[("secret", "\n")]);
    assert!(empty.load("doctor", &[("GUILDHALL_DATABASE_URL_FILE", "secret")]).is_err());
    let flag = place.load(&format!("doctor --database-url {secret}"), &[]).unwrap();
    assert_eq!(flag.database_url.unwrap().reveal(), secret);
}

#[test]
fn a_broken_file_is_named_with_its_line_but_not_quoted() {
    let file = "rate_limit = 5\ndatabase_url = 'postgres://me:hunter2@db\n";
    let message = Place::new(&[("guildhall.toml", file)]).message("doctor", &[]);
    assert!(message.starts_with("guildhall.toml, line 2: "), "{message}");
    assert!(!message.contains("hunter2"), "{message}");
}

#[test]
fn a_file_in_the_data_directory_cannot_move_it() {
    let place = Place::new(&[("data/guildhall.toml", "data_dir = 'x'")]);
    assert!(matches!(place.load("doctor", &[]), Err(ConfigError::Circular { .. })));
}

#[test]
fn the_reference_names_every_setting_and_its_default_is_allowed() {
    let reference = markdown();
    for setting in ALL {
        assert!(reference.contains(&format!("| `{}` | `--{}`", setting.name, setting.flag())));
        assert!(!setting.about().is_empty() && setting.about().ends_with('.'));
    }
    assert_eq!(reference.lines().count(), ALL.len() + 2);
    assert!(reference.contains("`GUILDHALL_REDIS_URL_FILE`"));
}

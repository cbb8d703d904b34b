//! From flags, environment and file to [`Settings`].
//!
//! Everything is gathered as text first, each with the place it stands in, and then read once by
//! the types in `config/value.rs`. The environment and the working directory are passed in.

use super::error::nearest;
use super::value::{Form, Value};
use super::{ALL, ConfigError, Flags, Preset, ServeFlags, Setting, Settings, Source};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

const PREFIX: &str = "GUILDHALL_";
const CONFIG_VARIABLE: &str = "GUILDHALL_CONFIG";
const FILE_NAME: &str = "guildhall.toml";

/// One setting's text and where it stands.
pub(super) struct Given {
    pub(super) setting: &'static Setting,
    pub(super) text: String,
    pub(super) source: Source,
    /// The place, for messages: `--listen`, `GUILDHALL_LISTEN`, `guildhall.toml: listen`.
    pub(super) place: String,
}

/// The process's environment, with what is no Unicode replaced rather than a reason to panic.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    let text = |os: std::ffi::OsString| os.to_string_lossy().into_owned();
    std::env::vars_os().map(move |(name, value)| (text(name), text(value)))
}

/// A variable of the tests and scripts around the program, which is none of its settings.
fn is_for_tests(name: &str) -> bool {
    name.starts_with("GUILDHALL_TEST_") || name == "GUILDHALL_BIN" || name == "GUILDHALL_URL"
}

impl Settings {
    /// The settings in force. An empty flag or variable counts as not given.
    ///
    /// The file is `--config` or `GUILDHALL_CONFIG`; else `guildhall.toml` in the working
    /// directory if there is one; else that in the data directory.
    ///
    /// # Errors
    /// When anything is unknown, not allowed or cannot be read. See [`ConfigError`].
    pub fn load(
        flags: &Flags,
        serve: Option<&ServeFlags>,
        environment: impl IntoIterator<Item = (String, String)>,
        working_dir: &Path,
    ) -> Result<Self, ConfigError> {
        let mut variables: BTreeMap<String, String> = environment
            .into_iter()
            .filter(|(name, _)| name.starts_with(PREFIX) && !is_for_tests(name))
            .collect();
        let config = variables.remove(CONFIG_VARIABLE).filter(|path| !path.is_empty());
        let mut given = from_flags(flags, serve);
        given.extend(from_variables(variables, working_dir)?);

        let named = match (&flags.config, config) {
            (Some(path), _) => Some((path.clone(), "--config")),
            (None, Some(path)) => Some((path.into(), CONFIG_VARIABLE)),
            (None, None) => None,
        };
        let file = match named {
            Some((path, place)) => Some(read(&working_dir.join(path), place)?),
            None => find(&given, working_dir)?,
        };
        if let Some((path, text)) = &file {
            given.extend(from_file(path, text)?);
        }
        given.extend(ALL.iter().map(default_of));
        Self::read(&strongest(given), file.map(|(path, _)| path))
    }
}

/// The first of each setting, in the list's order; they come strongest first.
fn strongest(mut given: Vec<Given>) -> Vec<Given> {
    let order = |given: &Given| ALL.iter().position(|setting| setting.name == given.setting.name);
    // Stable, so that of the same setting the first stays first.
    given.sort_by_key(order);
    given.dedup_by(|later, first| later.setting.name == first.setting.name);
    given
}

/// The value of the setting that has this name.
pub(super) fn value<T: Value>(given: &[Given], name: &str) -> Result<T, ConfigError> {
    let given = given
        .iter()
        .find(|given| given.setting.name == name)
        .expect("every setting has at least its default");
    T::parse(&given.text, given.setting.bounds).ok_or_else(|| invalid(given))
}

fn invalid(given: &Given) -> ConfigError {
    ConfigError::Invalid {
        place: given.place.clone(),
        allowed: given.setting.allowed(),
        given: (!given.setting.secret).then(|| given.text.clone()),
    }
}

fn known(name: &str) -> Option<&'static Setting> {
    ALL.iter().find(|setting| setting.name == name)
}

fn default_of(setting: &'static Setting) -> Given {
    let text = match setting.preset {
        Preset::Text(text) => text.to_owned(),
        Preset::Computed(compute, _) => compute(),
    };
    Given { setting, text, source: Source::Default, place: setting.name.to_owned() }
}

fn from_flags(flags: &Flags, serve: Option<&ServeFlags>) -> Vec<Given> {
    let serve = serve.into_iter().flat_map(|serve| &serve.given.0);
    let flags = flags.given.0.iter().chain(serve).filter(|(_, text)| !text.is_empty());
    let one = |(name, text): &(&'static str, String)| {
        let setting = known(name)?;
        let place = format!("--{}", setting.flag());
        Some(Given { setting, text: text.clone(), source: Source::Flag, place })
    };
    flags.filter_map(one).collect()
}

fn from_variables(
    mut variables: BTreeMap<String, String>,
    working_dir: &Path,
) -> Result<Vec<Given>, ConfigError> {
    let mut given = Vec::new();
    for setting in ALL {
        let name = setting.variable();
        let text = variables.remove(&name).filter(|text| !text.is_empty());
        let file_name = format!("{name}_FILE");
        let file = match setting.secret {
            true => variables.remove(&file_name).filter(|path| !path.is_empty()),
            false => None,
        };
        let (text, place) = match (text, file) {
            (Some(_), Some(_)) => return Err(ConfigError::Twice { name }),
            (Some(text), None) => (text, name),
            (None, Some(path)) => {
                let (_, text) = read(&working_dir.join(path), &file_name)?;
                // An empty file is a mistake, not a way to say "not set".
                let text = Some(text.trim().to_owned()).filter(|text| !text.is_empty());
                (text.unwrap_or_else(|| " ".into()), file_name)
            }
            (None, None) => continue,
        };
        given.push(Given { setting, text, source: Source::Environment, place });
    }
    match variables.into_keys().next() {
        None => Ok(given),
        Some(name) => {
            let secret = ALL.iter().filter(|setting| setting.secret);
            let known = ALL
                .iter()
                .map(Setting::variable)
                .chain(secret.map(|setting| format!("{}_FILE", setting.variable())))
                .chain([CONFIG_VARIABLE.to_owned()]);
            Err(ConfigError::UnknownVariable { nearest: nearest_variable(&name, known), name })
        }
    }
}

/// Compared without the prefix that all share, which would make all of them look alike.
fn nearest_variable(name: &str, known: impl Iterator<Item = String>) -> Option<String> {
    let own = |name: &str| name.strip_prefix(PREFIX).unwrap_or(name).to_owned();
    nearest(&own(name), known.map(|known| own(&known))).map(|nearest| format!("{PREFIX}{nearest}"))
}

fn read(path: &Path, place: &str) -> Result<(PathBuf, String), ConfigError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok((path.to_owned(), text)),
        Err(error) => Err(ConfigError::Unreadable {
            place: place.to_owned(),
            file: path.to_owned(),
            reason: error.to_string(),
        }),
    }
}

/// The file that nobody named but that is there.
fn find(given: &[Given], working_dir: &Path) -> Result<Option<(PathBuf, String)>, ConfigError> {
    let is_data_dir = |given: &&Given| given.setting.name == "data_dir";
    let data_dir = match given.iter().find(is_data_dir) {
        Some(given) => given.text.clone(),
        None => known("data_dir").map(|setting| default_of(setting).text).unwrap_or_default(),
    };
    let beside = working_dir.join(FILE_NAME);
    let inside = working_dir.join(data_dir).join(FILE_NAME);
    for path in [&beside, &inside] {
        match std::fs::read_to_string(path) {
            Ok(text) => {
                // Read here only to see whether it names a data directory; errors come later.
                let moves = text.parse::<toml::Table>().is_ok_and(|t| t.contains_key("data_dir"));
                if path == &inside && path != &beside && moves {
                    return Err(ConfigError::Circular { file: path.clone() });
                }
                return Ok(Some((path.clone(), text)));
            }
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
            Err(error) => {
                let place = "the settings file".to_owned();
                let reason = error.to_string();
                return Err(ConfigError::Unreadable { place, file: path.clone(), reason });
            }
        }
    }
    Ok(None)
}

fn from_file(file: &Path, text: &str) -> Result<Vec<Given>, ConfigError> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        // Only the first line: what follows may quote the file.
        let reason = error.message().lines().next().unwrap_or_default().to_owned();
        ConfigError::Syntax { file: file.to_owned(), line, reason }
    })?;
    let one = |(name, value): (String, toml::Value)| {
        let Some(setting) = known(&name) else {
            let names = ALL.iter().map(|setting| setting.name.to_owned());
            let nearest = nearest(&name, names);
            return Err(ConfigError::UnknownName { file: file.to_owned(), name, nearest });
        };
        let place = format!("{}: `{name}`", file.display());
        let text = text_of(setting.form, &value).ok_or_else(|| ConfigError::Invalid {
            place: place.clone(),
            allowed: setting.allowed(),
            given: (!setting.secret).then(|| value.to_string()),
        })?;
        Ok(Given { setting, text, source: Source::File, place })
    };
    table.into_iter().map(one).collect()
}

/// A value of the file as the text that a flag would have, if it is written as it should be.
fn text_of(form: Form, value: &toml::Value) -> Option<String> {
    match form {
        Form::Text => value.as_str().map(str::to_owned),
        Form::Number => value.as_integer().map(|number| number.to_string()),
        Form::List => {
            let parts: Option<Vec<&str>> = value.as_array()?.iter().map(|v| v.as_str()).collect();
            parts.map(|parts| parts.join(","))
        }
    }
}

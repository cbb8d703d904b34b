//! The settings as flags of the command line, made from the list of settings.
//!
//! Values stay text here; they are parsed together with those from elsewhere, so that a wrong one
//! is explained in the same words wherever it stands.

use super::value::Form;
use super::{ALL, Setting};
use clap::{Arg, ArgMatches, Command};
use std::path::PathBuf;
use std::sync::LazyLock;

/// The flags' names, which clap wants to borrow for good.
static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| ALL.iter().map(Setting::flag).collect());

/// The flags that every command takes: `--config`, `--data-dir`, `--database-url`.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// The `guildhall.toml` to read, if not the one that is found.
    pub config: Option<PathBuf>,
    pub(super) given: Values,
}

/// The flags that `serve` takes besides: one for each other setting.
#[derive(Clone, Debug, Default)]
pub struct ServeFlags {
    pub(super) given: Values,
}

/// Flags that were given, by their setting's name. No `Debug` output shows the values.
#[derive(Clone, Default)]
pub(super) struct Values(pub(super) Vec<(&'static str, String)>);

impl std::fmt::Debug for Values {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Setting {
    /// The flag without its dashes, such as `data-dir`.
    pub fn flag(&self) -> String {
        self.name.replace('_', "-")
    }

    /// The environment variable, such as `GUILDHALL_DATA_DIR`.
    pub fn variable(&self) -> String {
        format!("GUILDHALL_{}", self.name.to_uppercase())
    }
}

fn add(command: Command, everywhere: bool) -> Command {
    let wanted = ALL.iter().zip(NAMES.iter()).filter(|(s, _)| s.everywhere == everywhere);
    wanted.fold(command, |command, (setting, flag)| {
        let value = match setting.form {
            Form::Text => "VALUE",
            Form::Number => "NUMBER",
            Form::List => "LIST",
        };
        command.arg(
            Arg::new(setting.name).long(flag.as_str()).value_name(value).global(everywhere).help(format!(
                "{} [default: {}]",
                setting.about(),
                setting.default_said()
            )),
        )
    })
}

fn given(matches: &ArgMatches, everywhere: bool) -> Values {
    let wanted = ALL.iter().filter(|setting| setting.everywhere == everywhere);
    let value = |setting: &'static Setting| {
        // `try_`: a command that flattens only some of the flags is no reason to panic.
        let value = matches.try_get_one::<String>(setting.name).ok().flatten()?;
        Some((setting.name, value.clone()))
    };
    Values(wanted.filter_map(value).collect())
}

impl clap::Args for Flags {
    fn augment_args(command: Command) -> Command {
        let config = Arg::new("config")
            .long("config")
            .value_name("FILE")
            .global(true)
            .value_parser(clap::value_parser!(PathBuf))
            .help("The settings file [default: ./guildhall.toml, else DATA_DIR/guildhall.toml]");
        add(command.arg(config), true)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let config = matches.get_one::<PathBuf>("config").cloned();
        Ok(Self { config, given: given(matches, true) })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl clap::Args for ServeFlags {
    fn augment_args(command: Command) -> Command {
        add(command, false)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for ServeFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self { given: given(matches, false) })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

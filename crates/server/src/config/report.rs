//! The settings shown: those in force, and the reference of all.

use super::load::Given;
use super::value::Form;
use super::{ALL, Effective, Preset, Setting, Settings};
use std::fmt::Write;

const REDACTED: &str = "[redacted]";

impl Setting {
    /// What it is for.
    pub fn about(&self) -> &'static str {
        self.about.trim()
    }

    /// What it may be, in words that follow "must be".
    pub fn allowed(&self) -> String {
        match (self.form, self.bounds) {
            (Form::Number, (least, most)) if most < u64::MAX => {
                format!("{} from {least} to {most}", self.allowed)
            }
            _ => self.allowed.to_owned(),
        }
    }

    /// What holds when nothing is set, in words.
    pub fn default_said(&self) -> &'static str {
        match self.preset {
            Preset::Text("") => "none",
            Preset::Text(text) => text,
            Preset::Computed(_, said) => said,
        }
    }
}

impl From<&Given> for Effective {
    fn from(given: &Given) -> Self {
        let shown = if given.setting.secret { REDACTED } else { &given.text };
        Self {
            name: given.setting.name,
            shown: (!given.text.is_empty()).then(|| shown.to_owned()),
            source: given.source,
        }
    }
}

impl Settings {
    /// Every setting in force with where it came from, a line each, secrets redacted.
    pub fn redacted(&self) -> String {
        let width = ALL.iter().map(|setting| setting.name.len()).max().unwrap_or_default();
        let mut text = String::new();
        for Effective { name, shown, source } in self.effective() {
            let shown = shown.as_deref().unwrap_or("(not set)");
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name:width$} = {shown}  ({})", source.as_str());
        }
        if let Some(file) = self.file() {
            let _ = writeln!(text, "file: {}", file.display());
        }
        text
    }
}

/// The reference of all settings, as a Markdown table.
pub fn markdown() -> String {
    let mut text =
        String::from("| Setting | Flag | Environment | Default | What it is |\n|---|---|---|---|---|\n");
    for setting in ALL {
        let Setting { name, .. } = setting;
        let (flag, variable) = (setting.flag(), setting.variable());
        let serve = if setting.everywhere { "" } else { " (`serve`)" };
        let file = if setting.secret { format!(", `{variable}_FILE`") } else { String::new() };
        let default = match setting.preset {
            Preset::Text("") | Preset::Computed(..) => setting.default_said().to_owned(),
            Preset::Text(text) => format!("`{text}`"),
        };
        let (about, allowed) = (setting.about(), setting.allowed());
        let _ = writeln!(
            text,
            "| `{name}` | `--{flag}`{serve} | `{variable}`{file} | {default} | {about} \
             Must be {allowed}. |"
        );
    }
    text
}

//! What can be wrong with the settings, in words for whoever set them.

use std::path::PathBuf;

/// Why the settings cannot be used. No variant carries a secret.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConfigError {
    /// A variable that starts like ours but is none of them.
    #[error("there is no setting `{name}` in the environment{}", meant(nearest))]
    UnknownVariable {
        /// The variable.
        name: String,
        /// What may have been meant.
        nearest: Option<String>,
    },
    /// A name in the file that is no setting's.
    #[error("{}: there is no setting `{name}`{}", file.display(), meant(nearest))]
    UnknownName {
        /// The file.
        file: PathBuf,
        /// The name in it.
        name: String,
        /// What may have been meant.
        nearest: Option<String>,
    },
    /// A value that is not allowed.
    #[error("{place} must be {allowed}{}", instead_of(given))]
    Invalid {
        /// The flag, the variable, or the file and the name in it.
        place: String,
        /// What it may be.
        allowed: String,
        /// What it is, unless it is a secret.
        given: Option<String>,
    },
    /// The same secret given twice over.
    #[error("`{name}` and `{name}_FILE` are both set; set one of them")]
    Twice {
        /// The variable.
        name: String,
    },
    /// The data directory's own file says where the data directory is.
    #[error("{}: `data_dir` cannot be set in a file inside the data directory", file.display())]
    Circular {
        /// The file.
        file: PathBuf,
    },
    /// A file that cannot be read.
    #[error("{place}: {} cannot be read: {reason}", file.display())]
    Unreadable {
        /// What names the file.
        place: String,
        /// The file.
        file: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// A file that is no TOML.
    #[error("{}, line {line}: {reason}", file.display())]
    Syntax {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong there. It does not quote the line, which may hold a secret.
        reason: String,
    },
}

fn meant(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

fn instead_of(given: &Option<String>) -> String {
    given.as_ref().map(|given| format!(", not `{given}`")).unwrap_or_default()
}

/// The known name that a mistyped one is nearest to, if it is near any.
pub(super) fn nearest(name: &str, known: impl IntoIterator<Item = String>) -> Option<String> {
    let (distance, best) = known.into_iter().map(|known| (distance(name, &known), known)).min()?;
    // Beyond half the letters, a suggestion would be a guess.
    (distance <= best.len() / 2).then_some(best)
}

/// How many letters to change, add or take away to get from one name to the other.
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in to.bytes().enumerate() {
            let changed = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

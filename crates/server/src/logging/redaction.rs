//! The last line of defence: what looks like a secret or an address does not reach the log.
//!
//! Code must not log such things in the first place; this catches what comes along inside an
//! error's text, a header or a statement. It works on whole batches of lines, on the writer
//! thread, so no pattern may cross a line's end.

use regex::bytes::Regex;
use std::borrow::Cow;

/// What a secret becomes.
const REDACTED: &str = "[redacted]";

/// Where a key may begin: not in the middle of a word (`task_…`, `disk_…`), but also after a
/// percent escape, a backslash escape or a terminal's colour, all of which end in a letter.
const START: &str = r"(^|[^A-Za-z0-9]|%[0-9A-Fa-f]{2}|\\[nrt]|\\u[0-9A-Fa-f]{4}|\x1b\[[0-9;]*m)";

/// The patterns, each with what of the match stays before and after [`REDACTED`].
const PATTERNS: [(&str, &str, &str); 9] = [
    // Keys and webhook secrets.
    (r"{START}(?:sk|pk|apst|ptnr|whsec)_[A-Za-z0-9_-]{12,}", "${1}", ""),
    // JSON Web Tokens: two parts of base64url JSON and a signature, which may be missing.
    (r"{START}eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{2,}(?:\.[A-Za-z0-9_-]*)?", "${1}", ""),
    // Password hashes in the forms that can be imported.
    (r#"\$(?:argon2(?:id|i|d)|scrypt|pbkdf2[a-z0-9-]*)\$[^\s"'\\]+"#, "", ""),
    (r"\$2[abxy]?\$[0-9]{2}\$[./A-Za-z0-9]{10,}", "", ""),
    // The user and password of a database's address: up to the last `@` of the word, because
    // passwords are often not escaped as they should be.
    (r#"((?:postgres(?:ql)?|rediss?|valkeys?)://)[^\s"'@]*:[^\s"']*@"#, "${1}", "@"),
    (r#"([A-Za-z][A-Za-z0-9+.-]*://)[^\s"'/?#@]*:[^\s"'/?#@]*@"#, "${1}", "@"),
    // Settings and query parameters. Prose with a colon ("password: too short") stays.
    (r#"((?i:password|passwd|api_?key|secret|x-api-key)=)(?:'[^'\n]*'|"[^"\n]*"|[^\s"'&;,\\]+)"#, "${1}", ""),
    // The same as a JSON member, also inside a string that quotes JSON.
    (r#"((?i:password|passwd|api_?key|secret|x-api-key)\\?"\s*:\s*\\?")(?:[^"\\\n]|\\[^"\n])*"#, "${1}", ""),
    // E-mail addresses, also with their `@` escaped as in a URL.
    (r"[\w.%+'-]+(?:@|%40)(?:[\w-]+\.)+(?:\p{L}{2,}|xn--[\w-]+)", "", ""),
];

/// The patterns, ready to use.
pub(super) struct Redaction {
    rules: Vec<(Regex, Vec<u8>)>,
}

impl Redaction {
    /// Compiles the patterns; slow, to be done once.
    pub(super) fn new() -> Self {
        let compile = |(pattern, before, after): &(&str, &str, &str)| {
            let pattern = pattern.replace("{START}", START);
            // `(?m)`: a batch holds many lines, and each has a start.
            let regex = Regex::new(&format!("(?m){pattern}")).expect("a constant, tested pattern");
            (regex, format!("{before}{REDACTED}{after}").into_bytes())
        };
        Self { rules: PATTERNS.iter().map(compile).collect() }
    }

    /// The lines without secrets: the same bytes, uncopied, if there were none.
    pub(super) fn clean<'a>(&self, lines: &'a [u8]) -> Cow<'a, [u8]> {
        let mut clean = Cow::Borrowed(lines);
        for (regex, replacement) in &self.rules {
            if let Cow::Owned(changed) = regex.replace_all(&clean, replacement.as_slice()) {
                clean = Cow::Owned(changed);
            }
        }
        clean
    }
}

//! E-mail addresses: what counts as one, and the one normal form that uniqueness is judged by.
//!
//! The address is kept as it was given; two addresses are the same account when their normal
//! forms are equal. The normal form is: Unicode NFKC, the local part in lower case, the domain in
//! its ASCII (punycode) form in lower case. `+tag` is part of the address. See
//! `docs/decisions/0005-email-normal-form.md`.

use std::borrow::Cow;
use unicode_normalization::UnicodeNormalization;

/// The longest address in bytes (RFC 5321's path limit).
pub const EMAIL_BYTES_MAX: usize = 254;
const LOCAL_BYTES_MAX: usize = 64;

/// A valid address with its normal form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    given: String,
    normal: String,
}

impl Email {
    /// Parses what a caller sent. Nothing if it is no address we would ever mail to: not exactly
    /// one `@`, empty or over-long parts, white space or control characters, a domain that is no
    /// dotted host name.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > EMAIL_BYTES_MAX {
            return None;
        }
        let (local, domain) = text.split_once('@')?;
        let normal_local = normal_local(local)?;
        let normal_domain = normal_domain(domain)?;
        let normal = format!("{normal_local}@{normal_domain}");
        (normal.len() <= EMAIL_BYTES_MAX).then(|| Self { given: text.to_owned(), normal })
    }

    /// As the caller wrote it.
    pub fn as_given(&self) -> &str {
        &self.given
    }

    /// The form that uniqueness and lookup go by.
    pub fn normal(&self) -> &str {
        &self.normal
    }
}

fn normal_local(local: &str) -> Option<Cow<'_, str>> {
    let forbidden =
        |c: char| c.is_whitespace() || c.is_control() || is_invisible(c) || "()<>[]:;,\\\"@".contains(c);
    let dots_misplaced = local.starts_with('.') || local.ends_with('.') || local.contains("..");
    if local.is_empty() || local.len() > LOCAL_BYTES_MAX || dots_misplaced || local.contains(forbidden) {
        return None;
    }
    if local.is_ascii() {
        return Some(Cow::Owned(local.to_ascii_lowercase()));
    }
    // Compatible forms (full width, ligatures) look alike and so are one. Lower-casing can undo a
    // composition and the other way round, so compose on both sides. A final sigma is a sigma.
    let lower = local.nfkc().flat_map(char::to_lowercase).map(|c| if c == 'ς' { 'σ' } else { c });
    Some(Cow::Owned(lower.nfkc().collect()))
}

fn normal_domain(domain: &str) -> Option<String> {
    if domain.contains(|c: char| c.is_whitespace() || c.is_control() || is_invisible(c)) {
        return None;
    }
    let ascii = idna::domain_to_ascii_strict(domain).ok()?;
    let labels_fit = ascii
        .split('.')
        .all(|label| (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-'));
    (ascii.contains('.') && labels_fit).then_some(ascii)
}

/// Characters that change how text looks or runs without being seen: direction marks, joiners,
/// fillers, variation selectors, tags, the byte-order mark (Unicode's default ignorables).
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(text: &str) -> Option<String> {
        Email::parse(text).map(|email| email.normal)
    }

    #[test]
    fn case_and_composition_do_not_make_two_accounts() {
        assert_eq!(normal("Ada@Example.COM").as_deref(), Some("ada@example.com"));
        assert_eq!(normal("a+b@x.io").as_deref(), Some("a+b@x.io"));
        assert_eq!(normal("e\u{301}@x.io"), normal("\u{e9}@x.io"));
        assert_eq!(normal("\u{c9}@x.io"), normal("\u{e9}@x.io"));
        assert_eq!(normal("ΑΣ@x.io"), normal("ας@x.io"));
        assert_eq!(normal("ﬁx@x.io"), normal("fix@x.io"));
        assert_eq!(normal("\u{ff41}@x.io"), normal("a@x.io"));
        assert_eq!(normal("a@b\u{fc}cher.de"), normal("a@xn--bcher-kva.de"));
    }

    #[test]
    fn the_address_is_kept_as_given() {
        let email = Email::parse("Ada@Example.com").expect("an address");
        assert_eq!(email.as_given(), "Ada@Example.com");
    }

    #[test]
    fn what_no_mail_server_takes_is_refused() {
        let long_local = format!("{}@x.io", "a".repeat(65));
        let long = format!("a@{}.io", "b".repeat(300));
        for bad in [
            "",
            "a",
            "@x.io",
            "a@",
            "a@x",
            "a@@x.io",
            "a b@x.io",
            "a@x .io",
            "a@x.io.",
            "a@.io",
            "a@-x.io",
            ".a@x.io",
            "a.@x.io",
            "a..b@x.io",
            "a\0@x.io",
            "a\r\nBcc:b@x.io",
            "a\u{202e}@x.io",
            "a\u{34f}@x.io",
            "a\u{3164}@x.io",
            "a\u{fe0f}@x.io",
            "a\u{e0041}@x.io",
            "<a>@x.io",
            long_local.as_str(),
            long.as_str(),
        ] {
            assert_eq!(Email::parse(bad), None, "{bad:?}");
        }
    }
}

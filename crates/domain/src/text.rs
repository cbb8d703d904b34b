//! Bounds and shapes of free text: names, slugs and control characters.

/// The longest name of an app, key, plan or permission, in characters.
pub const NAME_CHARS_MAX: usize = 200;

/// Lower-case ASCII words joined by `-`, at most `max` bytes: `Gold Members!` → `gold-members`.
/// Empty if the text has no ASCII letter or digit.
pub fn slug(text: &str, max: usize) -> String {
    let mut slug = String::new();
    for character in text.chars() {
        if slug.len() >= max {
            break;
        }
        if character.is_ascii_alphanumeric() {
            slug.push(character.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}

/// A name is 1 to [`NAME_CHARS_MAX`] characters with no control character in it, because names
/// end up in tables, mails and log lines. Surrounding white space is dropped.
pub fn name(text: &str) -> Option<&str> {
    let trimmed = text.trim();
    let fits = !trimmed.is_empty() && trimmed.chars().count() <= NAME_CHARS_MAX;
    (fits && !trimmed.chars().any(char::is_control)).then_some(trimmed)
}

/// A key of a custom field, table or field: lower-case kebab or snake, 1 to 64 bytes, starting
/// with a letter.
pub fn is_key(text: &str) -> bool {
    let bytes = text.as_bytes();
    (1..=64).contains(&bytes.len())
        && bytes[0].is_ascii_lowercase()
        && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-' || *b == b'_')
}

/// The form in which texts are compared when case does not count: each character in Unicode lower
/// case, by itself, so that both engines and any locale agree.
pub fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// Whether a text can be an id, ours or an imported one: 1 to 64 letters, digits, `_` or `-`. Ids
/// go into URLs and JSON as they are.
pub fn is_id(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_plain() {
        assert_eq!(slug("Gold  Members!", 24), "gold-members");
        assert_eq!(slug("  --  ", 24), "");
        assert_eq!(slug("a very long plan name that goes on", 10), "a-very-lon");
    }

    #[test]
    fn names_hold_no_control_characters() {
        assert_eq!(name("  Backend "), Some("Backend"));
        assert_eq!(name(" \t "), None);
        assert_eq!(name("a\nb"), None);
        assert_eq!(name(&"x".repeat(201)), None);
    }
}

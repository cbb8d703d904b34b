//! JSON written straight into a buffer: the parts that the views of members and records share.

/// Appends a list.
pub(crate) fn list<T>(out: &mut Vec<u8>, items: &[T], mut write: impl FnMut(&mut Vec<u8>, &T)) {
    out.push(b'[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

/// Appends a moment as both vendors print it.
pub(crate) fn time(out: &mut Vec<u8>, at: guildhall_domain::Timestamp) {
    out.push(b'"');
    at.write_iso(out);
    out.push(b'"');
}

/// Appends a text, or null.
pub(crate) fn opt_text(out: &mut Vec<u8>, value: Option<&str>) {
    match value {
        Some(value) => text(out, value),
        None => out.extend_from_slice(b"null"),
    }
}

/// Appends a text in quotes.
pub(crate) fn text(out: &mut Vec<u8>, value: &str) {
    serde_json::to_writer(out, value).expect("text is always written to a buffer");
}

//! Bounds on the free-form parts of a member.

use crate::definitions::Definitions;
use crate::error::AppError;
use guildhall_domain::Code;
use guildhall_domain::custom_field::keep_defined;
use guildhall_domain::email::Email;
use guildhall_domain::json::JsonObject;
use guildhall_domain::member::{
    FIELDS_BYTES_MAX, JSON_BYTES_MAX, META_DATA_KEYS_MAX, URL_BYTES_MAX, VALUE_CHARS_MAX,
};
use serde_json::{Map, Value};

pub(super) type Object = Map<String, Value>;

pub(crate) fn email(text: &str) -> Result<Email, AppError> {
    Email::parse(text).ok_or_else(|| Code::EmailInvalid.into())
}

/// The defined part of `customFields`.
pub(super) fn custom_fields(given: Object, definitions: &Definitions) -> Object {
    keep_defined(given, &definitions.custom_fields)
}

/// `customFields` as they will be stored.
pub(super) fn stored_custom_fields(merged: &Object) -> Result<JsonObject, AppError> {
    bounded("customFields", merged)
}

/// `metaData` as it will be stored.
pub(super) fn meta_data(merged: &Object) -> Result<JsonObject, AppError> {
    if merged.len() > META_DATA_KEYS_MAX {
        let message = format!("metaData can have at most {META_DATA_KEYS_MAX} keys.");
        return Err(AppError::because(Code::BodyInvalid, message));
    }
    bounded("metaData", merged)
}

/// The member JSON as it will be stored.
pub(super) fn json(given: &Object) -> Result<JsonObject, AppError> {
    let json = JsonObject::from_map(given);
    if json.as_str().len() > JSON_BYTES_MAX {
        let message = format!("json can have at most {JSON_BYTES_MAX} bytes.");
        return Err(AppError::because(Code::BodyTooLarge, message));
    }
    Ok(json)
}

/// Where to send a member: an address or a path, of a sane length, without control characters.
pub(super) fn redirect(text: Option<String>) -> Result<Option<String>, AppError> {
    let web = |text: &str| text.starts_with("https://") || text.starts_with("http://");
    // Without a colon it is a path; with one it could be `javascript:`.
    let harmless = |text: &str| text.starts_with('/') || web(text) || !text.contains(':');
    let fits =
        |text: &String| text.len() <= URL_BYTES_MAX && !text.chars().any(char::is_control) && harmless(text);
    match text.filter(|text| !text.is_empty()) {
        Some(text) if !fits(&text) => {
            Err(AppError::because(Code::BodyInvalid, "loginRedirect is not a path or URL."))
        }
        text => Ok(text),
    }
}

/// The address of a picture.
pub(super) fn image(text: Option<String>) -> Result<Option<String>, AppError> {
    let is_url = |text: &String| {
        let web = text.starts_with("https://") || text.starts_with("http://");
        web && text.len() <= URL_BYTES_MAX && !text.chars().any(|c| c.is_control() || c.is_whitespace())
    };
    match text.filter(|text| !text.is_empty()) {
        Some(text) if !is_url(&text) => {
            Err(AppError::because(Code::BodyInvalid, "profileImage must be an http or https URL."))
        }
        text => Ok(text),
    }
}

/// A stored object, to be changed. What cannot be read is a fault, never an empty object.
pub(super) fn stored(object: &JsonObject) -> Result<Object, AppError> {
    object.to_map().ok_or_else(|| AppError::internal("a member's stored JSON is no object"))
}

/// The text of an object whose strings and whose whole are of a sane size, however deep they lie.
fn bounded(part: &str, object: &Object) -> Result<JsonObject, AppError> {
    if object.values().any(has_long_string) {
        let message = format!("A value in {part} is longer than {VALUE_CHARS_MAX} characters.");
        return Err(AppError::because(Code::BodyInvalid, message));
    }
    let json = JsonObject::from_map(object);
    if json.as_str().len() > FIELDS_BYTES_MAX {
        let message = format!("{part} can have at most {FIELDS_BYTES_MAX} bytes.");
        return Err(AppError::because(Code::BodyInvalid, message));
    }
    Ok(json)
}

fn has_long_string(value: &Value) -> bool {
    match value {
        Value::String(text) => text.chars().count() > VALUE_CHARS_MAX,
        Value::Array(items) => items.iter().any(has_long_string),
        Value::Object(object) => object.values().any(has_long_string),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

//! Bounds on the free-form parts of a member.

use crate::definitions::Definitions;
use crate::error::AppError;
use guildhall_domain::Code;
use guildhall_domain::custom_field::keep_defined;
use guildhall_domain::email::Email;
use guildhall_domain::json::JsonObject;
use guildhall_domain::member::{JSON_BYTES_MAX, META_DATA_KEYS_MAX, URL_BYTES_MAX, VALUE_CHARS_MAX};
use serde_json::{Map, Value};

pub(super) type Object = Map<String, Value>;

pub(super) fn email(text: &str) -> Result<Email, AppError> {
    Email::parse(text).ok_or_else(|| Code::EmailInvalid.into())
}

/// The defined part of `customFields`, with strings of a sane length.
pub(super) fn custom_fields(given: Object, definitions: &Definitions) -> Result<Object, AppError> {
    let kept = keep_defined(given, &definitions.custom_fields);
    short_strings("customFields", &kept)?;
    Ok(kept)
}

/// `metaData` as it will be stored.
pub(super) fn meta_data(merged: Object) -> Result<Object, AppError> {
    if merged.len() > META_DATA_KEYS_MAX {
        let message = format!("metaData can have at most {META_DATA_KEYS_MAX} keys.");
        return Err(AppError::because(Code::BodyInvalid, message));
    }
    short_strings("metaData", &merged)?;
    Ok(merged)
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
    let fits = |text: &String| text.len() <= URL_BYTES_MAX && !text.chars().any(char::is_control);
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

fn short_strings(part: &str, object: &Object) -> Result<(), AppError> {
    let too_long = |value: &Value| value.as_str().is_some_and(|text| text.chars().count() > VALUE_CHARS_MAX);
    match object.iter().find(|(_, value)| too_long(value)) {
        None => Ok(()),
        Some(_) => {
            let message = format!("A value in {part} is longer than {VALUE_CHARS_MAX} characters.");
            Err(AppError::because(Code::BodyInvalid, message))
        }
    }
}

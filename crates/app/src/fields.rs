//! Taking typed fields out of a JSON object that a caller sent.

use crate::error::AppError;
use guildhall_domain::Code;
use serde_json::{Map, Value};

/// The fields of a body. Fields that nobody asks for are ignored, as the vendors do.
pub struct Fields(Map<String, Value>);

impl Fields {
    /// The fields of this object.
    pub fn new(object: Map<String, Value>) -> Self {
        Self(object)
    }

    /// The field, unless it is absent or null.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    /// Whether the field is there, and null.
    pub fn is_null(&self, name: &str) -> bool {
        self.0.get(name) == Some(&Value::Null)
    }

    /// A text.
    ///
    /// # Errors
    /// `BodyInvalid` if it is something else, as with all of these.
    pub fn text(&mut self, name: &str) -> Result<Option<String>, AppError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(wrong(name, "a string")),
        }
    }

    /// As [`Fields::text`], but null says to clear: `Some(None)`.
    ///
    /// # Errors
    /// `BodyInvalid`.
    pub fn clearable_text(&mut self, name: &str) -> Result<Option<Option<String>>, AppError> {
        if self.is_null(name) {
            return Ok(Some(None));
        }
        Ok(self.text(name)?.map(Some))
    }

    /// A truth value.
    ///
    /// # Errors
    /// `BodyInvalid`.
    pub fn bool(&mut self, name: &str) -> Result<Option<bool>, AppError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(truth)) => Ok(Some(truth)),
            Some(_) => Err(wrong(name, "true or false")),
        }
    }

    /// An integer.
    ///
    /// # Errors
    /// `BodyInvalid`.
    pub fn int(&mut self, name: &str) -> Result<Option<i64>, AppError> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => value.as_i64().map(Some).ok_or_else(|| wrong(name, "an integer")),
        }
    }

    /// As [`Fields::int`], but null says to clear: `Some(None)`.
    ///
    /// # Errors
    /// `BodyInvalid`.
    pub fn clearable_int(&mut self, name: &str) -> Result<Option<Option<i64>>, AppError> {
        if self.is_null(name) {
            return Ok(Some(None));
        }
        Ok(self.int(name)?.map(Some))
    }

    /// An object.
    ///
    /// # Errors
    /// `BodyInvalid`.
    pub fn object(&mut self, name: &str) -> Result<Option<Map<String, Value>>, AppError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Object(object)) => Ok(Some(object)),
            Some(_) => Err(wrong(name, "an object")),
        }
    }

    /// A list.
    ///
    /// # Errors
    /// `BodyInvalid`.
    pub fn array(&mut self, name: &str) -> Result<Option<Vec<Value>>, AppError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items)),
            Some(_) => Err(wrong(name, "an array")),
        }
    }

    /// A text that must be there.
    ///
    /// # Errors
    /// `BodyInvalid`.
    pub fn required_text(&mut self, name: &str) -> Result<String, AppError> {
        self.text(name)?.ok_or_else(|| AppError::because(Code::BodyInvalid, format!("{name} is required.")))
    }
}

/// The complaint about a field of the wrong type.
pub fn wrong(name: &str, expected: &str) -> AppError {
    AppError::because(Code::BodyInvalid, format!("{name} must be {expected}."))
}

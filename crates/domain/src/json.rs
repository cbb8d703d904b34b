//! JSON as callers send it, read strictly, and JSON as the database keeps it.
//!
//! Strict means: one value and nothing after it, no duplicate keys (two readers could see two
//! different documents), no NUL characters (PostgreSQL text cannot hold them, and no member
//! needs one), no lone surrogates, and no nesting deeper than [`DEPTH_MAX`].

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;

/// How deep arrays and objects may nest.
pub const DEPTH_MAX: usize = 64;

/// Why a body is not JSON that we take. The text is for the caller and holds no part of the body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct JsonError(String);

/// Reads one JSON value from bytes.
///
/// # Errors
/// [`JsonError`] with the reason and the place (line and column).
pub fn parse(bytes: &[u8]) -> Result<Value, JsonError> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { depth: 0 }.deserialize(&mut deserializer).map_err(|error| describe(&error))?;
    deserializer.end().map_err(|error| describe(&error))?;
    Ok(value)
}

fn describe(error: &serde_json::Error) -> JsonError {
    let (line, column) = (error.line(), error.column());
    // serde_json's own wording can quote the input; only our reasons are repeated.
    let text = error.to_string();
    let reason = [NUL, DUPLICATE, TOO_DEEP]
        .into_iter()
        .find(|reason| text.starts_with(*reason))
        .unwrap_or(if error.is_eof() { "ends too early" } else { "is malformed" });
    JsonError(format!("The JSON body {reason} (line {line}, column {column})."))
}

const NUL: &str = "holds a NUL character";
const DUPLICATE: &str = "has the same key twice";
const TOO_DEEP: &str = "is nested too deep";

#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: de::Error>(self) -> Result<Self, E> {
        let depth = self.depth + 1;
        (depth <= DEPTH_MAX).then_some(Self { depth }).ok_or_else(|| E::custom(TOO_DEEP))
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        self.visit_string(value.to_owned())
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Value, E> {
        without_nul(value).map(Value::String)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let key = without_nul(key)?;
            let value = access.next_value_seed(inner)?;
            if map.insert(key, value).is_some() {
                return Err(de::Error::custom(DUPLICATE));
            }
        }
        Ok(Value::Object(map))
    }
}

fn without_nul<E: de::Error>(text: String) -> Result<String, E> {
    if text.contains('\0') {
        return Err(E::custom(NUL));
    }
    Ok(text)
}

/// The text of a JSON object that was valid when it was stored; written out as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonObject(String);

impl JsonObject {
    /// `{}`
    pub fn empty() -> Self {
        Self("{}".into())
    }

    /// The compact text of a map.
    pub fn from_map(map: &Map<String, Value>) -> Self {
        Self(serde_json::to_string(map).expect("a map of JSON values always serialises"))
    }

    /// As stored. The database only ever holds what [`JsonObject::from_map`] wrote.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Parsed, to be changed. Nothing if the stored text is no object.
    pub fn to_map(&self) -> Option<Map<String, Value>> {
        serde_json::from_str(&self.0).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_documents_come_through_in_order() {
        let text = r#"{"b":1,"a":[true,null,-2.5,"x\u00e9😀"],"c":{"d":18446744073709551615}}"#;
        let value = parse(text.as_bytes()).expect("valid");
        assert_eq!(
            value.to_string(),
            "{\"b\":1,\"a\":[true,null,-2.5,\"xé😀\"],\"c\":{\"d\":18446744073709551615}}"
        );
    }

    #[test]
    fn what_is_ambiguous_or_dangerous_is_refused() {
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        for (bad, reason) in [
            (r#"{"a":1,"a":2}"#, "same key twice"),
            (r#"{"a":"\u0000"}"#, "NUL"),
            (r#"{"\u0000":1}"#, "NUL"),
            (r#"{"a":"\ud800"}"#, "malformed"),
            (r#"{"a":NaN}"#, "malformed"),
            ("{bad", "malformed"),
            ("{\"a\":", "ends too early"),
            ("", "ends too early"),
            ("{} {}", "malformed"),
            (deep.as_str(), "too deep"),
        ] {
            let error = parse(bad.as_bytes()).expect_err("refused").to_string();
            assert!(error.contains(reason), "{error} for {:.40}", bad);
        }
    }

    #[test]
    fn reasons_do_not_quote_the_body() {
        let error = parse(br#"{"password":"hunter2",secret}"#).expect_err("refused");
        assert!(!error.to_string().contains("hunter2") && !error.to_string().contains("secret"));
    }
}

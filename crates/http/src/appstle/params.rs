//! The parameters of a query, typed. This dialect sends nearly everything in the query, also with PUT.
//!
//! A parameter that is missing or of another type is 400 with `error.http.400` and a detail that names it (wire
//! contract C.0). What was sent is not repeated: it may hold what must not be shown.

use super::problem::Problem;
use axum::http::Uri;
use guildhall_domain::{Timestamp, record};
use std::borrow::Cow;

/// The parameter that carries a key. Nobody but the door reads it.
pub(super) const API_KEY: &str = "api_key";
/// More parameters than this are no query of this dialect.
const PARAMETERS_MAX: usize = 200;
/// A day, less the smallest step of time.
const REST_OF_DAY_US: i64 = 86_400_000_000 - 1;

/// The parameters, decoded, in the order they were sent.
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// Reads them. 400 if one is not percent-encoded UTF-8.
    pub fn of(uri: &Uri) -> Result<Self, Problem> {
        let parts = uri.query().unwrap_or_default().split('&').filter(|part| !part.is_empty());
        let mut pairs = Vec::new();
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let name = decoded(name)
                .ok_or_else(|| Problem::parameter("A parameter's name is not encoded as UTF-8."))?;
            if name == API_KEY {
                continue;
            }
            let value = decoded(value).ok_or_else(|| {
                Problem::parameter(format!("Parameter '{}' is not encoded as UTF-8.", shown(&name)))
            })?;
            pairs.push((name, value));
        }
        if pairs.len() > PARAMETERS_MAX {
            return Err(Problem::parameter(format!("There are more than {PARAMETERS_MAX} parameters.")));
        }
        Ok(Self(pairs))
    }

    /// Every value of a parameter that may be sent more than once.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All of them, in the order they were sent.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A text; an empty one is a text.
    pub fn text(&self, name: &str) -> Result<Option<&str>, Problem> {
        let mut values = self.all(name);
        let value = values.next();
        if values.next().is_some() {
            return Err(Problem::parameter(format!("Parameter '{name}' is sent more than once.")));
        }
        if value.is_some_and(|text| text.contains('\0')) {
            return Err(expected(name, "text without NUL characters"));
        }
        Ok(value)
    }

    /// A text that must be there.
    pub fn required_text(&self, name: &str) -> Result<&str, Problem> {
        self.text(name)?.ok_or_else(|| missing(name))
    }

    /// What is not there or empty is none, for everything but texts.
    fn given(&self, name: &str) -> Result<Option<&str>, Problem> {
        Ok(self.text(name)?.filter(|text| !text.is_empty()))
    }

    /// A whole number of 64 bits.
    pub fn number(&self, name: &str) -> Result<Option<i64>, Problem> {
        self.given(name)?.map(|text| whole_number(name, text)).transpose()
    }

    /// A list of whole numbers, with commas or sent more than once.
    pub fn numbers(&self, name: &str) -> Result<Vec<i64>, Problem> {
        let texts = self.all(name).flat_map(|value| value.split(',')).filter(|text| !text.is_empty());
        texts.map(|text| whole_number(name, text)).collect()
    }

    /// One of these words, in any case.
    pub fn choice<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Result<Option<T>, Problem> {
        self.given(name)?.map(|text| one_of(name, text, words)).transpose()
    }

    /// Any number of these words, with commas or sent more than once. Nothing if the parameter is not there.
    pub fn choices<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Result<Option<Vec<T>>, Problem> {
        let mut chosen = None;
        for text in self.all(name).flat_map(|value| value.split(',')).filter(|text| !text.is_empty()) {
            chosen.get_or_insert_with(Vec::new).push(one_of(name, text, words)?);
        }
        Ok(chosen)
    }

    /// `true` or `false`, in any case.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, Problem> {
        self.choice(name, &[("true", true), ("false", false)])
    }

    /// A point in time: a date-time with its zone, `yyyy-MM-dd'T'HH:mm:ssXXX`, or a day, which means its beginning in
    /// UTC. For the first moment of a range.
    pub fn since(&self, name: &str) -> Result<Option<Timestamp>, Problem> {
        Ok(self.moment(name)?.map(|(moment, _)| moment))
    }

    /// As [`Params::since`], but a day means its end. For the last moment of a range.
    pub fn until(&self, name: &str) -> Result<Option<Timestamp>, Problem> {
        let end =
            |(moment, day): (Timestamp, bool)| if day { moment.plus_micros(REST_OF_DAY_US) } else { moment };
        Ok(self.moment(name)?.map(end))
    }

    fn moment(&self, name: &str) -> Result<Option<(Timestamp, bool)>, Problem> {
        let read = |text| moment(text).ok_or_else(|| expected(name, "a date such as 2026-03-01T00:00:00Z"));
        self.given(name)?.map(read).transpose()
    }
}

/// A moment, and whether it was written as a day.
fn moment(text: &str) -> Option<(Timestamp, bool)> {
    let is_day = text.len() == 10;
    let zoned =
        text.ends_with('Z') || text.len().checked_sub(6).is_some_and(|at| at > 10 && is_sign(text, at));
    let is_instant = zoned && text.as_bytes().get(10) == Some(&b'T');
    (is_day || is_instant).then(|| record::date(text)).flatten().map(|moment| (moment, is_day))
}

fn is_sign(text: &str, at: usize) -> bool {
    matches!(text.as_bytes().get(at), Some(b'+' | b'-'))
}

fn one_of<T: Copy>(name: &str, text: &str, words: &[(&str, T)]) -> Result<T, Problem> {
    let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
    found.map(|(_, meaning)| *meaning).ok_or_else(|| {
        let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        expected(name, &format!("one of {}", words.join(", ")))
    })
}

/// A whole number of 64 bits, in digits alone.
pub(super) fn whole_number(name: &str, text: &str) -> Result<i64, Problem> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten().ok_or_else(|| expected(name, "a whole number"))
}

/// The complaint about a parameter that must be there.
pub(super) fn missing(name: &str) -> Problem {
    Problem::parameter(format!("Required parameter '{name}' is not present."))
}

/// The complaint about a parameter of another type.
pub(super) fn expected(name: &str, what: &str) -> Problem {
    Problem::parameter(format!("Parameter '{}' must be {what}.", shown(name)))
}

/// A name that somebody sent, as far as it is fit to be shown.
fn shown(name: &str) -> Cow<'_, str> {
    let plain = name.len() <= 40 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if plain { name.into() } else { "?".into() }
}

/// A part of a query: `+` is a space, `%` and two digits a byte. Nothing if it is not that, or no UTF-8.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let (high, low) = (rest.next()?, rest.next()?);
                (digit(high)? << 4) | digit(low)?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

fn digit(hex: u8) -> Option<u8> {
    char::from(hex).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(query: &str) -> Result<Params, Problem> {
        Params::of(&format!("/x?{query}").parse().expect("a URI"))
    }

    fn good(query: &str) -> Params {
        params(query).expect("it can be read")
    }

    #[test]
    fn encoding_is_read_strictly_and_the_key_not_at_all() {
        assert_eq!(good("a=b+c%20d%C3%A9").text("a").expect("one"), Some("b c d\u{e9}"));
        for bad in ["a=%", "a=%4", "a=%GG", "a=%FF", "%FF=a", "a=%ED%A0%80"] {
            assert!(params(bad).is_err(), "{bad}");
        }
        assert_eq!(good("api_key=%FF&a=1").number("a").expect("one"), Some(1));
        assert!(params(&"a=1&".repeat(201)).is_err());
    }

    #[test]
    fn what_is_sent_twice_is_refused_unless_it_is_a_list() {
        let twice = good("a=1&a=1&b=1,2&b=3");
        assert!(twice.number("a").is_err());
        assert_eq!(twice.numbers("b").expect("a list"), [1, 2, 3]);
    }

    #[test]
    fn numbers_are_digits() {
        for (text, number) in
            [("7", Some(7)), ("-7", Some(-7)), ("9223372036854775807", Some(i64::MAX)), ("", None)]
        {
            assert_eq!(good(&format!("a={text}")).number("a").expect(text), number);
        }
        for bad in ["%2B1", "1.0", "1e3", "0x1", "9223372036854775808", "%201", "1%20", "-", "abc", "%D9%A1"]
        {
            assert!(good(&format!("a={bad}")).number("a").is_err(), "{bad}");
        }
        assert!(good("").number("a").expect("none").is_none());
        assert!(good("").required_text("a").is_err());
    }

    #[test]
    fn words_are_known_in_any_case() {
        let words = [("ACTIVE", 1), ("PAUSED", 2)];
        assert_eq!(good("a=Active").choice("a", &words).expect("one"), Some(1));
        assert_eq!(good("a=active,PAUSED").choices("a", &words).expect("two"), Some(vec![1, 2]));
        assert_eq!(good("a=").choices("a", &words).expect("none"), None);
        assert!(good("a=act").choice("a", &words).is_err());
        assert_eq!(good("a=TRUE").flag("a").expect("one"), Some(true));
        assert!(good("a=1").flag("a").is_err());
    }

    #[test]
    fn moments_have_a_zone_or_are_days() {
        let at =
            |text: &str| good(&format!("a={text}")).since("a").map(|moment| moment.map(Timestamp::to_iso));
        assert_eq!(at("2026-03-01T10:00:00Z").expect("one").as_deref(), Some("2026-03-01T10:00:00.000Z"));
        assert_eq!(
            at("2026-03-01T10:00:00%2B05:30").expect("one").as_deref(),
            Some("2026-03-01T04:30:00.000Z")
        );
        assert_eq!(at("2026-03-01").expect("one").as_deref(), Some("2026-03-01T00:00:00.000Z"));
        let until = good("a=2026-03-01").until("a").expect("one").map(Timestamp::to_iso);
        assert_eq!(until.as_deref(), Some("2026-03-01T23:59:59.999Z"));
        for bad in [
            "2024-13-01",
            "2026-03-01T10:00:00",
            "2026-03-01T10:00:00+05:30",
            "2026-02-30",
            "now",
            "1",
            "20260301T1",
        ] {
            assert!(at(bad).is_err(), "{bad}");
        }
    }
}

//! What a form or a query says: pairs of names and values, each name any number of times.

use guildhall_app::AppError;
use guildhall_domain::Code;

/// The pairs, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads `application/x-www-form-urlencoded`.
    pub fn parse(encoded: &[u8]) -> Self {
        Self(form_urlencoded::parse(encoded).into_owned().collect())
    }

    pub fn push(&mut self, name: String, value: String) {
        self.0.push((name, value));
    }

    /// The first value under a name; empty if there is none.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The first value under a name, without the white space around it, if anything is left.
    pub fn text(&self, name: &str) -> Option<String> {
        Some(self.get(name).trim()).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// Every value under a name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether a box was ticked.
    pub fn ticked(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// Whether a name is there with this value.
    pub fn says(&self, name: &str, wanted: &str) -> bool {
        self.all(name).any(|value| value == wanted)
    }

    /// A whole number, if anything was given.
    ///
    /// # Errors
    /// `InputInvalid`, naming the field by its label.
    pub fn int(&self, name: &str, label: &str) -> Result<Option<i64>, AppError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let number = text.parse();
        let wrong = |_| AppError::because(Code::InputInvalid, format!("{label} must be a whole number."));
        number.map(Some).map_err(wrong)
    }

    /// Names that begin with a prefix, without it, and their values.
    pub fn under<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let pairs = self.0.iter();
        pairs.filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value.as_str())))
    }

    /// Only the first pair of each of these names, as far as it is filled.
    pub fn only(&self, names: &[&str]) -> Self {
        let kept = names.iter().filter_map(|name| Some(((*name).to_owned(), self.text(name)?)));
        Self(kept.collect())
    }

    /// The pairs as a query, without those of some names and those that are empty.
    pub fn query_without(&self, names: &[&str]) -> String {
        let mut out = form_urlencoded::Serializer::new(String::new());
        let kept = |known: &str, value: &str| !names.contains(&known) && !value.is_empty();
        for (known, value) in self.0.iter().filter(|(known, value)| kept(known, value)) {
            out.append_pair(known, value);
        }
        out.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_come_often_and_values_may_be_empty() {
        let form = Form::parse(b"scope=members&scope=tables&name=+CRM+&rate=&tick=on&field.a=1");
        assert_eq!(form.all("scope").collect::<Vec<_>>(), ["members", "tables"]);
        assert_eq!(form.text("name").as_deref(), Some("CRM"));
        assert_eq!((form.text("rate"), form.get("none")), (None, ""));
        assert!(form.ticked("tick") && form.says("scope", "tables") && !form.says("scope", "x"));
        assert_eq!(form.under("field.").collect::<Vec<_>>(), [("a", "1")]);
        assert_eq!(form.int("rate", "Rate").ok(), Some(None));
        assert!(form.int("name", "Name").is_err());
        assert_eq!(form.query_without(&["scope"]), "name=+CRM+&tick=on&field.a=1");
    }
}

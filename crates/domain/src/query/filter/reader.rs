//! From JSON to a filter: every condition is checked against the field it speaks of, and counted.

use super::subject::Subject;
use super::{CONDITIONS_MAX, Comparison, DEPTH_MAX, Filter, VALUES_MAX};
use crate::Code;
use crate::data_table::DataTable;
use crate::query::refused;
use crate::record::{self, FieldValue};
use crate::refusal::Refusal;
use serde_json::{Map, Value};

/// Reads conditions, and counts them.
pub(super) struct Reader<'t> {
    table: &'t DataTable,
    conditions: usize,
    values: usize,
}

impl<'t> Reader<'t> {
    pub(super) fn of(table: &'t DataTable) -> Self {
        Self { table, conditions: 0, values: 0 }
    }

    pub(super) fn read(mut self, given: &Value) -> Result<Filter, Refusal> {
        self.group(given, 0)
    }

    /// An object of conditions, all of which must hold.
    fn group(&mut self, given: &Value, depth: usize) -> Result<Filter, Refusal> {
        let Value::Object(conditions) = given else {
            return Err(refused("where must be an object of conditions"));
        };
        if depth > DEPTH_MAX {
            return Err(refused(format!("where may be nested at most {DEPTH_MAX} deep")));
        }
        let mut parts = Vec::with_capacity(conditions.len());
        for (name, value) in conditions {
            parts.push(match name.as_str() {
                "AND" => Filter::All(self.groups(value, depth + 1)?),
                // Of one condition there is no choice, so an object here is a slip.
                "OR" if !value.is_array() => return Err(refused("OR must be a list of conditions")),
                "OR" => Filter::Any(self.groups(value, depth + 1)?),
                "NOT" => {
                    let groups = self.groups(value, depth + 1)?;
                    Filter::All(groups.into_iter().map(|group| Filter::Not(Box::new(group))).collect())
                }
                name => self.conditions(name, value)?,
            });
        }
        Ok(single(parts))
    }

    /// A list of groups, or one.
    fn groups(&mut self, given: &Value, depth: usize) -> Result<Vec<Filter>, Refusal> {
        match given {
            Value::Array(groups) => {
                let mut read = Vec::new();
                for group in groups {
                    let before = self.conditions;
                    read.push(self.group(group, depth)?);
                    if self.conditions == before {
                        // A long list of groups that say nothing is still a long list.
                        self.count_condition()?;
                    }
                }
                Ok(read)
            }
            one => Ok(vec![self.group(one, depth)?]),
        }
    }

    /// What is said about one operand: a value, or an object of operators.
    fn conditions(&mut self, name: &str, value: &Value) -> Result<Filter, Refusal> {
        let subject = Subject::named(name, self.table)?;
        match value {
            Value::Object(operators) => self.operators(&subject, operators, 0),
            value => self.equal(&subject, value, false),
        }
    }

    fn operators(
        &mut self,
        subject: &Subject<'_>,
        operators: &Map<String, Value>,
        depth: usize,
    ) -> Result<Filter, Refusal> {
        if depth > DEPTH_MAX {
            return Err(refused(format!("not may be nested at most {DEPTH_MAX} deep")));
        }
        let insensitive = match operators.get("mode") {
            None => false,
            Some(Value::String(mode)) if mode == "default" => false,
            Some(Value::String(mode)) if mode == "insensitive" => true,
            Some(_) => return Err(refused("mode must be \"insensitive\" or \"default\"")),
        };
        if operators.contains_key("mode") && !subject.is_text() {
            return Err(refused(format!("mode is for text; {} holds none", subject.name)));
        }
        let mut parts = Vec::with_capacity(operators.len());
        for (operator, value) in operators.iter().filter(|(operator, _)| *operator != "mode") {
            parts.push(self.operator(subject, operator, value, insensitive, depth)?);
        }
        Ok(single(parts))
    }

    fn operator(
        &mut self,
        subject: &Subject<'_>,
        operator: &str,
        value: &Value,
        insensitive: bool,
        depth: usize,
    ) -> Result<Filter, Refusal> {
        type Make = fn(FieldValue) -> Comparison;
        let ordered: Option<Make> = match operator {
            "lt" => Some(Comparison::Less),
            "lte" => Some(Comparison::LessOrEqual),
            "gt" => Some(Comparison::Greater),
            "gte" => Some(Comparison::GreaterOrEqual),
            _ => None,
        };
        if let Some(make) = ordered {
            if !subject.is_ordered() {
                return Err(refused(format!("{operator} does not apply to {}", subject.name)));
            }
            let value = self.value(subject, value)?;
            return self.condition(subject, make(value), insensitive);
        }
        match operator {
            "equals" => self.equal(subject, value, insensitive),
            "not" => match value {
                Value::Null => self.condition(subject, Comparison::NotNull, false),
                Value::Object(operators) => {
                    let mut inner = operators.clone();
                    if insensitive {
                        inner.insert("mode".into(), "insensitive".into());
                    }
                    let inner = self.operators(subject, &inner, depth + 1)?;
                    Ok(Filter::Not(Box::new(inner)))
                }
                value => Ok(Filter::Not(Box::new(self.equal(subject, value, insensitive)?))),
            },
            "in" => self.one_of(subject, value, insensitive),
            "notIn" => Ok(Filter::Not(Box::new(self.one_of(subject, value, insensitive)?))),
            "contains" | "startsWith" | "endsWith" | "search" => {
                self.text(subject, operator, value, insensitive)
            }
            _ => Err(refused(format!(
                "An operator on {} is not known; known are equals, not, in, notIn, lt, lte, gt, gte, contains, \
                 startsWith, endsWith, search and mode",
                subject.name
            ))),
        }
    }

    fn equal(&mut self, subject: &Subject<'_>, value: &Value, insensitive: bool) -> Result<Filter, Refusal> {
        if value.is_null() {
            return self.condition(subject, Comparison::Null, false);
        }
        let value = self.value(subject, value)?;
        self.condition(subject, Comparison::Equal(value), insensitive)
    }

    fn one_of(&mut self, subject: &Subject<'_>, value: &Value, insensitive: bool) -> Result<Filter, Refusal> {
        let Value::Array(items) = value else {
            return Err(refused(format!("in and notIn take a list of values for {}", subject.name)));
        };
        let values = items.iter().map(|item| self.value(subject, item)).collect::<Result<_, _>>()?;
        self.condition(subject, Comparison::In(values), insensitive)
    }

    /// The operators for parts of a text.
    fn text(
        &mut self,
        subject: &Subject<'_>,
        operator: &str,
        value: &Value,
        insensitive: bool,
    ) -> Result<Filter, Refusal> {
        if !subject.is_text() {
            return Err(refused(format!("{operator} is for text; {} holds none", subject.name)));
        }
        let text = value.as_str().filter(|text| text.chars().count() <= record::FILTERABLE_CHARS_MAX);
        let text = text.ok_or_else(|| {
            let message = format!("{operator} takes a text of at most 255 characters.");
            Refusal::because(Code::FieldValueInvalid, message)
        })?;
        self.count_value()?;
        let text = text.to_owned();
        match operator {
            "contains" => self.condition(subject, Comparison::Contains(text), insensitive),
            "startsWith" => self.condition(subject, Comparison::StartsWith(text), insensitive),
            "endsWith" => self.condition(subject, Comparison::EndsWith(text), insensitive),
            // Every word, wherever it stands.
            _ => {
                let words = text.split_whitespace();
                let found = words.map(|word| {
                    self.count_value()?;
                    self.condition(subject, Comparison::Contains(word.to_owned()), true)
                });
                Ok(single(found.collect::<Result<_, _>>()?))
            }
        }
    }

    fn value(&mut self, subject: &Subject<'_>, value: &Value) -> Result<FieldValue, Refusal> {
        self.count_value()?;
        subject.value(value)
    }

    fn condition(
        &mut self,
        subject: &Subject<'_>,
        comparison: Comparison,
        insensitive: bool,
    ) -> Result<Filter, Refusal> {
        self.count_condition()?;
        let comparison = if insensitive { comparison.ignoring_case() } else { comparison };
        Ok(Filter::Is(subject.operand, comparison))
    }

    fn count_condition(&mut self) -> Result<(), Refusal> {
        self.conditions += 1;
        match self.conditions <= CONDITIONS_MAX {
            true => Ok(()),
            false => Err(refused(format!("where may have at most {CONDITIONS_MAX} conditions"))),
        }
    }

    fn count_value(&mut self) -> Result<(), Refusal> {
        self.values += 1;
        match self.values <= VALUES_MAX {
            true => Ok(()),
            false => Err(refused(format!("where may have at most {VALUES_MAX} values"))),
        }
    }
}

/// One part by itself, or all of several.
fn single(mut parts: Vec<Filter>) -> Filter {
    match parts.len() {
        1 => parts.remove(0),
        _ => Filter::All(parts),
    }
}

//! What JSON may look like, said once: the same shape checks a body and is its schema in `/openapi.json`.
//!
//! A shape finds every fault of a value at once. What it lets through, serde reads; anything else is a mistake of ours.

use serde_json::{Map, Value};

use super::fault::Faults;
use super::text::Text;

/// What a value may be.
#[derive(Debug, Clone)]
pub(crate) enum Shape {
    /// Text of some form.
    Text(Text),
    /// One of these words.
    Word(&'static [&'static str]),
    /// A whole number within these bounds; `5.0` is one.
    Whole(i64, i64),
    /// A number within these bounds.
    Real(f64, f64),
    /// True or false.
    Flag,
    /// Null, or that.
    Maybe(Box<Shape>),
    /// At most so many of that.
    List(Box<Shape>, usize),
    /// Named members.
    Object(Object),
    /// One of these objects; the member of that name, a [`Word`](Self::Word) of one, tells which.
    Union(&'static str, Vec<Object>),
    /// Any object of at most so many bytes of JSON.
    Free(usize),
    /// Any object: only ever sent by us.
    Open,
}

/// What somebody wants to remember of a thing.
pub(crate) const METADATA: Shape = Shape::Free(4096);

/// One member of an object.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) doc: String,
    pub(super) required: bool,
    pub(super) default: Option<Value>,
}

/// Named members, and nothing else.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(super) doc: &'static str,
    pub(super) fields: Vec<Field>,
    /// Members that are known but cannot be changed: naming them is a fault of its own kind.
    pub(super) fixed: &'static [&'static str],
    pub(super) members_min: usize,
    pub(super) example: Option<Value>,
    rules: Option<Rules>,
}

/// What no single member can break.
type Rules = fn(&Map<String, Value>, &mut Faults);

impl Object {
    /// Begins an object; `doc` says what it is.
    pub(crate) fn new(doc: &'static str) -> Self {
        Self { doc, fields: Vec::new(), fixed: &[], members_min: 0, example: None, rules: None }
    }

    /// A member that must be there.
    pub(crate) fn must(self, name: &'static str, shape: Shape, doc: &str) -> Self {
        self.field(Field { name, shape, doc: doc.to_owned(), required: true, default: None })
    }

    /// A member that may be left out, and what it is then.
    pub(crate) fn may(self, name: &'static str, shape: Shape, default: Value, doc: &str) -> Self {
        self.field(Field { name, shape, doc: doc.to_owned(), required: false, default: Some(default) })
    }

    /// One more member.
    pub(crate) fn field(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }

    /// Something that fits it.
    pub(crate) fn example(mut self, example: Value) -> Self {
        self.example = Some(example);
        self
    }

    /// What holds between its members; told with every other fault.
    pub(crate) fn rules(mut self, rules: Rules) -> Self {
        self.rules = Some(rules);
        self
    }

    /// What changes such an object: any of its members, at least one.
    pub(crate) fn patch(mut self, doc: &'static str, fixed: &'static [&'static str], example: Value) -> Self {
        for field in &mut self.fields {
            (field.required, field.default) = (false, None);
        }
        Self { doc, fixed, members_min: 1, example: Some(example), rules: None, ..self }
    }

    /// The same as it is shown: every member is there, after an id and before the times.
    pub(crate) fn shown(self, doc: &'static str, first: Self) -> Self {
        let mut fields = first.fields;
        fields.extend(self.fields.into_iter().map(|field| Field { required: true, default: None, ..field }));
        Self { fields, ..Self::new(doc) }
    }

    fn check(&self, members: &mut Map<String, Value>, faults: &mut Faults) {
        if members.len() < self.members_min {
            faults.here("too_few", format!("is empty: name at least one of {}", self.names()));
        }
        for name in members.keys() {
            if self.fixed.contains(&name.as_str()) {
                faults.of(name, "read_only", "cannot be changed: leave it out");
            } else if !self.fields.iter().any(|field| field.name == name) {
                faults.of(name, "unknown_field", format!("is not known here; known are {}", self.names()));
            }
        }
        for field in &self.fields {
            match members.get_mut(field.name) {
                Some(value) => faults.within(field.name, |faults| field.shape.check(value, faults)),
                None if field.required => faults.of(field.name, "missing", format!("is missing: {}", field.doc)),
                None => {
                    if let Some(default) = &field.default {
                        members.insert(field.name.to_owned(), default.clone());
                    }
                }
            }
        }
        if let Some(rules) = self.rules {
            rules(members, faults);
        }
    }

    /// Whether there is nothing to say.
    pub(super) fn takes_nothing(&self) -> bool {
        self.fields.is_empty()
    }

    fn names(&self) -> String {
        self.fields.iter().map(|field| field.name).collect::<Vec<_>>().join(", ")
    }
}

impl Shape {
    /// Null, or that.
    pub(crate) fn or_null(self) -> Self {
        Self::Maybe(Box::new(self))
    }

    /// At most `max` of that.
    pub(crate) fn list(self, max: usize) -> Self {
        Self::List(Box::new(self), max)
    }

    /// Finds every fault of `value`; writes whole numbers as such, and what was left out as what it is then.
    pub(crate) fn check(&self, value: &mut Value, faults: &mut Faults) {
        match (self, value) {
            (Self::Maybe(_), Value::Null) | (Self::Flag, Value::Bool(_)) | (Self::Open, Value::Object(_)) => {}
            (Self::Free(max), value @ Value::Object(_)) => {
                let bytes = value.to_string().len();
                if bytes > *max {
                    faults.here("too_long", format!("has {bytes} bytes as JSON, at most {max} are allowed"));
                }
            }
            (Self::Maybe(shape), value) => shape.check(value, faults),
            (Self::Text(text), Value::String(value)) => text.check(value, faults),
            (Self::Word(words), Value::String(word)) if words.contains(&word.as_str()) => {}
            (Self::Word(words), Value::String(_)) => {
                faults.here("not_one_of", format!("is none of {}", words.join(", ")))
            }
            (Self::Whole(min, max), value @ Value::Number(_)) => check_whole(*min, *max, value, faults),
            (Self::Real(min, max), Value::Number(number)) => {
                if !number.as_f64().is_some_and(|number| (*min..=*max).contains(&number)) {
                    faults.here("out_of_bounds", format!("is not from {min} to {max}"));
                }
            }
            (Self::List(shape, max), Value::Array(items)) => check_list(shape, *max, items, faults),
            (Self::Object(object), Value::Object(members)) => object.check(members, faults),
            (Self::Union(tag, objects), Value::Object(members)) => check_union(tag, objects, members, faults),
            (shape, value) => faults.here("wrong_type", format!("is {}, not {}", kind(value), shape.wanted())),
        }
    }

    /// What kind of value it wants, in words.
    fn wanted(&self) -> &'static str {
        match self {
            Self::Text(_) | Self::Word(_) => "a string",
            Self::Whole(..) => "a whole number",
            Self::Real(..) => "a number",
            Self::Flag => "true or false",
            Self::Maybe(shape) => shape.wanted(),
            Self::List(..) => "a list",
            Self::Object(_) | Self::Union(..) | Self::Free(_) | Self::Open => "an object",
        }
    }
}

fn check_whole(min: i64, max: i64, value: &mut Value, faults: &mut Faults) {
    #[allow(clippy::cast_possible_truncation, reason = "a float beyond the bounds saturates to one beyond them")]
    let whole = value.as_i64().or_else(|| value.as_f64().filter(|number| number.fract() == 0.0).map(|n| n as i64));
    match whole {
        Some(number) if (min..=max).contains(&number) => *value = number.into(),
        Some(_) => faults.here("out_of_bounds", format!("is not from {min} to {max}")),
        None if value.is_u64() => faults.here("out_of_bounds", format!("is not from {min} to {max}")),
        None => faults.here("wrong_type", "is not a whole number"),
    }
}

fn check_list(shape: &Shape, max: usize, items: &mut [Value], faults: &mut Faults) {
    if items.len() > max {
        faults.here("too_many", format!("has {} entries, at most {max} are allowed", items.len()));
    }
    for (at, item) in items.iter_mut().take(max).enumerate() {
        faults.within(&at.to_string(), |faults| shape.check(item, faults));
    }
}

fn check_union(tag: &str, objects: &[Object], members: &mut Map<String, Value>, faults: &mut Faults) {
    let words: Vec<&str> = objects.iter().filter_map(|object| object.tag(tag)).collect();
    let word = match members.get(tag) {
        Some(Value::String(word)) => word.clone(),
        Some(other) => return faults.of(tag, "wrong_type", format!("is {}, not a string", kind(other))),
        None => return faults.of(tag, "missing", format!("is missing: one of {}", words.join(", "))),
    };
    match objects.iter().find(|object| object.tag(tag) == Some(&word)) {
        Some(object) => object.check(members, faults),
        None => faults.of(tag, "not_one_of", format!("is none of {}", words.join(", "))),
    }
}

impl Object {
    /// The word by which a union knows this object.
    pub(super) fn tag(&self, tag: &str) -> Option<&'static str> {
        self.fields.iter().find(|field| field.name == tag).and_then(|field| match &field.shape {
            Shape::Word([word]) => Some(*word),
            _ => None,
        })
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults(shape: &Shape, mut value: Value) -> Vec<(String, &'static str)> {
        let mut faults = Faults::default();
        shape.check(&mut value, &mut faults);
        let found = faults.into_result().err().unwrap_or_default();
        found.into_iter().map(|fault| (fault.pointer.unwrap_or_default(), fault.code)).collect()
    }

    #[test]
    fn every_fault_is_found_at_its_place() {
        let object = Object::new("Something.")
            .must("name", Shape::Text(Text::line(1, 5)), "What it is called.")
            .must("size", Shape::Whole(1, 9), "How large it is.")
            .may("tags", Shape::Word(&["a", "b"]).list(2), json!([]), "What it is.");
        let shape = Shape::Object(object);
        assert_eq!(faults(&shape, json!({"name": "x", "size": 5.0})), []);
        let wrong = json!({"name": "", "size": 1.5, "tags": ["a", 1, "b"], "more": null});
        let expected =
            [("/more", "unknown_field"), ("/name", "too_short"), ("/size", "wrong_type"), ("/tags", "too_many")];
        let expected = expected.into_iter().chain([("/tags/1", "wrong_type")]);
        assert_eq!(faults(&shape, wrong), expected.map(|(at, code)| (at.to_owned(), code)).collect::<Vec<_>>());
        assert_eq!(faults(&shape, json!({"name": "x"})), [("/size".to_owned(), "missing")]);
        assert_eq!(faults(&shape, json!(null)), [(String::new(), "wrong_type")]);
    }

    #[test]
    fn whole_numbers_are_whole_however_they_are_written() {
        for (value, code) in
            [(json!(0), "out_of_bounds"), (json!(u64::MAX), "out_of_bounds"), (json!(1e300), "out_of_bounds")]
        {
            assert_eq!(faults(&Shape::Whole(1, 9), value), [(String::new(), code)]);
        }
    }

    #[test]
    fn a_free_object_is_bounded() {
        let longest = json!({"k": "x".repeat(4096 - 8)});
        assert_eq!(faults(&METADATA, longest), []);
        assert_eq!(faults(&METADATA, json!({"k": "x".repeat(4096 - 7)})), [(String::new(), "too_long")]);
        assert_eq!(faults(&METADATA, json!([])), [(String::new(), "wrong_type")]);
    }

    #[test]
    fn a_union_is_told_by_its_tag() {
        let one = |word: &'static [&'static str]| Object::new("One.").must("do", Shape::Word(word), "Which.");
        let shape = Shape::Union("do", vec![one(&["go"]).must("to", Shape::Flag, "Where."), one(&["stay"])]);
        assert_eq!(faults(&shape, json!({"do": "stay"})), []);
        assert_eq!(faults(&shape, json!({"do": "go"})), [("/to".to_owned(), "missing")]);
        assert_eq!(faults(&shape, json!({"do": "fly"})), [("/do".to_owned(), "not_one_of")]);
        assert_eq!(faults(&shape, json!({})), [("/do".to_owned(), "missing")]);
    }
}

//! Shapes as JSON Schema (2020-12, as OpenAPI 3.1 has it).

use serde_json::{Map, Value, json};

use super::shape::{Field, Object, Shape};
use super::text::{Form, Text};

/// Which way the value goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// To us: bounds and patterns.
    In,
    /// From us: numbers may be masked, and bounds are ours to keep.
    Out,
}

/// The schema of an object.
pub(super) fn object(object: &Object, way: Way) -> Value {
    let required: Vec<&str> = object.fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    let properties: Map<String, Value> =
        object.fields.iter().map(|field| (field.name.to_owned(), member(field, way))).collect();
    let mut schema =
        json!({"type": "object", "description": object.doc, "properties": properties, "additionalProperties": false});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    if object.members_min > 0 {
        schema["minProperties"] = json!(object.members_min);
    }
    if let Some(example) = &object.example {
        schema["examples"] = json!([example]);
    }
    schema
}

fn member(field: &Field, way: Way) -> Value {
    let mut schema = shape(&field.shape, way);
    if let Value::Object(members) = &mut schema {
        members.insert("description".into(), json!(field.doc));
        if let Some(default) = &field.default {
            members.insert("default".into(), default.clone());
        }
    }
    schema
}

/// The schema of a shape.
pub(super) fn shape(of: &Shape, way: Way) -> Value {
    match of {
        Shape::Text(form) => text(form, way),
        Shape::Word(words) => json!({"type": "string", "enum": words}),
        Shape::Whole(min, max) => json!({"type": "integer", "minimum": min, "maximum": max}),
        Shape::Real(min, max) => json!({"type": "number", "minimum": min, "maximum": max}),
        Shape::Flag => json!({"type": "boolean"}),
        Shape::Maybe(inner) => nullable(shape(inner, way)),
        Shape::List(inner, max) => json!({"type": "array", "items": shape(inner, way), "maxItems": max}),
        Shape::Object(inner) => object(inner, way),
        Shape::Union(_, objects) => json!({"oneOf": objects.iter().map(|o| object(o, way)).collect::<Vec<_>>()}),
        Shape::Free(_) | Shape::Open => json!({"type": "object", "additionalProperties": true}),
    }
}

fn nullable(mut schema: Value) -> Value {
    if let Some(words) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        words.push(Value::Null);
    }
    if let Some(kind @ Value::String(_)) = schema.get_mut("type") {
        *kind = json!([kind.take(), "null"]);
    }
    schema
}

fn text(text: &Text, way: Way) -> Value {
    let mut schema = json!({"type": "string"});
    match text.form {
        Form::Id => schema["format"] = json!("uuid"),
        Form::Time => schema["format"] = json!("date-time"),
        Form::Any => {}
        // A key that may not see numbers sees them masked.
        Form::Phone if way == Way::Out => {}
        form => {
            (schema["minLength"], schema["maxLength"]) = (json!(text.min), json!(text.max));
            if let Some(pattern) = form.pattern() {
                schema["pattern"] = json!(pattern);
            }
        }
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_says_what_the_shape_checks() {
        let shape = Object::new("A thing.").must("to", Shape::Text(Text::PHONE), "Where.").may(
            "kind",
            Shape::Word(&["a"]).or_null(),
            Value::Null,
            "Which.",
        );
        let schema = object(&shape, Way::In);
        assert_eq!(schema["required"], json!(["to"]));
        assert_eq!(schema["additionalProperties"], json!(false));
        assert_eq!(schema["properties"]["to"]["pattern"], json!(r"^\+[1-9][0-9]{6,14}$"));
        let kind = json!({"type": ["string", "null"], "enum": ["a", null], "description": "Which.", "default": null});
        assert_eq!(schema["properties"]["kind"], kind);
        assert!(object(&shape, Way::Out)["properties"]["to"].get("pattern").is_none());
    }
}

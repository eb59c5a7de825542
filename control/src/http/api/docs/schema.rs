//! A schema for people: its members with what each may be, the nested ones below it.

use serde_json::Value;

use super::html::{escape, prose};

/// A named schema.
pub(super) fn show(name: &str, schema: &Value) -> String {
    let about = prose(schema["description"].as_str().unwrap_or_default());
    let example = schema["examples"]
        .get(0)
        .map_or(String::new(), |example| format!("<details><summary>Example</summary>{}</details>", listing(example)));
    format!(
        "<article class=\"schema\" id=\"schema-{name}\"><h3>{name}</h3><p>{about}</p>{}{example}</article>",
        members(schema)
    )
}

/// A value as it is written.
pub(super) fn listing(value: &Value) -> String {
    let pretty = serde_json::to_string_pretty(value).unwrap_or_default();
    format!("<pre><code>{}</code></pre>", escape(&pretty))
}

/// The members of an object as a table; what they are made of stands below them.
pub(super) fn members(schema: &Value) -> String {
    let Some(properties) = schema["properties"].as_object().filter(|properties| !properties.is_empty()) else {
        return String::new();
    };
    let required = |name: &str| schema["required"].as_array().is_some_and(|names| names.iter().any(|n| n == name));
    let row = |(name, of): (&String, &Value)| {
        let must = if required(name) { " <span class=\"must\">required</span>" } else { "" };
        let about = prose(of["description"].as_str().unwrap_or_default());
        format!(
            "<tr><td><code>{}</code>{must}</td><td class=\"kind\">{}</td><td>{about}{}</td></tr>",
            escape(name),
            kind(of),
            nested(of)
        )
    };
    let rows: String = properties.iter().map(row).collect();
    format!("<div class=\"wide\"><table class=\"members\"><tbody>{rows}</tbody></table></div>")
}

/// What lies within a member.
fn nested(schema: &Value) -> String {
    let within = if schema["items"].is_object() { &schema["items"] } else { schema };
    if let Some(variants) = within["oneOf"].as_array() {
        let shown: String = variants.iter().map(|variant| format!("<li>{}</li>", members(variant))).collect();
        return format!(
            "<details><summary>One of {} forms</summary><ul class=\"forms\">{shown}</ul></details>",
            variants.len()
        );
    }
    match members(within) {
        none if none.is_empty() => none,
        table => format!("<details><summary>Members</summary>{table}</details>"),
    }
}

/// What a value may be, in a few words.
pub(super) fn kind(schema: &Value) -> String {
    if let Some(name) = reference(schema) {
        return format!("<a href=\"#schema-{name}\">{name}</a>");
    }
    if let Some(words) = schema["enum"].as_array() {
        let words = words.iter().map(|word| format!("<code>{}</code>", escape(word.as_str().unwrap_or("null"))));
        return words.collect::<Vec<_>>().join(" · ") + &default(schema);
    }
    let base = match (&schema["type"], &schema["items"]) {
        (_, items @ Value::Object(_)) if reference(items).is_some() => format!("list of {}", kind(items)),
        (_, Value::Object(_)) => format!("list{}", bounds(schema)),
        (Value::Array(kinds), _) => {
            kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or ") + &bounds(schema)
        }
        (Value::String(kind), _) => format!("{kind}{}", bounds(schema)),
        _ => "object".to_owned(),
    };
    base + &default(schema)
}

/// The name of the schema that it points at.
pub(super) fn reference(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

fn bounds(schema: &Value) -> String {
    if let Some(format) = schema["format"].as_str() {
        return format!(", {format}");
    }
    match (&schema["minimum"], &schema["maximum"], &schema["minLength"], &schema["maxLength"], &schema["maxItems"]) {
        (Value::Number(min), Value::Number(max), ..) => format!(", {min} to {max}"),
        (Value::Number(min), ..) => format!(", from {min}"),
        (_, _, Value::Number(min), Value::Number(max), _) if min == max => format!(", {max} characters"),
        (_, _, Value::Number(min), Value::Number(max), _) => format!(", {min} to {max} characters"),
        (.., Value::Number(max)) => format!(", at most {max}"),
        _ => String::new(),
    }
}

fn default(schema: &Value) -> String {
    match schema.get("default") {
        Some(value) if !value.is_object() => {
            format!("<br><span class=\"default\">else <code>{}</code></span>", escape(&value.to_string()))
        }
        _ => String::new(),
    }
}

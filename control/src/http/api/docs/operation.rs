//! An operation for people: what it takes, what it answers, and a command line to copy.

use serde_json::Value;

use super::Entry;
use super::html::{escape, paragraphs, prose};
use super::schema::{kind, reference};

/// The operation.
pub(super) fn show(entry: &Entry<'_>, description: &Value) -> String {
    let Entry { path, method, of } = entry;
    format!(
        "<article class=\"operation\" id=\"{id}\"><h3><b class=\"{method}\">{method}</b> <code class=\"path\">{}</code></h3>\
         <p class=\"summary\">{}</p>{}{}{}{}{}</article>",
        path_parts(path),
        prose(entry.summary()),
        paragraphs(of["description"].as_str().unwrap_or_default()),
        parameters(&of["parameters"]),
        body(&of["requestBody"]),
        answers(&of["responses"]),
        command(entry, description),
        id = entry.id(),
    )
}

/// The path, with its ids marked and places to break a long line.
fn path_parts(path: &str) -> String {
    let part = |part: &str| match part.starts_with('{') {
        true => format!("/<wbr><i>{}</i>", escape(part)),
        false => format!("/<wbr>{}", escape(part)),
    };
    path.trim_start_matches('/').split('/').map(part).collect()
}

/// What is in the path says itself, and what every request may have is told once, at the top.
fn parameters(all: &Value) -> String {
    let told = |parameter: &&Value| parameter["in"] != "path" && parameter["name"] != "X-Request-Id";
    let row = |parameter: &Value| {
        let about = prose(parameter["description"].as_str().unwrap_or_default());
        let (name, place) =
            (parameter["name"].as_str().unwrap_or_default(), parameter["in"].as_str().unwrap_or_default());
        let schema = &parameter["schema"];
        let what = if schema["items"].is_object() { kind(&schema["items"]) } else { kind(schema) };
        format!(
            "<tr><td><code>{name}</code> <span class=\"place\">{place}</span></td><td class=\"kind\">{what}</td><td>{about}</td></tr>"
        )
    };
    let rows: String = all.as_array().into_iter().flatten().filter(told).map(row).collect();
    if rows.is_empty() {
        return rows;
    }
    format!("<h4>Parameters</h4><div class=\"wide\"><table class=\"members\"><tbody>{rows}</tbody></table></div>")
}

fn body(body: &Value) -> String {
    let schema = &body["content"]["application/json"]["schema"];
    if reference(schema).is_none() {
        return String::new();
    }
    let optional = if body["required"] == true { "" } else { ", may be left out" };
    format!("<h4>Body</h4><p>{}{optional}</p>", kind(schema))
}

fn answers(all: &Value) -> String {
    let (mut done, mut problems) = (String::new(), Vec::new());
    for (status, answer) in all.as_object().into_iter().flatten() {
        if answer.get("$ref").is_some() {
            problems.push(format!("<a href=\"#problems\">{status}</a>"));
            continue;
        }
        let about = prose(answer["description"].as_str().unwrap_or_default());
        let schema = &answer["content"]["application/json"]["schema"];
        let what = if reference(schema).is_some() { format!(" {}", kind(schema)) } else { String::new() };
        done += &format!("<p><span class=\"status\">{status}</span>{what} {about}</p>");
    }
    format!("<h4>Answers</h4>{done}<p class=\"problems\">Problems: {}</p>", problems.join(" "))
}

/// The page's own address is put in by its script; without one it is where the service listens by default.
fn command(entry: &Entry<'_>, description: &Value) -> String {
    let variable = |part: &str| match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
        Some(id) => format!("${}", id.to_uppercase()),
        None => part.to_owned(),
    };
    let path = entry.path.split('/').map(variable).collect::<Vec<_>>().join("/");
    let method = match entry.method {
        "get" => String::new(),
        method => format!(" -X {}", method.to_uppercase()),
    };
    let mut lines = vec![
        format!("curl{method} \"http://127.0.0.1:8080{path}\""),
        "  -H \"Authorization: Bearer $OFFHOOK_KEY\"".to_owned(),
    ];
    if let Some(name) = reference(&entry.of["requestBody"]["content"]["application/json"]["schema"]) {
        let example = &description["components"]["schemas"][name]["examples"][0];
        lines.push("  -H 'Content-Type: application/json'".to_owned());
        let json = serde_json::to_string_pretty(example).unwrap_or_default();
        // A quote within single quotes ends them for a moment.
        lines.push(format!("  -d '{}'", json.replace('\'', r"'\''")));
    }
    format!("<pre class=\"command\"><code>{}</code></pre>", escape(&lines.join(" \\\n")))
}

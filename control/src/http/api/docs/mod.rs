//! `/docs`: the description as one page for people, whole in itself: no other file, no other host, printable.

mod html;
mod operation;
mod schema;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use serde_json::Value;

use self::html::{escape, paragraphs, prose};
use super::problem::CODES;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
/// Nothing is loaded from anywhere.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'";

/// One operation, with where it stands.
struct Entry<'a> {
    path: &'a str,
    method: &'a str,
    of: &'a Value,
}

impl Entry<'_> {
    fn id(&self) -> &str {
        self.of["operationId"].as_str().unwrap_or_default()
    }

    fn summary(&self) -> &str {
        self.of["summary"].as_str().unwrap_or_default().trim_end_matches('.')
    }
}

/// The page.
pub(super) fn page(description: &Value) -> String {
    let sections = sections(description);
    let title = format!("{} {}", text(&description["info"]["title"]), text(&description["info"]["version"]));
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title} API</title><style>{STYLE}</style></head><body>\
         <nav aria-label=\"Contents\"><a class=\"name\" href=\"#top\">{title}</a>\
         <input id=\"find\" type=\"search\" placeholder=\"Find\" aria-label=\"Find an operation\">{}</nav>\
         <main id=\"top\"><h1>{title} API</h1>{}<p class=\"note\">For programs: \
         <a href=\"/openapi.json\">/openapi.json</a> (OpenAPI 3.1). This page is made from it, and needs nothing else.</p>\
         {}{}{}</main><script>{SCRIPT}</script></body></html>\n",
        contents(&sections),
        paragraphs(text(&description["info"]["description"])),
        body(&sections, description),
        problems(),
        schemas(description),
    )
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Operations by tag, both in the order of the handlers' resources.
fn sections(description: &Value) -> Vec<(&str, Vec<Entry<'_>>)> {
    const ORDER: [&str; 8] =
        ["Tenants", "Settings", "Phone numbers", "AI profiles", "Calls", "API keys", "All keys", "Audit log"];
    let mut sections: Vec<(&str, Vec<Entry<'_>>)> = ORDER.iter().map(|tag| (*tag, Vec::new())).collect();
    for (path, methods) in description["paths"].as_object().into_iter().flatten() {
        for method in ["post", "get", "patch", "put", "delete"] {
            let Some(of) = methods.get(method) else { continue };
            let tag = text(&of["tags"][0]);
            if let Some((_, entries)) = sections.iter_mut().find(|(name, _)| *name == tag) {
                entries.push(Entry { path, method, of });
            }
        }
    }
    sections
}

fn anchor(tag: &str) -> String {
    tag.to_ascii_lowercase().replace(' ', "-")
}

fn contents(sections: &[(&str, Vec<Entry<'_>>)]) -> String {
    let mut list = String::new();
    for (tag, entries) in sections {
        list += &format!("<h2><a href=\"#{}\">{}</a></h2><ul>", anchor(tag), escape(tag));
        for entry in entries {
            list += &format!(
                "<li><a href=\"#{}\"><b class=\"{m}\">{m}</b> {}</a></li>",
                entry.id(),
                escape(entry.summary()),
                m = entry.method,
            );
        }
        list += "</ul>";
    }
    list + "<h2><a href=\"#problems\">Problems</a></h2><h2><a href=\"#schemas\">Schemas</a></h2>"
}

fn body(sections: &[(&str, Vec<Entry<'_>>)], description: &Value) -> String {
    let section = |(tag, entries): &(&str, Vec<Entry<'_>>)| {
        let operations: String = entries.iter().map(|entry| operation::show(entry, description)).collect();
        format!("<section id=\"{}\"><h2>{}</h2>{operations}</section>", anchor(tag), escape(tag))
    };
    sections.iter().map(section).collect()
}

fn problems() -> String {
    let row = |(status, code, meaning): &(u16, &str, &str)| {
        format!(
            "<tr id=\"problem-{code}\"><td>{status}</td><td><code>{code}</code></td><td>{}</td></tr>",
            prose(meaning)
        )
    };
    let rows: String = CODES.iter().map(row).collect();
    format!(
        "<section id=\"problems\"><h2>Problems</h2><p>Every answer that is not 2xx is a problem document \
         (<a href=\"#schema-Problem\">Problem</a>). Its <code>code</code> is stable.</p>\
         <div class=\"wide\"><table><thead><tr><th>Status</th><th>Code</th><th>Meaning</th></tr></thead><tbody>{rows}</tbody></table></div></section>"
    )
}

fn schemas(description: &Value) -> String {
    let all = description["components"]["schemas"].as_object().into_iter().flatten();
    let shown: String = all.map(|(name, of)| schema::show(name, of)).collect();
    format!("<section id=\"schemas\"><h2>Schemas</h2>{shown}</section>")
}

/// `GET /docs`.
pub(super) async fn answer(page: Bytes) -> Response {
    let headers =
        [(CONTENT_TYPE, "text/html; charset=utf-8"), (CACHE_CONTROL, "no-cache"), (CONTENT_SECURITY_POLICY, POLICY)];
    (headers, page).into_response()
}

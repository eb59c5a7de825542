//! `/openapi.json`: utoipa collects the operations from the handlers, the shapes are its schemas, and what holds for all
//! operations alike (key, ids, headers, problems) is added by the rules that the code follows.

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

use super::problem::{self, CODES};
use super::query::{LIMIT_DEFAULT, LIMIT_MAX};
use super::schema::{Way, object};
use super::shape::Object;
use super::{actions, audit, calls, contacts, keys, numbers, placing, profile, provider_configs, tenants};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

const ABOUT: &str = "Everything that belongs to tenants: their settings, numbers, profiles, contacts, keys and calls.\n\n\
    **Keys.** Send `Authorization: Bearer KEY`. Roles: `admin` (everything, of every tenant), `tenant_admin` (everything \
    of one tenant), `operator` (reads, and acts on calls), `read_only` (reads, numbers masked). In development mode, from \
    the same machine, `offhook-development-key` is an admin's.\n\n\
    **Problems** are RFC 9457 documents with a stable `code`; 400 has every fault in `errors`. What does not exist and \
    what is another tenant's is the same 404.\n\n\
    **Lists** are newest first; `next_cursor` of one page is the `cursor` of the next.\n\n\
    **Versions.** `ETag` names one; send it as `If-Match`, and a change that others have overtaken is refused with 412.\n\n\
    **Once.** A POST with an `Idempotency-Key` is done once in 24 hours, however often it is sent.";

/// The schemas of what is sent and shown, by name.
const SCHEMAS: &[(&str, &LazyLock<Object>, Way)] = &[
    ("NewTenant", &tenants::NEW, Way::In),
    ("TenantPatch", &tenants::PATCH, Way::In),
    ("Tenant", &tenants::SHOWN, Way::Out),
    ("Settings", &tenants::SETTINGS, Way::In),
    ("ShownSettings", &tenants::SETTINGS, Way::Out),
    ("NewPhoneNumber", &numbers::NEW, Way::In),
    ("PhoneNumberPatch", &numbers::PATCH, Way::In),
    ("PhoneNumber", &numbers::SHOWN, Way::Out),
    ("SettledPhoneNumber", &numbers::SETTLED, Way::Out),
    ("NewProfile", &profile::NEW, Way::In),
    ("ProfilePatch", &profile::PATCH, Way::In),
    ("Profile", &profile::SHOWN, Way::Out),
    ("NewProviderConfig", &provider_configs::NEW, Way::In),
    ("ProviderConfigPatch", &provider_configs::PATCH, Way::In),
    ("ProviderConfig", &provider_configs::SHOWN, Way::Out),
    ("VerifiedProviderConfig", &provider_configs::VERIFIED, Way::Out),
    ("NewContact", &contacts::NEW, Way::In),
    ("ContactPatch", &contacts::PATCH, Way::In),
    ("Contact", &contacts::SHOWN, Way::Out),
    ("CallAttempt", &contacts::ATTEMPT, Way::Out),
    ("NewApiKey", &keys::NEW, Way::In),
    ("NewAdminKey", &keys::NEW_ADMIN, Way::In),
    ("ApiKey", &keys::SHOWN, Way::Out),
    ("MadeApiKey", &keys::MADE, Way::Out),
    ("NewCall", &placing::NEW, Way::In),
    ("Call", &calls::SHOWN, Way::Out),
    ("CallDetail", &calls::DETAIL, Way::Out),
    ("CallEvent", &calls::EVENT, Way::Out),
    ("HangUp", &actions::HANG_UP, Way::In),
    ("Transfer", &actions::TRANSFER, Way::In),
    ("Say", &actions::SAY, Way::In),
    ("AuditEntry", &audit::SHOWN, Way::Out),
];

/// What comes in pages.
const PAGES: &[&str] = &[
    "Tenant",
    "PhoneNumber",
    "Profile",
    "ProviderConfig",
    "Contact",
    "CallAttempt",
    "ApiKey",
    "Call",
    "CallEvent",
    "AuditEntry",
];

/// The whole description.
pub(super) fn describe(collected: &OpenApi) -> Value {
    let collected = serde_json::to_value(collected).unwrap_or_default();
    let mut paths = Map::new();
    for (path, methods) in collected["paths"].as_object().into_iter().flatten() {
        let path = format!("{}{path}", super::PREFIX);
        let methods = METHODS.iter().filter_map(|method| Some((*method, methods.get(*method)?)));
        let methods: Map<String, Value> =
            methods.map(|(method, of)| (method.to_owned(), operation(&path, method, of.clone()))).collect();
        paths.insert(path, methods.into());
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Offhook",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "This service."}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "`ohk_…`, from `offhook keys create`."}},
            "schemas": schemas(),
            "responses": responses(),
            "headers": headers(),
        },
    })
}

fn schemas() -> Map<String, Value> {
    let mut all: Map<String, Value> =
        SCHEMAS.iter().map(|(name, shape, way)| ((*name).to_owned(), object(shape, *way))).collect();
    for name in PAGES {
        let page = json!({
            "type": "object",
            "description": "A page of a list, newest first.",
            "properties": {
                "items": {"type": "array", "items": reference(name), "maxItems": LIMIT_MAX},
                "next_cursor": {"type": ["string", "null"], "description": "For the next page; null: this is the last."},
            },
            "required": ["items", "next_cursor"],
            "additionalProperties": false,
        });
        all.insert(format!("{name}Page"), page);
    }
    all.insert("Problem".to_owned(), problem::schema());
    all
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// One response per status of a problem, with the codes that it may have.
fn responses() -> Map<String, Value> {
    let mut all = Map::new();
    for (status, code, meaning) in CODES {
        let response = all.entry(status.to_string()).or_insert_with(|| {
            json!({
                "description": "",
                "headers": problem_headers(*status),
                "content": {"application/problem+json": {"schema": reference("Problem")}},
            })
        });
        let so_far = response["description"].as_str().unwrap_or_default();
        let gap = if so_far.is_empty() { "" } else { " " };
        response["description"] = json!(format!("{so_far}{gap}`{code}`: {meaning}"));
    }
    all
}

fn header(name: &str) -> Value {
    json!({"$ref": format!("#/components/headers/{name}")})
}

fn problem_headers(status: u16) -> Value {
    let mut headers = json!({"X-Request-Id": header("X-Request-Id")});
    let more = match status {
        401 => "WWW-Authenticate",
        405 => "Allow",
        429 | 503 => "Retry-After",
        _ => return headers,
    };
    headers[more] = header(more);
    headers
}

fn headers() -> Value {
    let text = |description: &str| json!({"description": description, "schema": {"type": "string"}});
    json!({
        "X-Request-Id": text("The request's name: yours where you sent one; it stands in the log."),
        "ETag": text("The version of what is shown."),
        "Location": {"description": "Where it is.", "schema": {"type": "string", "format": "uri-reference"}},
        "Idempotency-Replayed": text("`true` where this answers a repeat."),
        "WWW-Authenticate": text("`Bearer`."),
        "Allow": text("Which methods there are."),
        "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}},
    })
}

/// What utoipa collected of an operation, completed.
fn operation(path: &str, method: &str, mut operation: Value) -> Value {
    for response in operation["responses"].as_object_mut().into_iter().flat_map(Map::values_mut) {
        point_at_schema(response);
    }
    complete_success(&mut operation, path);
    let has_body = operation.get("requestBody").is_some();
    if has_body {
        point_at_schema(&mut operation["requestBody"]);
        operation["requestBody"]["required"] = json!(!path.ends_with("/hangup"));
    }
    for status in problems(path, method, has_body) {
        operation["responses"][status.to_string()] = json!({"$ref": format!("#/components/responses/{status}")});
    }
    operation["parameters"] = parameters(path, method, &operation);
    operation
}

/// `ref("Name")` of a handler means a schema of ours.
fn point_at_schema(of: &mut Value) {
    for content in of.get_mut("content").and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut) {
        if let Some(name) = content["schema"]["$ref"].as_str() {
            content["schema"] = reference(name);
        }
    }
}

fn complete_success(operation: &mut Value, path: &str) {
    for (status, response) in operation["responses"].as_object_mut().into_iter().flatten() {
        let mut headers = json!({"X-Request-Id": header("X-Request-Id")});
        let names: &[&str] = match status.as_str() {
            "201" => &["ETag", "Location", "Idempotency-Replayed"],
            "200" if has_version(path) => &["ETag"],
            _ => &[],
        };
        names.iter().for_each(|name| headers[*name] = header(name));
        response["headers"] = headers;
    }
}

/// Whether what lies at this path has a version.
fn has_version(path: &str) -> bool {
    let ends =
        ["{tenant_id}", "/settings", "{phone_number_id}", "{ai_profile_id}", "{contact_id}", "{provider_config_id}"];
    ends.iter().any(|end| path.ends_with(end))
}

fn takes_if_match(path: &str, method: &str) -> bool {
    has_version(path) && matches!(method, "put" | "patch" | "delete")
}

/// The statuses of problems that an operation may answer with.
fn problems(path: &str, method: &str, has_body: bool) -> Vec<u16> {
    let mut statuses = vec![400, 401, 403, 429, 500, 503];
    if path.contains('{') {
        statuses.push(404);
    }
    if has_body {
        statuses.extend([408, 413, 415]);
    }
    if method == "post" {
        statuses.extend([409, 422]);
    }
    if takes_if_match(path, method) {
        statuses.extend([409, 412]);
    }
    statuses
}

fn parameters(path: &str, method: &str, operation: &Value) -> Value {
    let mut all: Vec<Value> =
        path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).map(id).collect();
    if operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
        .as_str()
        .is_some_and(|schema| schema.ends_with("Page"))
    {
        all.extend(page_parameters());
    }
    if method == "get" && path.ends_with("/calls") {
        all.extend(call_filters());
    }
    if method == "get" && path.ends_with("/contacts") {
        all.extend(contact_filters());
    }
    if method == "post" {
        let doc = "Any text of yours: the same request with the same key is done once in 24 hours.";
        let schema = json!({"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"});
        all.push(parameter("Idempotency-Key", "header", doc, schema));
    }
    if takes_if_match(path, method) {
        let doc = "The ETag that you have seen, or `*`: refused with 412 where it has changed since.";
        let schema = json!({"type": "string"});
        all.push(parameter("If-Match", "header", doc, schema));
    }
    let doc = "Your own name for the request; it comes back, and stands in the log. One that is longer than 128 characters, \
        or has others than letters, digits and `_.:+/=-`, is replaced.";
    let schema = json!({"type": "string"});
    all.push(parameter("X-Request-Id", "header", doc, schema));
    all.into()
}

fn parameter(name: &str, place: &str, doc: &str, schema: Value) -> Value {
    json!({"name": name, "in": place, "required": place == "path", "description": doc, "schema": schema})
}

fn id(name: &str) -> Value {
    let what = name.trim_end_matches("_id").replace('_', " ");
    parameter(name, "path", &format!("Of the {what}."), json!({"type": "string", "format": "uuid"}))
}

fn page_parameters() -> [Value; 2] {
    let limit = json!({"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT_DEFAULT});
    let cursor = json!({"type": "string", "minLength": 22, "maxLength": 22, "pattern": "^[A-Za-z0-9_-]{21}[AQgw]$"});
    [
        parameter("limit", "query", "How many at most.", limit),
        parameter("cursor", "query", "`next_cursor` of the page before.", cursor),
    ]
}

fn call_filters() -> [Value; 7] {
    let time = || json!({"type": "string", "format": "date-time"});
    let states =
        json!({"type": "array", "items": {"type": "string", "enum": calls::STATES}, "maxItems": calls::STATES.len()});
    let number = json!({"type": "string", "pattern": r"^\+[1-9][0-9]{6,14}$"});
    [
        parameter("state", "query", "Only these states; give it several times for several.", states),
        parameter("direction", "query", "Only this direction.", json!({"type": "string", "enum": calls::DIRECTIONS})),
        parameter("number", "query", "Only from or to this number. Not for read_only keys.", number),
        parameter("since", "query", "Only calls that began then or later.", time()),
        parameter("until", "query", "Only calls that began before.", time()),
        parameter("contact_id", "query", "Only to this contact.", json!({"type": "string", "format": "uuid"})),
        parameter("campaign_id", "query", "Only of this campaign.", json!({"type": "string", "format": "uuid"})),
    ]
}

fn contact_filters() -> [Value; 2] {
    let states = contacts::STATES;
    let states = json!({"type": "array", "items": {"type": "string", "enum": states}, "maxItems": states.len()});
    let number = json!({"type": "string", "pattern": r"^\+[1-9][0-9]{6,14}$"});
    [
        parameter("state", "query", "Only these states; give it several times for several.", states),
        parameter("phone_number", "query", "Only the one of this number. Not for read_only keys.", number),
    ]
}

/// `GET /openapi.json`.
pub(super) async fn answer(text: Bytes) -> Response {
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache")], text).into_response()
}

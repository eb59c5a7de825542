//! Lists in pages, in Twilio's envelope.

use serde_json::{Map, Value, json};

use super::answer::{Answer, Refusal};
use super::given::Given;
use super::request::Request;
use crate::twilio::form;

/// Items of a page when nothing is said.
const DEFAULT: usize = 50;
/// Items of a page at most; more asked for are cut to it, as Twilio does.
const MOST: usize = 1_000;

/// One item of a list: its identifier, and how to write it.
pub type Item<'a> = (&'a str, Box<dyn Fn() -> Value + 'a>);

/// Answers with the page of `items` that `request` asks for, under `key`.
///
/// A page is found again by its token, which names its neighbour, so that items that come in between move nothing.
///
/// # Errors
/// 20001 for a page, size or token that is none.
pub fn answer(request: &Request, key: &str, items: &[Item<'_>]) -> Result<Answer, Refusal> {
    let size = count(&request.query, "PageSize")?.unwrap_or(DEFAULT).clamp(1, MOST);
    let page = count(&request.query, "Page")?.unwrap_or(0);
    let first = match request.query.filled("PageToken") {
        None => page.saturating_mul(size).min(items.len()),
        Some(token) => place(items, token, size)?,
    };
    let shown = &items[first..items.len().min(first + size)];
    // The number of a page is whatever a client says beside its token: it may be the largest there is.
    // Behind the last item it begins, and ends, where that is.
    let (start, filters) =
        (page.saturating_mul(size).min(items.len()), request.query.without(&["Page", "PageSize", "PageToken"]));
    let uri = |page: usize, token: Option<String>| {
        let mut fields = filters.clone();
        fields.push(("PageSize".into(), size.to_string()));
        fields.push(("Page".into(), page.to_string()));
        fields.extend(token.map(|token| ("PageToken".to_owned(), token)));
        format!("{}?{}", request.path, form::encode(&fields))
    };
    let next = shown.last().filter(|_| first + shown.len() < items.len());
    let previous = shown.first().filter(|_| page > 0 && first > 0);
    let mut body: Map<String, Value> = Map::new();
    body.insert(key.to_owned(), shown.iter().map(|(_, write)| write()).collect());
    let envelope = json!({
        "start": start,
        "end": (start + shown.len()).saturating_sub(1).clamp(start, items.len()),
        "page": page,
        "page_size": size,
        "uri": uri(page, request.query.filled("PageToken").map(str::to_owned)),
        "first_page_uri": uri(0, None),
        "next_page_uri": next.map(|(sid, _)| uri(page.saturating_add(1), Some(format!("PA{sid}")))),
        "previous_page_uri": previous.map(|(sid, _)| uri(page - 1, Some(format!("PB{sid}")))),
    });
    body.extend(envelope.as_object().cloned().unwrap_or_default());
    Ok(Answer::json(200, &Value::Object(body)))
}

fn count(query: &Given, name: &str) -> Result<Option<usize>, Refusal> {
    let read = |text: &str| text.parse().map_err(|_| Refusal::parameter(format!("{name} is not a number: {text:?}")));
    query.filled(name).map(read).transpose()
}

/// Where the page begins that `token` names: behind an item (`PA…`), or so that it ends before one (`PB…`).
fn place(items: &[Item<'_>], token: &str, size: usize) -> Result<usize, Refusal> {
    let unknown = || Refusal::parameter(format!("PageToken {token:?} is unknown; follow next_page_uri as it is"));
    let (behind, sid) = match (token.strip_prefix("PA"), token.strip_prefix("PB")) {
        (Some(sid), _) => (true, sid),
        (_, Some(sid)) => (false, sid),
        _ => return Err(unknown()),
    };
    let at = items.iter().position(|(other, _)| *other == sid).ok_or_else(unknown)?;
    Ok(if behind { at + 1 } else { at.saturating_sub(size) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_any_number_is_answered() {
        let items: Vec<Item<'_>> =
            ["a", "b", "c"].into_iter().map(|sid| -> Item<'_> { (sid, Box::new(move || json!(sid))) }).collect();
        for (token, shown) in [("&PageToken=PAa", json!(["b"])), ("&PageToken=PBc", json!(["b"])), ("", json!([]))] {
            let target = format!("/x.json?PageSize=1&Page={}{token}", usize::MAX);
            let request = Request::new("GET", &target, "", None);
            let body: Value = serde_json::from_slice(&answer(&request, "items", &items).unwrap().body).unwrap();
            assert_eq!(body["items"], shown, "{token}");
            assert_eq!((&body["start"], &body["end"]), (&json!(3), &json!(3)), "{token}");
        }
    }
}

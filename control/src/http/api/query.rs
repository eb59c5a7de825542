//! What stands behind the `?`: pages and filters, every fault told at once, nothing unknown let by.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use super::fault::{Fault, Faults};
use crate::model::{Cursor, PageRequest};

/// Of a list, where nothing else is wanted.
pub(super) const LIMIT_DEFAULT: u32 = 50;
pub(super) const LIMIT_MAX: u32 = 200;
/// More than any request needs.
const PARAMETERS_MAX: usize = 32;

/// The parameters of a query in their order.
pub(super) struct Query(Vec<(&'static str, String)>);

impl Query {
    /// Reads it; a parameter that is not in `known` is a fault.
    pub(super) fn parse(encoded: &str, known: &'static [&'static str]) -> (Self, Faults) {
        let (mut pairs, mut faults) = (Vec::new(), Faults::default());
        for (name, value) in form_urlencoded::parse(encoded.as_bytes()).take(PARAMETERS_MAX) {
            match known.iter().find(|known| **known == name) {
                Some(known) => pairs.push((*known, value.into_owned())),
                None if known.is_empty() => {
                    faults.push(Fault::parameter("query", "unknown_parameter", "this takes no query"));
                }
                None => {
                    let known = known.join(", ");
                    let detail = format!("has a parameter that is not known here; known are {known}");
                    faults.push(Fault::parameter("query", "unknown_parameter", detail));
                }
            }
        }
        (Self(pairs), faults)
    }

    /// All values of `name`.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// The one value of `name`, read by `read`.
    pub(super) fn one<T>(
        &self,
        name: &'static str,
        rule: &str,
        faults: &mut Faults,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let mut given = self.all(name);
        let text = given.next()?;
        let value = read(text).filter(|_| given.next().is_none());
        if value.is_none() {
            faults.push(Fault::parameter(name, "bad_format", format!("must be {rule}, once")));
        }
        value
    }

    /// Which page is wanted.
    pub(super) fn page(&self, faults: &mut Faults) -> PageRequest {
        let within = |text: &str| text.parse::<u32>().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
        let limit = self.one("limit", "a whole number from 1 to 200", faults, within);
        let after = self.one("cursor", "the next_cursor of the page before", faults, cursor);
        PageRequest { limit: limit.unwrap_or(LIMIT_DEFAULT), after }
    }
}

/// A cursor as clients see it: an id of their own list, in letters that need no escape.
pub(super) fn write_cursor(cursor: Cursor) -> String {
    URL_SAFE_NO_PAD.encode(cursor.0.as_bytes())
}

fn cursor(text: &str) -> Option<Cursor> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    Uuid::from_slice(&bytes).ok().map(Cursor)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["limit", "cursor"];

    fn page(encoded: &str) -> (PageRequest, Vec<&'static str>) {
        let (query, mut faults) = Query::parse(encoded, KNOWN);
        let page = query.page(&mut faults);
        let faults = faults.into_result().err().unwrap_or_default();
        (page, faults.into_iter().filter_map(|fault| fault.parameter).collect())
    }

    #[test]
    fn a_cursor_comes_back_as_it_was() {
        let id = Uuid::now_v7();
        let (page, faults) = page(&format!("limit=7&cursor={}", write_cursor(Cursor(id))));
        assert_eq!((page.limit, page.after, faults), (7, Some(Cursor(id)), vec![]));
    }

    #[test]
    fn every_bad_parameter_is_named() {
        assert_eq!(page("limit=0&cursor=x&offset=1").1, ["query", "limit", "cursor"]);
        assert_eq!(page("limit=1&limit=2").1, ["limit"]);
        assert_eq!(page("").0.limit, LIMIT_DEFAULT);
    }
}

//! Versions: each thing's ETag counts its changes, and `If-Match` says which one a client has seen (RFC 9110).

use http::header::IF_MATCH;
use http::{HeaderMap, HeaderValue};

use super::fault::{Fault, Faults};
use super::problem::Problem;

/// More than any client sends.
const TAGS_MAX: usize = 16;

/// Which versions may be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum IfMatch {
    /// Whichever there is.
    Any,
    /// One of these; what is no version of ours is none.
    Of(Vec<i64>),
}

impl IfMatch {
    /// The version that must still be there when it is changed, `current` being there now; `None`: whichever.
    pub(super) fn expects(&self, current: i64) -> Result<Option<i64>, Problem> {
        match self {
            Self::Any => Ok(None),
            Self::Of(versions) if versions.contains(&current) => Ok(Some(current)),
            Self::Of(_) => Err(Problem::changed()),
        }
    }
}

/// A version as an ETag.
pub(super) fn etag(version: i64) -> HeaderValue {
    // Digits and quotes are always a header.
    HeaderValue::from_str(&format!("\"{version}\"")).unwrap_or(HeaderValue::from_static("\"0\""))
}

/// Reads `If-Match`.
pub(super) fn if_match(headers: &HeaderMap, faults: &mut Faults) -> IfMatch {
    let mut tags = Vec::new();
    for header in headers.get_all(IF_MATCH) {
        let text = header.to_str().unwrap_or("?").trim();
        if text == "*" {
            return IfMatch::Any;
        }
        tags.extend(text.split(',').map(str::trim).filter(|tag| !tag.is_empty()).take(TAGS_MAX).map(str::to_owned));
    }
    if tags.is_empty() && !headers.contains_key(IF_MATCH) {
        return IfMatch::Any;
    }
    let quoted = |tag: &&String| tag.trim_start_matches("W/").len() >= 2 && tag.ends_with('"') && tag.contains('"');
    if tags.is_empty() || !tags.iter().all(|tag| quoted(&tag)) {
        faults.push(Fault::parameter("If-Match", "bad_format", "must be * or ETags such as \"3\""));
    }
    // A weak tag never matches.
    let version = |tag: &String| tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok();
    IfMatch::Of(tags.iter().filter_map(version).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: Option<&'static str>) -> Option<IfMatch> {
        let headers = value.map(|value| (IF_MATCH, HeaderValue::from_static(value)));
        let mut faults = Faults::default();
        let read = if_match(&headers.into_iter().collect(), &mut faults);
        faults.into_result().is_ok().then_some(read)
    }

    #[test]
    fn if_match_names_versions_or_any() {
        assert_eq!(read(None), Some(IfMatch::Any));
        assert_eq!(read(Some("*")), Some(IfMatch::Any));
        assert_eq!(read(Some("\"3\"")), Some(IfMatch::Of(vec![3])));
        assert_eq!(read(Some("\"3\", W/\"4\", \"x\",\"5\"")), Some(IfMatch::Of(vec![3, 5])));
        for bad in ["", "3", "\"3", ","] {
            assert_eq!(read(Some(bad)), None, "{bad}");
        }
        let seen = IfMatch::Of(vec![3]);
        assert_eq!((seen.expects(3), seen.expects(4).is_err()), (Ok(Some(3)), true));
        assert_eq!(IfMatch::Any.expects(7), Ok(None));
    }
}

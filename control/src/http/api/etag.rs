//! Versions: each thing's ETag counts its changes, and `If-Match` says which one a client has seen (RFC 9110).

use http::header::IF_MATCH;
use http::{HeaderMap, HeaderValue};

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
pub(super) fn if_match(headers: &HeaderMap) -> IfMatch {
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
    // A weak tag never matches; nor does what is no tag at all.
    let version = |tag: &String| tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok();
    IfMatch::Of(tags.iter().filter_map(version).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: Option<&'static str>) -> IfMatch {
        if_match(&value.map(|value| (IF_MATCH, HeaderValue::from_static(value))).into_iter().collect())
    }

    #[test]
    fn if_match_names_versions_or_any() {
        assert_eq!(read(None), IfMatch::Any);
        assert_eq!(read(Some("*")), IfMatch::Any);
        assert_eq!(read(Some("\"3\"")), IfMatch::Of(vec![3]));
        assert_eq!(read(Some("\"3\", W/\"4\", \"x\",\"5\"")), IfMatch::Of(vec![3, 5]));
        for none in ["", "3", "\"3", ","] {
            assert_eq!(read(Some(none)), IfMatch::Of(vec![]), "{none}");
        }
        let seen = IfMatch::Of(vec![3]);
        assert_eq!((seen.expects(3), seen.expects(4).is_err()), (Ok(Some(3)), true));
        assert_eq!(IfMatch::Any.expects(7), Ok(None));
    }
}

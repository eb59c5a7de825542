//! The fields that a request gives: of a form, or of a query. A name may come several times.

use crate::twilio::form::{self, Fields};

/// Fields in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given(Fields);

impl Given {
    /// Reads a form or a query.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self(form::decode(text))
    }

    /// The last value with this name: empty ones count, they clear a setting.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The last value with this name, unless it is empty.
    #[must_use]
    pub fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// All values with this name that are not empty.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(n, v)| n == name && !v.is_empty()).map(|(_, value)| value.as_str()).collect()
    }

    /// All fields but those with these names.
    #[must_use]
    pub fn without(&self, names: &[&str]) -> Fields {
        self.0.iter().filter(|(n, _)| !names.contains(&n.as_str())).cloned().collect()
    }
}

impl From<Fields> for Given {
    fn from(fields: Fields) -> Self {
        Self(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_counts_and_an_empty_one_is_told_from_none() {
        let given = Given::parse("a=1&b=&a=2&c=x+y%26z&a=");
        assert_eq!(
            (given.get("a"), given.filled("a"), given.get("b"), given.get("d")),
            (Some(""), None, Some(""), None)
        );
        assert_eq!((given.all("a"), given.get("c")), (vec!["1", "2"], Some("x y&z")));
        assert_eq!(given.without(&["a", "c"]), vec![("b".to_owned(), String::new())]);
    }
}

//! What is wrong with a request: each fault with its place, a stable code and a sentence. All are found, not only the first.

use serde::Serialize;

/// More than these are not told: whoever has so many sends something else than they think.
const FAULTS_MAX: usize = 100;

/// One thing that is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Fault {
    /// Where in the body: a JSON pointer (RFC 6901); the empty one is the whole body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pointer: Option<String>,
    /// Or which parameter of the query or header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) parameter: Option<&'static str>,
    /// Stable, for programs.
    pub(crate) code: &'static str,
    /// For people.
    pub(crate) detail: String,
}

impl Fault {
    /// Something in the body.
    pub(crate) fn at(pointer: &str, code: &'static str, detail: impl Into<String>) -> Self {
        Self { pointer: Some(pointer.to_owned()), parameter: None, code, detail: detail.into() }
    }

    /// A parameter.
    pub(crate) fn parameter(name: &'static str, code: &'static str, detail: impl Into<String>) -> Self {
        Self { pointer: None, parameter: Some(name), code, detail: detail.into() }
    }
}

/// The faults found so far, and where the finger is.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    found: Vec<Fault>,
    pointer: String,
}

impl Faults {
    /// Notes one where the finger is.
    pub(crate) fn here(&mut self, code: &'static str, detail: impl Into<String>) {
        let fault = Fault::at(&self.pointer, code, detail);
        self.push(fault);
    }

    /// Notes one of the member `name` of where the finger is.
    pub(crate) fn of(&mut self, name: &str, code: &'static str, detail: impl Into<String>) {
        self.within(name, |faults| faults.here(code, detail));
    }

    /// Looks at the member (or index) `name` of where the finger is.
    pub(crate) fn within(&mut self, name: &str, look: impl FnOnce(&mut Self)) {
        let length = self.pointer.len();
        self.pointer.push('/');
        self.pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
        look(self);
        self.pointer.truncate(length);
    }

    /// Notes one.
    pub(crate) fn push(&mut self, fault: Fault) {
        if self.found.len() < FAULTS_MAX {
            self.found.push(fault);
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.found.len()
    }

    /// All of them, or nothing.
    pub(crate) fn into_result(self) -> Result<(), Vec<Fault>> {
        if self.found.is_empty() { Ok(()) } else { Err(self.found) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_are_escaped_and_faults_bounded() {
        let mut faults = Faults::default();
        faults.within("a/b", |faults| faults.of("c~d", "missing", "is missing"));
        for _ in 0..1000 {
            faults.here("missing", "");
        }
        let found = faults.into_result().unwrap_err();
        assert_eq!(found[0].pointer.as_deref(), Some("/a~1b/c~0d"));
        assert_eq!((found[1].pointer.as_deref(), found.len()), (Some(""), FAULTS_MAX));
    }
}

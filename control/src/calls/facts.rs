//! Who calls whom, and who answers.

use engine::wire::Sid;

use crate::directory::Line;
use crate::mask::Masked;
use crate::model::CallId;

/// Of a caller's address, in bytes; real ones are shorter.
const ADDRESS_BYTES_MAX: usize = 128;

/// Who calls whom, as the webhook said; and who answers, as the directory said.
#[derive(Clone)]
pub(crate) struct Facts {
    /// Our id.
    pub(crate) id: CallId,
    /// Who answers.
    pub(crate) line: Line,
    /// We called.
    pub(crate) outbound: bool,
    /// The carrier's account that owns the call.
    pub(crate) account: Sid,
    /// The caller.
    pub(crate) from: String,
    /// The called.
    pub(crate) to: String,
}

impl Facts {
    /// The same, with addresses of a sane length.
    pub(super) fn bounded(self) -> Self {
        Self { from: cut(self.from), to: cut(self.to), ..self }
    }

    /// The tenant's number: who was called, or from whose number we called.
    pub(crate) fn own(&self) -> &str {
        if self.outbound { &self.from } else { &self.to }
    }
}

impl std::fmt::Debug for Facts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} to {}", self.account, Masked(&self.from), Masked(&self.to))
    }
}

fn cut(mut text: String) -> String {
    let end = (0..=ADDRESS_BYTES_MAX.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.truncate(end);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_cut_between_letters() {
        assert_eq!(cut("é".repeat(200)).len(), 128);
        assert_eq!(cut("short".into()), "short");
    }
}

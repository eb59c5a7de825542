//! What can be wrong with an inbound message, in words that name the cause.

/// Why a message was refused. Nothing of the message itself is in it: it may hold a token or a voice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Larger than allowed; both in bytes.
    #[error("{bytes} bytes, but at most {bytes_max} are accepted: send shorter media messages")]
    TooLarge {
        /// How large it was.
        bytes: usize,
        /// How large it may be.
        bytes_max: usize,
    },
    /// The bytes are no UTF-8.
    #[error("not UTF-8: messages are JSON in text frames")]
    NotText,
    /// The text is no JSON.
    #[error("not JSON")]
    NotJson,
    /// JSON, but a list, string, number or null.
    #[error("not a JSON object")]
    NotAnObject,
    /// An object with the same field twice.
    #[error("a field is there twice")]
    DuplicateField,
    /// A field without which the message means nothing.
    #[error("field `{0}` is missing")]
    MissingField(&'static str),
    /// A field that is no string, number or object where it must be one.
    #[error("field `{0}` has the wrong type")]
    WrongType(&'static str),
    /// A field of the right type with a value that cannot be.
    #[error("field `{0}` has an impossible value")]
    InvalidValue(&'static str),
    /// The payload is no standard base64.
    #[error("field `media.payload` is not base64")]
    BadBase64,
}

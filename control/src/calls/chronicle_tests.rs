//! What the chronicle promises.

//! The HTTP shell: the accept loop, who is asking, how often, and which handler answers.

pub(crate) mod answer;
pub(crate) mod api;
pub(crate) mod client;
pub(crate) mod connection;
pub(crate) mod heads;
pub(crate) mod pages;
pub(crate) mod rate;
pub(crate) mod refusal;
pub(crate) mod request_id;
pub(crate) mod routes;
pub(crate) mod server;
pub(crate) mod sessions;
mod socket;

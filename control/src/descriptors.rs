//! Open files: every socket is one. The process takes as many as the machine lets it have, and says where that is few.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::Limits;

/// What the service opens besides sockets: threads' pollers and pipes, listener, log, files being read.
const OTHERS: u64 = 64;

/// Raises the limit of this process to the hardest that it may, and logs what came of it.
pub fn raise(limits: &Limits) {
    let before = getrlimit(Resource::Nofile);
    let refused = setrlimit(Resource::Nofile, Rlimit { current: before.maximum, maximum: before.maximum }).err();
    // Asked again: a sandbox may say yes and mean no.
    let after = getrlimit(Resource::Nofile).current;
    if let Some(error) = refused {
        tracing::warn!(%error, limit = shown(after), "the limit of open files could not be raised");
    } else {
        tracing::info!(from = shown(before.current), to = shown(after), "open files");
    }
    let needed = needed(limits);
    if after.is_some_and(|limit| limit < needed) {
        tracing::warn!(
            limit = shown(after),
            needed,
            "too few open files for OFFHOOK_CALLS_MAX and OFFHOOK_CONNECTIONS_MAX: callers will be turned away; \
             raise the hard limit (systemd: LimitNOFILE=, docker: --ulimit nofile=, a shell: ulimit -Hn) or lower these two"
        );
    }
}

/// A socket per call, one per connection, and the rest.
pub(crate) fn needed(limits: &Limits) -> u64 {
    (limits.calls_max as u64).saturating_add(limits.connections_max as u64).saturating_add(OTHERS)
}

/// `None` is no limit.
fn shown(limit: Option<u64>) -> String {
    limit.map_or("unlimited".into(), |limit| limit.to_string())
}

//! What this machine is, and how our threads behave on it.

use std::num::NonZeroU64;

use serde::Serialize;

/// What figures from here were measured on.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Machine {
    /// Processors that this program may use.
    pub cores: usize,
    /// The processor's name.
    pub cpu: String,
    /// The kernel's release.
    pub kernel: String,
    /// Load average of the last minute, when the run began.
    pub load_1m: String,
    /// The commit of the checkout that the run was started in, with `+` if it has changes.
    pub commit: Option<String>,
    /// How the program was called.
    pub command: String,
}

impl Machine {
    /// Asks the system.
    #[must_use]
    pub fn look() -> Self {
        let cpuinfo = read("/proc/cpuinfo");
        let cpu = cpuinfo.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split_once(": "));
        Self {
            cores: std::thread::available_parallelism().map_or(1, Into::into),
            cpu: cpu.map_or_else(|| "unknown".into(), |(_, name)| name.to_owned()),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            load_1m: read("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned(),
            commit: commit(),
            command: without_secrets(std::env::args().skip(1)),
        }
    }
}

/// The arguments as one line. A report is shown around; a token is not.
fn without_secrets(arguments: impl Iterator<Item = String>) -> String {
    let mut hide = false;
    let shown = arguments.map(|argument| {
        let hidden = std::mem::replace(&mut hide, argument == "--auth-token");
        if hidden || argument.starts_with("--auth-token=") { "***".to_owned() } else { argument }
    });
    shown.collect::<Vec<_>>().join(" ")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

fn commit() -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = std::process::Command::new("git").args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let short = git(&["rev-parse", "--short", "HEAD"])?;
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|list| !list.is_empty());
    Some(if changed { short + "+" } else { short })
}

/// Lets this process, with the threads that it will start, run on `core` only.
///
/// # Errors
/// One line that says why not.
pub fn pin(core: usize) -> Result<(), String> {
    let mut set = rustix::thread::CpuSet::new();
    if core >= rustix::thread::CpuSet::MAX_CPU {
        return Err(format!("--core {core}: no such core"));
    }
    set.set(core);
    rustix::thread::sched_setaffinity(None, &set).map_err(|e| format!("--core {core}: {e}"))
}

/// The cores that this program may run on, in order.
#[must_use]
pub fn allowed_cores() -> Vec<usize> {
    let set = rustix::thread::sched_getaffinity(None).unwrap_or_else(|_| rustix::thread::CpuSet::new());
    (0..rustix::thread::CpuSet::MAX_CPU).filter(|core| set.is_set(*core)).collect()
}

/// As many descriptors as the system lets us have.
///
/// # Errors
/// One line when `needed` are more.
pub fn raise_descriptor_limit(needed: u64) -> Result<(), String> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        // What cannot be raised may still be enough.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    }
    match getrlimit(Resource::Nofile).current {
        Some(have) if have < needed => Err(format!("{needed} descriptors are needed, {have} allowed: ulimit -n")),
        _ => Ok(()),
    }
}

/// This thread only gets what others leave.
pub fn yield_to_others() {
    // Only a courtesy: without it, lateness shows.
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), 19);
}

/// This thread is woken by the microsecond, not within the usual 50 µs.
pub fn wake_exactly() {
    // Only a refinement: without it, lateness shows.
    let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_told_without_its_token() {
        let told = |line: &str| without_secrets(line.split(' ').map(str::to_owned));
        assert_eq!(told("fleet --auth-token abc --calls 5"), "fleet --auth-token *** --calls 5");
        assert_eq!(told("fleet --auth-token=abc --calls 5"), "fleet *** --calls 5");
    }

    #[test]
    fn a_core_that_does_not_exist_is_refused() {
        assert!(pin(usize::MAX).unwrap_err().contains("no such core"));
    }
}

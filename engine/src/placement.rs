//! How many threads of which kind, and which stays on which core: from what this process may use of the machine.

use std::fs;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::config::EngineConfig;

/// Threads of the engine, and the cores that workers stay on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// Worker threads.
    pub workers: usize,
    /// I/O threads.
    pub io_threads: usize,
    /// The core of each worker; empty where they are left to the scheduler.
    pub cores: Vec<usize>,
}

/// What this process may use.
#[derive(Debug, Clone, PartialEq)]
struct Machine {
    /// The cores that it may run on.
    cores: Vec<usize>,
    /// How many cores' worth of time a control group grants it, if that is limited.
    quota: Option<f64>,
}

impl Placement {
    /// The placement for the machine that this runs on; what the configuration names wins.
    pub fn for_this_machine(config: &EngineConfig) -> Self {
        Self::plan(&Machine::this(), config)
    }

    /// A socket costs about twice what its call costs a worker, and control needs room too: of n cores a quarter
    /// works, half serves sockets. A worker keeps a core for itself only where others remain (from 4 cores on) and no
    /// quota would stop a pinned thread while other cores are free.
    fn plan(machine: &Machine, config: &EngineConfig) -> Self {
        let granted = machine.quota.map_or(machine.cores.len(), |quota| quota.floor() as usize);
        let cores = machine.cores.len().min(granted).max(1);
        let workers = config.workers.unwrap_or(cores / 4).max(1);
        let io_threads = config.io_threads.unwrap_or(cores / 2).max(1);
        let pins = config.pin.unwrap_or(cores >= 4 && machine.quota.is_none()) && workers <= machine.cores.len();
        // From the end: interrupts and everything unpinned tend to the first cores.
        let cores = if pins { machine.cores.iter().rev().take(workers).copied().collect() } else { Vec::new() };
        Self { workers, io_threads, cores }
    }
}

impl Machine {
    fn this() -> Self {
        let set = sched_getaffinity(None).unwrap_or_default();
        let cores = (0..CpuSet::MAX_CPU).filter(|&core| set.is_set(core)).collect();
        Self { cores, quota: fs::read_to_string("/sys/fs/cgroup/cpu.max").ok().and_then(|text| quota(&text)) }
    }
}

/// Reads a control group's `cpu.max`: `quota period` in microseconds, or `max period`.
fn quota(text: &str) -> Option<f64> {
    let mut words = text.split_whitespace();
    let quota: f64 = words.next()?.parse().ok()?;
    let period: f64 = words.next()?.parse().ok()?;
    (period > 0.0).then(|| quota / period)
}

/// Keeps the calling thread on one core. Where that is refused the thread runs unpinned: slower at worst.
pub(crate) fn pin(core: usize) {
    let mut set = CpuSet::new();
    set.set(core);
    let _ = sched_setaffinity(None, &set);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(cores: usize, quota: Option<f64>) -> (usize, usize, Vec<usize>) {
        let machine = Machine { cores: (0..cores).collect(), quota };
        let Placement { workers, io_threads, cores } = Placement::plan(&machine, &EngineConfig::default());
        (workers, io_threads, cores)
    }

    #[test]
    fn small_machines_get_one_thread_of_each_kind_and_no_pins() {
        assert_eq!(plan(1, None), (1, 1, vec![]));
        assert_eq!(plan(2, None), (1, 1, vec![]));
    }

    #[test]
    fn larger_machines_get_more_and_workers_keep_the_last_cores() {
        assert_eq!(plan(4, None), (1, 2, vec![3]));
        assert_eq!(plan(16, None), (4, 8, vec![15, 14, 13, 12]));
    }

    #[test]
    fn a_quota_counts_instead_of_the_cores_and_forbids_pins() {
        assert_eq!(plan(16, Some(2.5)), (1, 1, vec![]));
        assert_eq!(plan(16, Some(0.5)), (1, 1, vec![]));
        assert_eq!((quota("250000 100000\n"), quota("max 100000\n"), quota("")), (Some(2.5), None, None));
    }

    #[test]
    fn what_the_configuration_names_wins() {
        let machine = Machine { cores: vec![2, 3, 5], quota: None };
        let config = EngineConfig { workers: Some(2), io_threads: Some(1), pin: Some(true), ..EngineConfig::default() };
        let expected = Placement { workers: 2, io_threads: 1, cores: vec![5, 3] };
        assert_eq!(Placement::plan(&machine, &config), expected);
    }
}

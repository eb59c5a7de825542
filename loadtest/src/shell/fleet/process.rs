//! What a process takes, as `/proc` tells it: processor time per thread, memory, descriptors.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

/// One look at a process.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Sample {
    /// Processor time since the process began, all threads, those that have ended included, ms.
    pub cpu_ms: u64,
    /// The same per name of living threads, ms. A number at the end of a name is left out: workers are one row.
    pub threads: BTreeMap<String, u64>,
    /// Memory in use (resident), KiB.
    pub rss_kib: u64,
    /// The most that it ever was, KiB.
    pub rss_peak_kib: u64,
    /// Open descriptors; zero when we may not see them.
    pub descriptors: usize,
}

/// Whose figures are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// One process's.
    Process(u32),
    /// Those of all processes of a group together but its leader: a server that we started, with whatever it starts,
    /// without the shell that guards it.
    Group(u32),
}

impl Whose {
    /// Looks at all of them, summed up.
    ///
    /// # Errors
    /// One line when there is none.
    pub fn look(self) -> Result<Sample, String> {
        match self {
            Self::Process(pid) => look(pid),
            Self::Group(leader) => {
                let all = members(leader).filter_map(|pid| look(pid).ok());
                all.reduce(Sample::plus).ok_or_else(|| format!("no process of group {leader} is left"))
            }
        }
    }

    /// The file of the program; of several the one with the most memory, which is not the shell that started it.
    #[must_use]
    pub fn program(self) -> Option<PathBuf> {
        let pid = match self {
            Self::Process(pid) => pid,
            Self::Group(leader) => members(leader).max_by_key(|pid| look(*pid).map_or(0, |sample| sample.rss_kib))?,
        };
        std::fs::read_link(format!("/proc/{pid}/exe")).ok()
    }

    /// Processor time so far, ms: a small part of [`look`](Self::look), for many looks.
    #[must_use]
    pub fn cpu_ms(self) -> u64 {
        let tick_ms = 1_000 / rustix::param::clock_ticks_per_second().max(1);
        let ticks = |pid: u32| read(Path::new(&format!("/proc/{pid}/stat"))).as_deref().and_then(parse_stat);
        let taken = |pid| ticks(pid).map_or(0, |(_, ticks)| ticks * tick_ms);
        match self {
            Self::Process(pid) => taken(pid),
            Self::Group(leader) => members(leader).map(taken).sum(),
        }
    }
}

impl Sample {
    fn plus(mut self, other: Self) -> Self {
        self.cpu_ms += other.cpu_ms;
        for (name, ms) in other.threads {
            *self.threads.entry(name).or_default() += ms;
        }
        self.rss_kib += other.rss_kib;
        self.rss_peak_kib += other.rss_peak_kib;
        self.descriptors += other.descriptors;
        self
    }
}

/// The processes of a group.
fn members(leader: u32) -> impl Iterator<Item = u32> {
    let group = |pid: &u32| read(Path::new(&format!("/proc/{pid}/stat"))).as_deref().and_then(parse_group);
    let all = entries(Path::new("/proc")).filter_map(|path| path.file_name()?.to_str()?.parse().ok());
    all.filter(move |pid| *pid != leader && group(pid) == Some(leader))
}

/// The process group of a `stat` line: field 5; of one that has ended and waits to be asked after (field 3: Z), none.
fn parse_group(line: &str) -> Option<u32> {
    let mut fields = line.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?;
    fields.nth(1)?.parse().ok().filter(|_| state != "Z")
}

/// Looks at process `pid`.
///
/// # Errors
/// One line when there is no such process.
pub fn look(pid: u32) -> Result<Sample, String> {
    let folder = PathBuf::from(format!("/proc/{pid}"));
    let tick_ms = 1_000 / rustix::param::clock_ticks_per_second().max(1);
    let stat = read(&folder.join("stat")).ok_or_else(|| format!("--pid {pid}: no such process"))?;
    let status = read(&folder.join("status")).unwrap_or_default();
    let mut threads = BTreeMap::new();
    for task in entries(&folder.join("task")) {
        if let Some((name, ticks)) = read(&task.join("stat")).as_deref().and_then(parse_stat) {
            *threads.entry(name).or_default() += ticks * tick_ms;
        }
    }
    Ok(Sample {
        cpu_ms: parse_stat(&stat).map_or(0, |(_, ticks)| ticks * tick_ms),
        threads,
        rss_kib: kib(&status, "VmRSS:"),
        rss_peak_kib: kib(&status, "VmHWM:"),
        descriptors: entries(&folder.join("fd")).count(),
    })
}

fn read(path: &Path) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

/// Name without its number, and user and system time in clock ticks, of a `stat` line (proc_pid_stat(5)).
fn parse_stat(line: &str) -> Option<(String, u64)> {
    let (before, after) = line.rsplit_once(')')?;
    let name = before.split_once('(')?.1.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '-' | '_' | ':'));
    // Behind the name: state is field 3, utime field 14, stime field 15.
    let mut fields = after.split_ascii_whitespace().skip(11);
    let (user, system) = (fields.next()?.parse::<u64>().ok()?, fields.next()?.parse::<u64>().ok()?);
    Some((name.to_owned(), user + system))
}

fn kib(status: &str, key: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    line.and_then(|value| value.trim().split(' ').next()?.parse().ok()).unwrap_or_default()
}

/// Share of all processors' time that the hypervisor gave to others, and that was idle, as (stolen, idle, all) ticks.
#[must_use]
pub fn machine_ticks() -> [u64; 3] {
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = stat.lines().next().unwrap_or_default();
    let ticks: Vec<u64> = line.split_ascii_whitespace().skip(1).take(8).map(|t| t.parse().unwrap_or(0)).collect();
    let at = |index: usize| ticks.get(index).copied().unwrap_or_default();
    [at(7), at(3) + at(4), ticks.iter().sum()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_brackets_and_blanks() {
        let line = "42 (we (ird) 7) S 1 2 3 4 5 6 7 8 9 10 111 222 0 0 20 0";
        assert_eq!(parse_stat(line), Some(("we (ird) ".into(), 333)));
        assert_eq!(parse_stat("1 (worker-12) R 1 2 3 4 5 6 7 8 9 10 1 2 0"), Some(("worker".into(), 3)));
        assert_eq!(parse_stat("nonsense"), None);
        assert_eq!(parse_group(line), Some(2));
        assert_eq!(parse_group(&line.replace(") S", ") Z")), None);
    }

    #[test]
    fn this_very_process_is_seen() {
        let sample = look(std::process::id()).unwrap();
        assert!(sample.rss_kib > 500 && sample.rss_peak_kib >= sample.rss_kib);
        assert!(sample.descriptors >= 3 && !sample.threads.is_empty());
        assert!(look(u32::MAX).unwrap_err().contains("no such process"));
        assert!(Whose::Process(std::process::id()).cpu_ms() >= sample.cpu_ms);
        assert!(Whose::Group(u32::MAX).look().unwrap_err().contains("no process"));
        assert!(machine_ticks()[2] > 0);
    }
}

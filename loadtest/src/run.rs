//! Runs what the command line asks for, and says how it went by an exit code.

mod call;
#[cfg(target_os = "linux")]
mod capacity;
#[cfg(target_os = "linux")]
mod compare;
pub mod doctor;
#[cfg(target_os = "linux")]
mod fleet;
mod list;
#[cfg(target_os = "linux")]
mod progress;
mod scenarios;
mod serve;
#[cfg(target_os = "linux")]
mod stand;
mod target;
mod terminal;
#[cfg(target_os = "linux")]
mod webhooks;

use std::future::Future;
use std::process::ExitCode;

use tokio::task::JoinHandle;

use crate::cli::{Cli, Command};

/// The call failed.
const FAILED: u8 = 1;
/// Wrong usage or configuration.
const USAGE: u8 = 2;
/// An expectation or a budget was missed.
const MISSED: u8 = 3;
/// The figures mean nothing: this machine was too busy to measure.
const VOID: u8 = 4;

#[cfg(not(target_os = "linux"))]
mod fleet {
    /// Not here.
    pub(super) fn fleet(_: &crate::cli::FleetArgs) -> Result<u8, String> {
        Err("fleet needs Linux: it counts in microseconds and reads /proc".into())
    }
}

#[cfg(not(target_os = "linux"))]
mod capacity {
    /// Not here.
    pub(super) fn capacity(_: &crate::cli::CapacityArgs) -> Result<u8, String> {
        Err("capacity needs Linux: it counts in microseconds and reads /proc".into())
    }
}

#[cfg(not(target_os = "linux"))]
mod compare {
    /// Not here.
    pub(super) fn compare(_: &crate::cli::CompareArgs) -> Result<u8, String> {
        Err("compare needs Linux: it counts in microseconds and reads /proc".into())
    }
}

#[cfg(not(target_os = "linux"))]
mod webhooks {
    /// Not here.
    pub(super) fn webhooks(_: &crate::cli::WebhooksArgs) -> Result<u8, String> {
        Err("webhooks needs Linux: it counts in microseconds and reads /proc".into())
    }
}

/// Does what `cli` says; everything that is printed goes to standard output, complaints to standard error.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    let result = match cli.command {
        Command::Call(args) => call::call(&args),
        Command::Doctor(args) => doctor::doctor(&args),
        Command::Capacity(args) => capacity::capacity(&args),
        Command::Compare(args) => compare::compare(&args),
        Command::Fleet(args) => fleet::fleet(&args),
        Command::Webhooks(args) => webhooks::webhooks(&args),
        Command::Serve(args) => serve::serve(&args),
        Command::Scenarios(args) => scenarios::scenarios(&args),
        Command::Label { files } => list::label_files(&files),
        Command::List => {
            list::list();
            Ok(0)
        }
    };
    result.map_or_else(
        |complaint| {
            terminal::complain(complaint);
            ExitCode::from(USAGE)
        },
        ExitCode::from,
    )
}

/// Runs on this thread alone until `work` is done.
fn runtime<T>(work: impl Future<Output = T>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
    Ok(runtime.map_err(|e| format!("cannot start: {e}"))?.block_on(work))
}

/// What came of all of them, in order; one that broke is told of, and left out.
async fn finished<T>(running: Vec<JoinHandle<T>>) -> Vec<T> {
    let mut results = Vec::with_capacity(running.len());
    for task in running {
        match task.await {
            Ok(result) => results.push(result),
            Err(error) => terminal::complain(format!("a call broke: {error}")),
        }
    }
    results
}

//! A server that this program starts itself: on a core of its own, looked at with all its processes, ended with them.
//!
//! A small shell stands between the two and waits for the end of its input: whatever becomes of this program, a signal
//! that nobody can catch included, the server does not outlive it. What the server prints is read, and the last lines
//! are kept to be told when it does not come up.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::clock::{Clock, pause};
use super::fleet::machine;
use super::fleet::process::Whose;
use super::route::Place;
use crate::time::Micros;

/// Starts `$1`, waits for the end of the input, ends the whole group: politely, and after 5 s by force.
const GUARD: &str = r#"
sh -c "$1" </dev/null 2>&1 &
server=$!
while read -r _; do :; done
trap '' TERM
kill -TERM 0
(sleep 5; kill -KILL 0) &
wait $server
kill -KILL 0
"#;

/// How long a server may take until it can be connected to.
const UP: Micros = Micros::from_ms(30_000);
/// How long it may take to end; the guard is done by then.
const DOWN: Micros = Micros::from_ms(8_000);
const LOOK: Duration = Duration::from_millis(50);
/// Lines that are kept; older ones are forgotten.
const LINES_MAX: usize = 12;

/// A running server.
#[derive(Debug)]
pub struct Served {
    guard: Child,
    lines: Arc<Mutex<VecDeque<String>>>,
}

impl Served {
    /// Starts `command` on `core` and waits until `place` can be connected to.
    ///
    /// # Errors
    /// When somebody is there already, and when the server does not come up: with what it said.
    pub fn start(command: &str, core: Option<usize>, place: &Place) -> Result<Self, String> {
        if is_answered(place) {
            return Err(format!(
                "{}:{} is answered already; end that server, or leave --serve out",
                place.host, place.port
            ));
        }
        let guard = spawn(command, core)?;
        let mut served = Self { guard, lines: Arc::default() };
        served.listen();
        let clock = Clock::start();
        while !is_answered(place) {
            pause(LOOK);
            let gone = clock.now() > Micros::from_ms(500) && served.whose().look().is_err();
            if gone || clock.now() > UP {
                let said = served.last_words();
                let why = if gone { "it ended" } else { "nobody answers there within 30 s" };
                return Err(format!("{command}: does not come up at {}:{}: {why}{said}", place.host, place.port));
            }
        }
        Ok(served)
    }

    /// Its processes, the guard apart.
    #[must_use]
    pub fn whose(&self) -> Whose {
        Whose::Group(self.guard.id())
    }

    /// What its program says to `--version`, on one line; `None` where it says nothing of the kind.
    #[must_use]
    pub fn version(&self) -> Option<String> {
        let program = self.whose().program()?;
        // A program that does not know the word might start a server instead: it gets two seconds.
        let words = ["2", program.to_str()?, "--version"];
        let asked = Command::new("timeout").args(words).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
        let said = String::from_utf8_lossy(&asked.stdout).lines().next()?.trim().to_owned();
        let name = program.file_name()?.to_string_lossy().into_owned();
        let said = said.strip_prefix(&name).map_or(said.as_str(), str::trim).to_owned();
        (asked.status.success() && (1..=60).contains(&said.len())).then_some(said)
    }

    /// Ends it.
    pub fn stop(self) {
        drop(self);
    }

    /// Reads what it prints, on a thread that only gets what others leave.
    fn listen(&mut self) {
        let Some(out) = self.guard.stdout.take() else { return };
        let lines = Arc::clone(&self.lines);
        std::thread::spawn(move || {
            machine::yield_to_others();
            for line in BufReader::new(out).split(b'\n').map_while(Result::ok) {
                let Ok(mut lines) = lines.lock() else { return };
                if lines.len() == LINES_MAX {
                    lines.pop_front();
                }
                lines.push_back(String::from_utf8_lossy(&line).into_owned());
            }
        });
    }

    fn last_words(&self) -> String {
        let lines = self.lines.lock().map(|lines| lines.iter().cloned().collect::<Vec<_>>()).unwrap_or_default();
        if lines.is_empty() { String::new() } else { format!("; it said:\n{}", lines.join("\n")) }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let clock = Clock::start();
        while clock.now() < DOWN {
            // The guard may be gone before the last of the group has given its port back.
            if !matches!(self.guard.try_wait(), Ok(None)) && self.whose().look().is_err() {
                return;
            }
            pause(LOOK);
        }
        // The guard itself hangs: then there is nobody else to do it.
        let _ = self.guard.kill();
        let _ = self.guard.wait();
    }
}

/// A child inherits the cores of the thread that starts it.
fn spawn(command: &str, core: Option<usize>) -> Result<Child, String> {
    let mut guard = Command::new("sh");
    guard.args(["-c", GUARD, "sh", command]).process_group(0);
    guard.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let starting = std::thread::spawn(move || {
        if let Some(core) = core {
            machine::pin(core)?;
        }
        guard.spawn().map_err(|e| format!("sh: {e}"))
    });
    starting.join().map_err(|_| "cannot start the server".to_owned())?
}

fn is_answered(place: &Place) -> bool {
    let Ok(addresses) = (place.host.as_str(), place.port).to_socket_addrs() else { return false };
    addresses.into_iter().any(|address| TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn free() -> Place {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        Place { host: "127.0.0.1".into(), port: listener.local_addr().unwrap().port() }
    }

    #[test]
    fn a_server_that_does_not_come_up_is_quoted_and_one_that_is_there_already_is_not_started() {
        let error = Served::start("echo the disk is full; exit 3", None, &free()).unwrap_err();
        assert!(error.contains("it ended; it said:\nthe disk is full"), "{error}");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let place = Place { host: "127.0.0.1".into(), port: listener.local_addr().unwrap().port() };
        assert!(Served::start("sleep 60", None, &place).unwrap_err().contains("answered already"));
        let error = Served::start("sleep 60", Some(100_000), &free()).unwrap_err();
        assert!(error.contains("no such core"), "{error}");
    }

    #[test]
    fn all_that_was_started_ends_with_it() {
        let mut guard = spawn("sleep 61 & sleep 62", None).unwrap();
        let whose = Whose::Group(guard.id());
        let clock = Clock::start();
        while whose.look().is_err() && clock.now() < UP {
            pause(LOOK);
        }
        assert!(whose.look().is_ok());
        guard.stdout.take();
        Served { guard, lines: Arc::default() }.stop();
        assert!(whose.look().is_err());
    }
}

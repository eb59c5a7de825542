//! The rules of the house that a compiler does not check, over every file that git knows.
//!
//! Each rule is a function from one file's path and text to its complaints, tried on bad text of its own below, so
//! that no rule can rot into one that never complains.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Split by noun before this.
const LINES_MAX: usize = 500;

/// One line that breaks a rule: its number from 1 and what is wrong with it.
type Complaints = Vec<(usize, String)>;

type Rule = fn(&str, &str) -> Complaints;

const RULES: &[Rule] = &[length, first_sentence, layers, pure_core, independence, leftovers, places, white_space];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Text files of the repository: tracked, and new ones that git does not ignore.
fn files() -> Vec<(String, String)> {
    // A checkout may belong to somebody else than who tests it, as in a container.
    let args = ["-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard", "-z"];
    let listing = Command::new("git").args(args).current_dir(root()).output().expect("git is installed");
    assert!(listing.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listing.stderr));
    let paths = String::from_utf8(listing.stdout).expect("paths are UTF-8");
    let read = |path: &str| Some((path.to_owned(), std::fs::read_to_string(root().join(path)).ok()?));
    paths.split('\0').filter(|path| !path.is_empty()).filter_map(read).collect()
}

fn is_source(path: &str) -> bool {
    path.ends_with(".rs") && path.contains("src/")
}

/// A line's code, without its comment. Strings that hold `//` are cut too: they name no layer.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

/// Numbered lines up to the tests: a file's own tests may use what its code may not.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let before_tests = text.lines().take_while(|line| line.trim() != "#[cfg(test)]");
    before_tests.enumerate().map(|(at, line)| (at + 1, code(line)))
}

/// Whether `line` has `word` with nothing of a name directly before or after it.
fn names(line: &str, word: &str) -> bool {
    let of_a_name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back().is_some_and(of_a_name);
        let after = line[at + word.len()..].chars().next().is_some_and(of_a_name);
        !before && !after
    })
}

fn forbid<'a>(lines: impl Iterator<Item = (usize, &'a str)>, words: &[&str], why: &str) -> Complaints {
    let found = |(at, line): (usize, &'a str)| {
        let word = words.iter().find(|word| names(line, word))?;
        Some((at, format!("names {word}: {why}")))
    };
    lines.filter_map(found).collect()
}

fn length(path: &str, text: &str) -> Complaints {
    let lines = text.lines().count();
    if path.ends_with(".rs") && lines > LINES_MAX {
        return vec![(lines, format!("{lines} lines, at most {LINES_MAX}: split it by noun"))];
    }
    Vec::new()
}

fn first_sentence(path: &str, text: &str) -> Complaints {
    let first = text.lines().next().unwrap_or_default();
    let is_sentence = first.starts_with("//! ") && first.len() > 15;
    if path.ends_with(".rs") && !is_sentence {
        return vec![(1, "the first line does not say in a //! sentence what the file is".to_owned())];
    }
    Vec::new()
}

/// agent → engine; control → agent, engine; engine → nobody.
fn layers(path: &str, text: &str) -> Complaints {
    if path == "engine/Cargo.toml" {
        let words = ["offhook-agent", "agent", "control", "axum", "hyper", "sqlx", "reqwest"];
        let dependency = |line| text_before(line, '=').trim().trim_end_matches(".workspace");
        let lines = text.lines().enumerate().map(|(at, line)| (at + 1, dependency(line)));
        return lines
            .filter(|(_, name)| words.contains(name))
            .map(|(at, name)| (at, imports("engine", name)))
            .collect();
    }
    let words: &[&str] = match path.split('/').next() {
        Some("engine") if is_source(path) => &["agent::", "control::", "axum::", "hyper::", "sqlx::", "reqwest::"],
        Some("agent") if is_source(path) => &["control::", "axum::", "hyper::", "sqlx::"],
        _ => return Vec::new(),
    };
    let outer = |(at, line): (usize, &str)| {
        let word = words.iter().find(|word| starts_path(line, word))?;
        Some((at, imports(text_before(path, '/'), word)))
    };
    code_lines(text).filter_map(outer).collect()
}

fn imports(layer: &str, other: &str) -> String {
    format!("{layer} imports {other}: agent imports engine, control imports both, engine nobody")
}

fn text_before(text: &str, end: char) -> &str {
    text.split(end).next().unwrap_or_default()
}

/// Whether `line` has a path that begins with `krate` (`hyper::`), and not one that goes on with it (`crate::agent::`).
fn starts_path(line: &str, krate: &str) -> bool {
    let goes_on = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    line.match_indices(krate).any(|(at, _)| !line[..at].chars().next_back().is_some_and(goes_on))
}

/// Socket, thread, lock, clock, await and log stay out of what decides.
fn pure_core(path: &str, text: &str) -> Complaints {
    const CORE: [&str; 4] = ["engine/src/audio/", "engine/src/wire/", "engine/src/turn/", "engine/src/leg/"];
    const WORDS: [&str; 12] = [
        "tokio",
        "std::thread",
        "std::sync",
        "std::net",
        "std::time::Instant",
        "SystemTime",
        "crossbeam_channel",
        "rtrb",
        "async",
        "await",
        "tracing",
        "println",
    ];
    if path == "agent/src/script.rs" || path == "agent/src/rewind.rs" {
        return forbid(code_lines(text), &["tokio", "async", "await", "tracing", "std::time::Instant"], "this is pure");
    }
    if !CORE.iter().any(|folder| path.starts_with(folder)) {
        return Vec::new();
    }
    forbid(code_lines(text), &WORDS, "the core is pure; the shell (net, worker, ring, clock) does this")
}

/// The load test is an independent reading of the carrier's rules.
fn independence(path: &str, text: &str) -> Complaints {
    if !path.starts_with("loadtest/") || !(path.ends_with(".rs") || path.ends_with("Cargo.toml")) {
        return Vec::new();
    }
    let ours = ["engine.workspace", "agent.workspace", "control.workspace", "offhook-engine", "offhook-agent"];
    let mut complaints = forbid(code_lines(text), &ours, "loadtest depends on no crate of ours");
    let used =
        |(_, line): &(usize, &str)| ["engine::", "agent::", "offhook::"].iter().any(|krate| starts_path(line, krate));
    if path.ends_with(".rs") {
        let why = || "loadtest depends on no crate of ours".to_owned();
        complaints.extend(code_lines(text).filter(used).map(|(at, _)| (at, why())));
    }
    complaints
}

fn leftovers(path: &str, text: &str) -> Complaints {
    // Spelled in halves, or this file would complain of itself.
    let words = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X"), concat!("HA", "CK")];
    if path.starts_with("LICENSE") {
        return Vec::new();
    }
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line));
    forbid(lines, &words, "do it, or say in a sentence why it is not done")
}

/// A tree that names the machine on which it was made, or where that machine got its packages, works nowhere else.
fn places(path: &str, text: &str) -> Complaints {
    let words = [
        concat!("/wo", "rk/"),
        concat!("/ro", "ot/"),
        concat!("/ho", "me/"),
        concat!("/Us", "ers/"),
        concat!("index.cra", "tes.io"),
        concat!("static.cra", "tes.io"),
        concat!("deb.deb", "ian.org"),
        concat!("registry.npm", "js.org"),
        concat!("files.pytho", "nhosted.org"),
    ];
    let named = |line: &str| words.iter().find(|word| line.contains(**word)).map(|word| format!("names {word}"));
    if path == "Cargo.lock" {
        return Vec::new();
    }
    text.lines().enumerate().filter_map(|(at, line)| Some((at + 1, named(line)?))).collect()
}

fn white_space(path: &str, text: &str) -> Complaints {
    let checked = [".rs", ".toml", ".md", ".sh", ".txt", ".yml", ".yaml"].iter().any(|ext| path.ends_with(ext));
    if !checked {
        return Vec::new();
    }
    let wrong = |line: &str| line.contains('\t') || line.ends_with([' ', '\r']);
    let lines = text.lines().enumerate().filter(|(_, line)| wrong(line));
    let mut complaints: Complaints = lines.map(|(at, _)| (at + 1, "tab or space at the end".to_owned())).collect();
    if !text.is_empty() && !text.ends_with('\n') {
        complaints.push((text.lines().count(), "the last line does not end".to_owned()));
    }
    complaints
}

#[test]
fn the_tree_keeps_the_rules_of_the_house() {
    let files = files();
    assert!(
        files.iter().any(|(path, _)| path == "engine/src/lib.rs"),
        "git ls-files listed no engine: {}",
        files.len()
    );
    let mut complaints = Vec::new();
    for (path, text) in &files {
        for (line, complaint) in RULES.iter().flat_map(|rule| rule(path, text)) {
            complaints.push(format!("{path}:{line}: {complaint}"));
        }
    }
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn every_rule_complains_of_what_it_forbids_and_of_nothing_else() {
    let to_do = concat!("// TO", "DO: later\n");
    let place = concat!("//! See /wo", "rk/notes.\n");
    let long = format!("//! A file that goes on and on.\n{}", "//\n".repeat(LINES_MAX));
    let bad: &[(Rule, &str, &str)] = &[
        (length, "control/src/a.rs", &long),
        (first_sentence, "engine/src/a.rs", "use std::fmt;\n"),
        (layers, "engine/src/net/a.rs", "use agent::Desk;\n"),
        (layers, "engine/src/net/a.rs", "let x = hyper::Request::new(());\n"),
        (layers, "engine/Cargo.toml", "[dependencies]\naxum.workspace = true\n"),
        (layers, "agent/src/a.rs", "use control::boot;\n"),
        (pure_core, "engine/src/leg/a.rs", "use std::sync::Arc;\n"),
        (pure_core, "engine/src/turn/a.rs", "    pub async fn turn() {}\n"),
        (pure_core, "engine/src/wire/a.rs", "    tracing::warn!(\"bad\");\n"),
        (pure_core, "agent/src/script.rs", "use tokio::time::Instant;\n"),
        (independence, "loadtest/Cargo.toml", "engine.workspace = true\n"),
        (independence, "loadtest/src/a.rs", "use engine::wire::Inbound;\n"),
        (leftovers, "README.md", to_do),
        (places, "docs/a.md", place),
        (white_space, "docs/a.md", "a word \n"),
        (white_space, "agent/a.sh", "\techo\n"),
        (white_space, "docs/a.md", "no end"),
    ];
    for (rule, path, text) in bad {
        assert_eq!(rule(path, text).len(), 1, "{path}: {text:?}");
    }
    let good: &[(&str, &str)] = &[
        (
            "engine/src/leg/a.rs",
            "//! What the agent says.\n//! tokio is not named.\nlet asynchronous = crate::agent::x; // axum::\n",
        ),
        ("engine/src/net/a.rs", "//! One task per stream.\nuse tokio::net::TcpStream;\n"),
        ("engine/src/turn/a.rs", "//! Who has the floor.\n#[cfg(test)]\nmod tests { use std::sync::Arc; }\n"),
        ("control/src/a.rs", "//! The router of webhooks.\nuse engine::Engine;\n"),
        ("loadtest/src/a.rs", "//! The caller's agent::thing in words.\nlet engine = 1;\n"),
    ];
    for (path, text) in good {
        for rule in RULES {
            assert_eq!(rule(path, text), [], "{path}: {text:?}");
        }
    }
}

//! The scripts that are built in: scenarios, which tell in one sentence what a caller does, and parties, which tell how
//! a call is taken.

macro_rules! embed {
    ($folder:literal, $($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../", $folder, "/", $name, ".toml")))),*]
    };
}

/// Name and text of each way to take a call, for `serve`; no server is tried with them.
pub const PARTIES: &[(&str, &str)] =
    embed!["parties", "listener", "busy", "nobody", "machine", "fax", "unreachable", "gives-up"];

/// Name and text of each scenario, in the order in which a person would try them.
pub const SCENARIOS: &[(&str, &str)] = embed![
    "scenarios",
    "default",
    "greeting",
    "interrupt",
    "first-word",
    "interrupts-thrice",
    "long-monologue",
    "double-talk",
    "silent-caller",
    "silent",
    "digits-during-speech",
    "digits-before-greeting",
    "backchannels",
    "coughs",
    "noise",
    "noisy-street",
    "music",
    "tone",
    "speakerphone",
    "jittery-line",
    "bunched-frames",
    "stalled-line",
    "lost-frames",
    "slow-reader",
    "second-socket",
    "hang-up-in-mid-word",
    "reset",
    "half-open",
    "transfer",
    "goodbye",
    "echo",
];

//! The scenarios that are built in: scripts that tell in one sentence what a caller does.

macro_rules! embed {
    ($($name:literal),* $(,)?) => {
        /// Name and text of each, in the order in which a person would try them.
        pub const SCENARIOS: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../scenarios/", $name, ".toml")))),*];
    };
}

embed![
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

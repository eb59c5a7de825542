//! The program itself, run as a user would.

use std::process::{Command, Output};

use super::server::TOKEN;

/// The program, with the test servers' token and nothing of the user's own.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadtest"));
    command.env_remove("TWILIO_ACCOUNT_SID").env("TWILIO_AUTH_TOKEN", TOKEN);
    command
}

/// Runs it to its end, beside the test's servers: exit code, standard output, standard error.
pub(crate) async fn run(mut command: Command) -> (i32, String, String) {
    let output: Output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

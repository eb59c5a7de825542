//! The program `loadtest`: see the library.

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

fn main() -> ExitCode {
    match loadtest::cli::Cli::try_parse() {
        Ok(cli) => loadtest::run::run(cli),
        Err(error) => {
            // Help and version are no mistakes; printing them can only fail when nobody reads.
            let _ = error.print();
            let wanted = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            if wanted { ExitCode::SUCCESS } else { ExitCode::from(2) }
        }
    }
}

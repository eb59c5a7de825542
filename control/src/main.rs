//! The `offhook` program: reads what the user wants, starts it, waits for the signal to end.

use std::process::ExitCode;

use control::boot::{BootError, Server};
use control::cli::{self, Refusal, Wish};
use control::clock::Clock;
use control::config::{self, Config, Sources};
use control::logs::Logs;
use control::{descriptors, greeting, memory, signals};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What is wrong is in the configuration or the arguments.
const BAD_CONFIGURATION: u8 = 2;

fn main() -> ExitCode {
    memory::use_small_pages();
    match cli::parse(std::env::args_os(), std::env::vars_os()) {
        Ok(Wish::Serve(sources)) => serve(&sources),
        Ok(Wish::Settings { markdown: true, .. }) => {
            print!("{}", config::markdown());
            ExitCode::SUCCESS
        }
        Ok(Wish::Settings { markdown: false, sources }) => match load(&sources) {
            Ok(config) => {
                print!("{}", greeting::settings(&config));
                ExitCode::SUCCESS
            }
            Err(code) => code,
        },
        Err(Refusal::Arguments(error)) => {
            let _ = error.print();
            ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(BAD_CONFIGURATION))
        }
        Err(Refusal::File(line)) => {
            eprintln!("offhook: {line}");
            ExitCode::from(BAD_CONFIGURATION)
        }
    }
}

fn load(sources: &Sources) -> Result<Config, ExitCode> {
    Config::load(sources).map_err(|faults| {
        for fault in faults {
            eprintln!("offhook: {fault}");
        }
        ExitCode::from(BAD_CONFIGURATION)
    })
}

fn serve(sources: &Sources) -> ExitCode {
    let clock = Clock::machine();
    let config = match load(sources) {
        Ok(config) => config,
        Err(code) => return code,
    };
    match run(config, clock) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("offhook: {error:#}");
            let misconfigured = matches!(error.downcast_ref(), Some(BootError::Listen(..) | BootError::CaptureDir(..)));
            if misconfigured { ExitCode::from(BAD_CONFIGURATION) } else { ExitCode::FAILURE }
        }
    }
}

fn run(config: Config, clock: Clock) -> anyhow::Result<()> {
    let _logs = Logs::start(config.log.clone())?;
    descriptors::raise(&config.limits);
    // Webhooks and agents; the media path has threads of its own.
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("control").enable_all().build()?;
    runtime.block_on(async {
        let mut signals = signals::Signals::listen()?;
        let shown = config.clone();
        let server = Server::start(config, clock.clone()).await?;
        eprint!("{}", greeting::started(&shown, &server, clock.now()));
        for warning in &shown.warnings {
            tracing::warn!("{warning}");
        }
        signals.next().await;
        server.drain(async { signals.next().await }).await;
        Ok(())
    })
}

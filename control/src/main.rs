//! The `offhook` program: reads what the user wants, starts it, waits for the signal to end.

use std::process::ExitCode;

use control::boot::{BootError, Server};
use control::cli::{self, Exit, Refusal, Wish};
use control::clock::Clock;
use control::config::{Config, Sources};
use control::logs::Logs;
use control::{descriptors, greeting, memory, signals};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    memory::use_small_pages();
    match cli::parse(std::env::args_os(), std::env::vars_os()) {
        Ok(Wish::Serve(sources)) => serve(&sources).into(),
        Ok(Wish::Errand(errand)) => errand.run().into(),
        Err(Refusal::Arguments(error)) => {
            let _ = error.print();
            ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(Exit::Usage.code()))
        }
        Err(Refusal::File(line)) => {
            eprintln!("offhook: {line}");
            Exit::Usage.into()
        }
    }
}

fn serve(sources: &Sources) -> Exit {
    let clock = Clock::machine();
    let config = match Config::load(sources) {
        Ok(config) => config,
        Err(faults) => {
            faults.iter().for_each(|fault| eprintln!("offhook: {fault}"));
            return Exit::Usage;
        }
    };
    match run(config, clock) {
        Ok(()) => Exit::Done,
        Err(error) => {
            eprintln!("offhook: {error:#}");
            error.downcast_ref().map_or(Exit::Failed, BootError::exit)
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

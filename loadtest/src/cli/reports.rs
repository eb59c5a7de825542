//! Options about who is told how a call goes, and what goes wrong on that way.

use clap::Args;

use crate::call::course::{Mishaps, Place, Reports};
use crate::time::Micros;
use crate::twilio::url::Url;

/// What goes wrong with status callbacks.
#[derive(Clone, Debug, Args)]
pub struct MishapArgs {
    /// So often a status callback is never sent, from 0 to 1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub callbacks_lose: f64,
    /// So often one is sent twice, with the same idempotency token.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub callbacks_repeat: f64,
    /// Each is late by up to this.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub callbacks_delay_ms: u64,
    /// None waits for the one before, so that a late one is overtaken.
    #[arg(long)]
    pub callbacks_reorder: bool,
}

/// Status callbacks and the fallback of a call.
#[derive(Clone, Debug, Args)]
pub struct ReportArgs {
    /// Report the end of the call here, as a number's status callback.
    #[arg(long, value_name = "URL")]
    pub status_callback: Option<String>,
    /// What goes wrong with them.
    #[command(flatten)]
    pub mishaps: MishapArgs,
    /// Asked when the TwiML cannot be had or carried out, with ErrorCode and ErrorUrl.
    #[arg(long, value_name = "URL")]
    pub fallback_url: Option<String>,
}

/// A callback later than this is no callback of Twilio's.
const DELAY_MAX_MS: u64 = 600_000;

impl MishapArgs {
    /// What goes wrong.
    ///
    /// # Errors
    /// What is wrong with an option.
    pub fn mishaps(&self) -> Result<Mishaps, String> {
        for (name, share) in [("lose", self.callbacks_lose), ("repeat", self.callbacks_repeat)] {
            if !(0.0..=1.0).contains(&share) {
                return Err(format!("--callbacks-{name} {share}: from 0 to 1"));
            }
        }
        if self.callbacks_delay_ms > DELAY_MAX_MS {
            return Err(format!("--callbacks-delay-ms {}: at most {DELAY_MAX_MS}", self.callbacks_delay_ms));
        }
        Ok(Mishaps {
            lose: self.callbacks_lose,
            repeat: self.callbacks_repeat,
            delay: Micros::from_ms(self.callbacks_delay_ms),
            reorder: self.callbacks_reorder,
        })
    }
}

impl ReportArgs {
    /// Who is told, if anybody.
    ///
    /// # Errors
    /// What is wrong with an option.
    pub fn reports(&self) -> Result<Option<Reports>, String> {
        let to = place("--status-callback", self.status_callback.as_deref())?;
        Ok(to.map(Reports::at_the_end))
    }

    /// Who is asked when all else fails.
    ///
    /// # Errors
    /// It is no URL.
    pub fn fallback(&self) -> Result<Option<Place>, String> {
        place("--fallback-url", self.fallback_url.as_deref())
    }
}

/// The URL that this option names, if any.
///
/// # Errors
/// It is no URL.
pub fn place(option: &str, text: Option<&str>) -> Result<Option<Place>, String> {
    let Some(text) = text else { return Ok(None) };
    Url::parse(text).map(|url| Some((url, false))).map_err(|bad| format!("{option}: {bad}"))
}

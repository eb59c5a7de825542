//! Is the service well, and its carrier?

use std::sync::atomic::{AtomicU8, Ordering};

use serde::Serialize;

use crate::app::{App, Phase};
use crate::calls::Level;
use crate::carrier::{CarrierError, ErrorCode};
use crate::model::TenantId;

/// How well it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    /// All is well.
    Healthy,
    /// Calls are answered, and something else is not as it should be.
    Degraded,
    /// No new calls are taken, or none can be placed.
    Unhealthy,
}

/// How well it is, and why not better.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Health {
    /// The worst of all reasons.
    pub status: HealthStatus,
    /// One line each, with what to do.
    pub reasons: Vec<String>,
}

/// Whether the carrier can be reached, as it was when it was asked last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionState {
    /// It answered, and took the credentials.
    Connected,
    /// It has not been asked, or there is none.
    Disconnected,
    /// It did not answer, or said no.
    Error,
}

/// The connection's state, shared.
#[derive(Debug, Default)]
pub(crate) struct Connection(AtomicU8);

impl Connection {
    pub(crate) fn get(&self) -> ConnectionState {
        match self.0.load(Ordering::Relaxed) {
            0 => ConnectionState::Disconnected,
            1 => ConnectionState::Connected,
            _ => ConnectionState::Error,
        }
    }

    /// Gives what it was before.
    pub(crate) fn set(&self, state: ConnectionState) -> ConnectionState {
        let number = match state {
            ConnectionState::Disconnected => 0,
            ConnectionState::Connected => 1,
            ConnectionState::Error => 2,
        };
        let before = self.get();
        self.0.store(number, Ordering::Relaxed);
        before
    }
}

/// Looks at everything: the service's own state, its database, its carrier.
pub(crate) async fn examine(app: &App) -> Health {
    let mut health = Health { status: HealthStatus::Healthy, reasons: Vec::new() };
    if app.phase() != Phase::Open {
        health.because(HealthStatus::Unhealthy, "it drains: new calls belong to another process");
    }
    let level = Level::of(app.calls().load());
    if level >= Level::Inbound {
        let line = format!("it is at its limit: {} (OFFHOOK_CALLS_MAX, OFFHOOK_TICK_LAG_MAX_MS)", level.text());
        health.because(HealthStatus::Degraded, line);
    }
    if let Err(error) = app.store.ping().await {
        let line = format!("the database is away ({error}): calls are answered, what happens waits on this machine");
        health.because(HealthStatus::Degraded, line);
    }
    if let Err(error) = ask_carrier(app).await {
        let (status, line) = told(&error);
        health.because(status, line);
    }
    health
}

/// Asks the default carrier whether it is there, and keeps what came of it.
pub(crate) async fn ask_carrier(app: &App) -> Result<(), CarrierError> {
    let Some(carrier) = app.carriers.for_tenant(TenantId::DEFAULT) else {
        app.connection.set(ConnectionState::Disconnected);
        return Ok(());
    };
    let answer = carrier.health().await;
    let state = if answer.is_ok() { ConnectionState::Connected } else { ConnectionState::Error };
    let before = app.connection.set(state);
    match &answer {
        Ok(()) if before != state => tracing::info!("the carrier answers"),
        Err(error) if before != state => tracing::warn!(%error, "the carrier does not answer as it should"),
        _ => {}
    }
    answer
}

fn told(error: &CarrierError) -> (HealthStatus, String) {
    match error.code.general() {
        ErrorCode::AuthError => {
            (HealthStatus::Unhealthy, format!("the carrier refuses the credentials: no call can be placed ({error})"))
        }
        ErrorCode::RateLimit => (HealthStatus::Degraded, format!("the carrier is asked too often ({error})")),
        ErrorCode::InvalidConfig => (HealthStatus::Unhealthy, format!("the configuration is not complete ({error})")),
        _ => (
            HealthStatus::Degraded,
            format!("the carrier cannot be reached: calls are answered, none can be placed ({error})"),
        ),
    }
}

impl Health {
    fn because(&mut self, status: HealthStatus, reason: impl Into<String>) {
        self.status = self.status.max(status);
        self.reasons.push(reason.into());
    }
}

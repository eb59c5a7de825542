//! The service as a program that embeds it has it: started, asked for calls, looked at, set otherwise, stopped.
//!
//! A session is a call of a tenant. Everything here is a view of the same calls that webhooks and the REST API work on;
//! where those offer the same, they come through the same operations, and are counted with them.

mod change;
mod health;
mod operation;

use std::sync::Arc;

use agent::Wish;
use bytes::Bytes;
use engine::wire::Sid;
use tracing::Instrument as _;

pub use change::ConfigRefused;
pub(crate) use health::{Connection, ask_carrier, examine};
pub use health::{ConnectionState, Health, HealthStatus};
pub(crate) use operation::{About, Meter, Meters, Operation};

use crate::app::App;
use crate::boot::{BootError, Server};
use crate::calls::Facts;
use crate::calls::act::{self, ActError, Action};
use crate::calls::placing::{self, Terms};
use crate::carrier::{CallMetadata, CarrierError, ErrorCode, MachineDetection};
use crate::clock::Clock;
use crate::config::Config;
use crate::model::{Actor, Call, CallId, Direction, TenantId};
use crate::twilio::{flow, twiml};

/// A running service.
#[derive(Debug)]
pub struct Backend {
    app: Arc<App>,
    server: Server,
}

/// A call that is to be placed.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Whose call it is.
    pub tenant_id: TenantId,
    /// Whom to call, E.164.
    pub to: String,
    /// From which of the tenant's numbers; `None`: its default one.
    pub from: Option<String>,
    /// What is to be remembered with it: an object.
    pub metadata: Option<serde_json::Value>,
    /// Whether the carrier finds out who answers.
    pub machine_detection: MachineDetection,
}

impl Backend {
    /// Starts it: engine, listener, pages. Call within a tokio runtime.
    ///
    /// # Errors
    /// See [`BootError`].
    pub async fn start(config: Config, clock: Clock) -> Result<Self, BootError> {
        let began = clock.now();
        let span = Operation::Start.span(&About::default());
        let server = Server::start(config, clock.clone()).instrument(span).await?;
        let app = Arc::clone(server.app());
        // The counters are part of what was started.
        app.metrics.backend.started(clock.now().saturating_sub(began));
        Ok(Self { app, server })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> std::net::SocketAddr {
        self.server.address()
    }

    /// Takes no more calls, waits for those that live, and ends. `force` cuts that short when it resolves.
    pub async fn stop(self, force: impl Future<Output = ()>) {
        let Self { app, server } = self;
        let drained = async {
            server.drain(force).await;
            Ok::<(), std::convert::Infallible>(())
        };
        let _ = app.operate(Operation::Stop, About::default(), drained).await;
    }

    /// Places a call. It may have failed already: its state says so.
    ///
    /// # Errors
    /// Why it was not placed: a guard, a bound, or no carrier.
    pub async fn create_session(&self, new: NewSession) -> Result<Call, CarrierError> {
        let terms = Terms { machine_detection: new.machine_detection, ..Terms::usual(&self.app) };
        let wish = placing::Wish {
            to: new.to,
            from: new.from,
            profile: None,
            contact: None,
            campaign: None,
            metadata: new.metadata,
            terms,
        };
        let made = placing::place(&self.app, Actor::System, new.tenant_id, wish, None).await;
        made.map(|made| made.value).map_err(|why| CarrierError::new(why.code(), why.to_string()))
    }

    /// A session of the tenant, live or over.
    ///
    /// # Errors
    /// [`ErrorCode::SessionNotFound`].
    pub async fn session(&self, tenant: TenantId, id: CallId) -> Result<Call, CarrierError> {
        let look = async {
            match self.app.chronicle.call(id).filter(|call| call.tenant_id == tenant) {
                Some(call) => Ok(call),
                None => self.app.store.call(tenant, id).await.map_err(|error| no_session(&error)),
            }
        };
        self.app.operate(Operation::SessionGet, About { session: Some(id), ..About::default() }, look).await
    }

    /// The live sessions of a tenant, newest first.
    pub async fn sessions(&self, tenant: TenantId) -> Vec<Call> {
        let list = async { Ok::<_, std::convert::Infallible>(act::live(&self.app, tenant)) };
        self.app.operate(Operation::SessionsList, About::default(), list).await.unwrap_or_default()
    }

    /// Ends a session, after what is being said; one that nobody answered yet is taken back.
    ///
    /// # Errors
    /// [`ErrorCode::SessionNotFound`]: it is over, or never was. [`ErrorCode::CloseFailed`]: its carrier did not do it.
    pub async fn close_session(&self, tenant: TenantId, id: CallId) -> Result<(), CarrierError> {
        act::act(&self.app, tenant, id, Action::HangUp).await.map_err(|error| match error {
            ActError::Carrier => CarrierError::new(ErrorCode::CloseFailed, "the carrier did not end the call"),
            _ => CarrierError::new(ErrorCode::SessionNotFound, "there is no such live session"),
        })
    }

    /// How well the service is. Asks database and carrier.
    pub async fn health_check(&self) -> Health {
        let look = async { Ok::<_, std::convert::Infallible>(examine(&self.app).await) };
        match self.app.operate(Operation::HealthCheck, About::default(), look).await {
            Ok(health) => health,
            Err(never) => match never {},
        }
    }

    /// Whether the carrier can be reached, as it was when it was asked last.
    #[must_use]
    pub fn connection_state(&self) -> ConnectionState {
        self.app.connection.get()
    }

    /// How many calls hold a place now.
    #[must_use]
    pub fn active_session_count(&self) -> usize {
        self.app.calls().len()
    }

    /// What it was started with, and what was set since.
    #[must_use]
    pub fn config(&self) -> Config {
        let mut config = self.app.config.clone();
        (config.limits.calls_max, config.limits.token_lifetime) = self.app.calls().limits();
        config
    }

    /// Sets what can be set while it runs; names and values as in the environment. All of it or nothing.
    ///
    /// # Errors
    /// What is wrong with each that cannot be.
    pub async fn update_config(&self, changes: &[(&str, &str)]) -> Result<(), Vec<ConfigRefused>> {
        let update = async { change::apply(&self.app, changes) };
        self.app.operate(Operation::UpdateConfig, About::default(), update).await
    }

    /// Answers a call that came in over another way than the service's own webhook: TwiML for the carrier.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidWebhook`]: the call names itself or its account in no way that a carrier does.
    pub fn handle_inbound_call(&self, call: &CallMetadata) -> Result<String, CarrierError> {
        let sid = |text: &str| {
            Sid::parse(text).ok_or_else(|| CarrierError::new(ErrorCode::InvalidWebhook, "a name that no carrier gives"))
        };
        let (name, account) = (sid(&call.carrier_call_id)?, sid(&call.account)?);
        if let Some(carrier) = self.app.carriers.for_tenant(call.tenant_id) {
            carrier.on_inbound_call(call)?;
        }
        let (id, line) =
            self.app.chronicle.known(&name).unwrap_or_else(|| (CallId::new(), self.app.directory.line(&call.called)));
        if line.tenant() != call.tenant_id {
            return Err(CarrierError::new(ErrorCode::InvalidWebhook, "the called number is not this tenant's"));
        }
        let outbound = call.direction == Direction::Outbound;
        let facts = Facts { id, line, outbound, account, from: call.caller.clone(), to: call.called.clone() };
        Ok(twiml::document(&flow::answer(&self.app, &name, &facts)))
    }

    /// Plays sound (µ-law, 8 kHz, mono) to the caller of a live session, now.
    ///
    /// # Errors
    /// [`ErrorCode::SessionNotFound`]: no stream of such a session runs. [`ErrorCode::StreamFailed`]: so much waits to be
    /// played already that its agent takes no more.
    pub fn stream_audio(&self, tenant: TenantId, id: CallId, sound: Bytes) -> Result<(), CarrierError> {
        let reached = self.app.calls().reach(tenant, id);
        let (_, wishes) =
            reached.ok_or_else(|| CarrierError::new(ErrorCode::SessionNotFound, "no stream of such a session runs"))?;
        let refused = |_| CarrierError::new(ErrorCode::StreamFailed, "its agent takes no more at the moment");
        wishes.try_send(Wish::Say(sound)).map_err(refused)
    }
}

fn no_session(error: &crate::db::StoreError) -> CarrierError {
    CarrierError::new(ErrorCode::SessionNotFound, error.to_string())
}

//! What is done through the backend: each operation has a span, a counter, a clock.

use metrics::{Counter, Gauge, Histogram};
use tracing::{Instrument as _, Span, field};

use crate::clock::Clock;
use crate::mask::Masked;

macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident = $span:literal, $metric:literal;)*) => {
        /// An operation.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Operation { $($(#[$doc])* $name),* }

        impl Operation {
            /// All of them, with their metrics' names.
            pub(crate) const ALL: &'static [(Self, &'static str, &'static str)] = &[$(
                (Self::$name, concat!($metric, "_total"), concat!($metric, "_duration_seconds"))
            ),*];

            /// As it stands in labels and spans.
            pub(crate) fn text(self) -> &'static str {
                match self { $(Self::$name => $span),* }
            }

            pub(super) fn span(self, about: &About<'_>) -> Span {
                match self {
                    $(Self::$name => tracing::info_span!(
                        $span,
                        twilio.account_sid = about.account,
                        twilio.call_sid = about.call,
                        twilio.session_id = about.session.map(field::display),
                        twilio.operation = $span,
                        call.direction = about.direction,
                        call.to = about.to.map(|to| field::display(Masked(to))),
                        call.from = about.from.map(|from| field::display(Masked(from))),
                    )),*
                }
            }
        }
    };
}

operations! {
    /// The service starts.
    Start = "twilio.backend.start", "twilio_backend_start";
    /// It drains and ends.
    Stop = "twilio.backend.stop", "twilio_backend_stop";
    /// Is it well?
    HealthCheck = "twilio.backend.health_check", "twilio_backend_health_check";
    /// It is set otherwise.
    UpdateConfig = "twilio.backend.update_config", "twilio_backend_update_config";
    /// A call is placed.
    CallCreate = "twilio.call.create", "twilio_call_create";
    /// A session is looked at.
    SessionGet = "twilio.session.get", "twilio_session_get";
    /// A session is ended.
    SessionClose = "twilio.session.close", "twilio_session_close";
    /// Sessions are listed.
    SessionsList = "twilio.sessions.list", "twilio_sessions_list";
}

/// What an operation is about, for its span. Numbers are masked there.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct About<'a> {
    pub(crate) account: Option<&'a str>,
    pub(crate) call: Option<&'a str>,
    pub(crate) session: Option<crate::model::CallId>,
    pub(crate) direction: Option<&'a str>,
    pub(crate) to: Option<&'a str>,
    pub(crate) from: Option<&'a str>,
}

/// The counters of one operation: its own, and its part of those that all share.
pub(crate) struct Meter {
    pub(crate) total: Counter,
    pub(crate) seconds: Histogram,
    pub(crate) of_all: Counter,
    pub(crate) of_all_seconds: Histogram,
    pub(crate) errors: Counter,
}

/// The counters of all operations, in their order, and what stands now.
pub(crate) struct Meters {
    pub(crate) operations: Vec<Meter>,
    pub(crate) backend_sessions: Gauge,
    pub(crate) sessions: Gauge,
    pub(crate) streams: Gauge,
    pub(crate) connection: Gauge,
}

impl Meters {
    /// The service has started, and took so long.
    pub(crate) fn started(&self, took: std::time::Duration) {
        self.count(Operation::Start, took.as_secs_f64(), true);
    }

    /// Does it within its span, counted and timed.
    pub(crate) async fn run<T, E>(
        &self,
        clock: &Clock,
        operation: Operation,
        about: About<'_>,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let began = clock.now();
        let done = work.instrument(operation.span(&about)).await;
        let took = clock.now().saturating_sub(began).as_secs_f64();
        self.count(operation, took, done.is_ok());
        done
    }

    fn count(&self, operation: Operation, seconds: f64, is_done: bool) {
        let Some(meter) = self.operations.get(operation as usize) else { return };
        meter.total.increment(1);
        meter.seconds.record(seconds);
        meter.of_all.increment(1);
        meter.of_all_seconds.record(seconds);
        if !is_done {
            meter.errors.increment(1);
        }
    }
}

//! What is counted, by Prometheus conventions. Every series exists from the start, at zero; none is per call.
//!
//! Handles are made once and are an atomic addition each. What the engine counts itself is copied in when asked for.

use std::fmt;
use std::sync::atomic::Ordering;
use std::time::Duration;

use engine::{Kind, Stats};
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Label, Level, Metadata, Recorder, Unit};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use crate::app::App;
use crate::backend::{ConnectionState, Meter, Meters, Operation};
use crate::calls::Chronicle;
use crate::calls::admission::Strain;
use crate::journal::{Counts, Journal};
use crate::tls::Door;

static METADATA: Metadata<'static> = Metadata::new("control", Level::INFO, None);

/// The edges of the request histogram in seconds: most answers take under a millisecond, Twilio gives up after 15 s.
const REQUEST_EDGES_S: &[f64] = &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 15.0];

/// A closed set of label values.
pub(crate) trait Values: Copy + 'static {
    /// All of them, in the order of their numbers.
    const ALL: &'static [(Self, &'static str)];
    /// The place in `ALL`.
    fn index(self) -> usize;
}

macro_rules! values {
    ($(#[$doc:meta])* $name:ident: $($variant:ident = $text:literal),+ $(,)?) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $name { $($variant),+ }

        impl Values for $name {
            const ALL: &'static [(Self, &'static str)] = &[$((Self::$variant, $text)),+];

            fn index(self) -> usize {
                self as usize
            }
        }

        impl $name {
            /// As it stands in a label or a log line.
            #[allow(dead_code, reason = "not every set is logged")]
            pub(crate) fn text(self) -> &'static str {
                Self::ALL[self.index()].1
            }
        }
    };
}

values! {
    /// A family of answers.
    Status: Informational = "1xx", Success = "2xx", Redirection = "3xx", ClientError = "4xx", ServerError = "5xx"
}
values! {
    /// What a signature turned out to be.
    SignatureResult: Valid = "valid", Invalid = "invalid", Missing = "missing", Unchecked = "unchecked"
}
values! {
    /// Why a webhook was refused.
    WebhookFault:
        Signature = "signature", Account = "account", Malformed = "malformed", TooLarge = "too_large",
        TooSlow = "too_slow", Broken = "broken"
}
values! {
    /// Why a call was not taken.
    CallRefused:
        Full = "full", Strained = "strained", Draining = "draining", Fault = "fault", NotServed = "not_served",
        TenantAtOnce = "tenant_at_once", TenantPerSecond = "tenant_per_second"
}
values! {
    /// What came after a stream.
    AfterStream: Resume = "resume", Menu = "menu", Dial = "dial", HangUp = "hang_up", Goodbye = "goodbye"
}
values! {
    /// Why a media socket was refused, at its handshake or at its start.
    SocketRefused:
        Handshake = "handshake", Signature = "signature", TokenMissing = "token_missing",
        TokenUnknown = "token_unknown", TokenExpired = "token_expired", Foreign = "foreign", Full = "full"
}
values! {
    /// Why a connection did not become TLS.
    HandshakeFault: Plain = "plain", Gone = "gone", Protocol = "protocol", Late = "late"
}
values! {
    /// A report of the carrier.
    Callback:
        Status = "status", Stream = "stream", Recording = "recording", Transcription = "transcription",
        Machine = "machine"
}
values! {
    /// What became of a number that somebody wanted dialled.
    DialResult: Dialled = "dialled", Refused = "refused", Denied = "denied"
}

/// One counter per label value.
pub(crate) struct Family<V>(Vec<Counter>, std::marker::PhantomData<V>);

impl<V: Values> Family<V> {
    /// Counts one.
    pub(crate) fn count(&self, value: V) {
        self.0[value.index()].increment(1);
    }
}

/// Every counter of this crate.
pub(crate) struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    pub(crate) requests: Vec<Family<Status>>,
    pub(crate) request_seconds: Histogram,
    pub(crate) connections: Gauge,
    pub(crate) connections_refused: Counter,
    pub(crate) accept_errors: Counter,
    pub(crate) rate_limited: Counter,
    pub(crate) handshakes_failed: Family<HandshakeFault>,
    pub(crate) certificates_renewed: Counter,
    pub(crate) certificate_expires: Gauge,
    pub(crate) signatures: Family<SignatureResult>,
    pub(crate) webhooks_refused: Family<WebhookFault>,
    pub(crate) calls: Gauge,
    pub(crate) calls_admitted: Counter,
    pub(crate) calls_refused: Family<CallRefused>,
    pub(crate) refusals_unwritten: Counter,
    pub(crate) after_stream: Family<AfterStream>,
    pub(crate) dials: Family<DialResult>,
    pub(crate) sockets_accepted: Counter,
    pub(crate) sockets_refused: Family<SocketRefused>,
    pub(crate) callbacks: Family<Callback>,
    pub(crate) draining: Gauge,
    load: [Gauge; 3],
    pub(crate) log_lines_dropped: Counter,
    pub(crate) backend: Meters,
}

impl Metrics {
    /// All series, at zero. `routes` are the values of the label `route`.
    pub(crate) fn new(routes: &[&'static str]) -> Self {
        let builder = PrometheusBuilder::new();
        // The only error is an empty list of edges.
        let builder = builder
            .set_buckets_for_metric(Matcher::Full("offhook_http_request_seconds".into()), REQUEST_EDGES_S)
            .and_then(|builder| {
                builder.set_buckets_for_metric(Matcher::Suffix("_duration_seconds".into()), REQUEST_EDGES_S)
            })
            .unwrap_or_else(|_| PrometheusBuilder::new());
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        let r = &recorder;
        info(r);
        Self {
            requests: requests(r, routes),
            request_seconds: request_seconds(r),
            connections: gauge(r, "offhook_http_connections", "HTTP connections open now, media sockets not counted."),
            connections_refused: counter(
                r,
                "offhook_http_connections_refused_total",
                "Connections closed at once because too many were open.",
            ),
            accept_errors: counter(
                r,
                "offhook_http_accept_errors_total",
                "Failures to accept a connection, such as too many open files.",
            ),
            rate_limited: counter(r, "offhook_http_rate_limited_total", "Requests answered 429."),
            handshakes_failed: family(
                r,
                "offhook_tls_handshakes_failed_total",
                "Connections to the service's own TLS that came to nothing, by reason.",
                "reason",
            ),
            certificates_renewed: counter(
                r,
                "offhook_tls_certificates_renewed_total",
                "Certificates taken from changed files without a restart.",
            ),
            certificate_expires: gauge(
                r,
                "offhook_tls_certificate_expires_timestamp_seconds",
                "When the service's own certificate expires, in Unix time; 0 where it has none.",
            ),
            signatures: family(
                r,
                "offhook_signatures_total",
                "Signatures of webhooks and media sockets, by what they turned out to be.",
                "result",
            ),
            webhooks_refused: family(r, "offhook_webhooks_refused_total", "Webhooks refused, by reason.", "reason"),
            calls: gauge(
                r,
                "offhook_calls",
                "Calls that hold a place now: reserved, streaming, or between two streams.",
            ),
            calls_admitted: counter(r, "offhook_calls_admitted_total", "Calls that were given a place."),
            calls_refused: family(r, "offhook_calls_refused_total", "Calls that were given none, by reason.", "reason"),
            refusals_unwritten: counter(
                r,
                "offhook_calls_refused_unwritten_total",
                "Refused calls that, in a flood, were counted but neither logged nor stored.",
            ),
            after_stream: family(r, "offhook_after_stream_total", "Answers to what comes after a stream.", "answer"),
            dials: family(r, "offhook_dials_total", "Numbers that an agent or a caller wanted dialled.", "result"),
            sockets_accepted: counter(r, "offhook_sockets_accepted_total", "Media sockets handed to the engine."),
            sockets_refused: family(
                r,
                "offhook_sockets_refused_total",
                "Media sockets refused at their handshake or their start, by reason.",
                "reason",
            ),
            callbacks: family(r, "offhook_callbacks_total", "Reports of the carrier.", "kind"),
            draining: gauge(r, "offhook_draining", "1 while the service waits for its last calls to end."),
            load: load(r),
            log_lines_dropped: counter(
                r,
                "offhook_log_lines_dropped_total",
                "Log lines lost because nobody read them fast enough.",
            ),
            backend: meters(r),
            handle,
            recorder,
        }
    }

    /// Sets how many sessions and streams there are, and how the carrier stands.
    pub(crate) fn copy_sessions(&self, app: &App) {
        let (sessions, streams) = {
            let calls = app.calls();
            (calls.len(), calls.iter().filter(|(_, call)| call.view().is_some()).count())
        };
        let connection = match app.connection.get() {
            ConnectionState::Disconnected => 0.0,
            ConnectionState::Connected => 1.0,
            ConnectionState::Error => 2.0,
        };
        // Some thousands.
        #[allow(clippy::cast_precision_loss)]
        let (sessions, streams) = (sessions as f64, streams as f64);
        self.backend.backend_sessions.set(sessions);
        self.backend.sessions.set(sessions);
        self.backend.streams.set(streams);
        self.backend.connection.set(connection);
    }

    /// Sets how full and how late the service is, in percent.
    pub(crate) fn load(&self, calls: u32, strain: Strain) {
        for (gauge, percent) in self.load.iter().zip([calls, strain.ticks, strain.frames]) {
            gauge.set(f64::from(percent) / 100.0);
        }
    }

    /// The page for Prometheus.
    pub(crate) fn render(&self) -> String {
        self.handle.render()
    }

    /// Sums up what the histograms collected; call it every few seconds, or they grow.
    pub(crate) fn upkeep(&self) {
        self.handle.run_upkeep();
    }

    /// Sets what the engine counts among ours; its durations are [`histograms`](crate::histograms).
    pub(crate) fn copy_stats(&self, stats: &Stats) {
        stats.for_each(|name, help, kind, value| match kind {
            Kind::Counter => self.copy_counter(format!("offhook_media_{name}_total"), help, value),
            Kind::Gauge => self.copy_gauge(format!("offhook_media_{name}"), help, value),
        });
    }

    /// Sets how many calls ended how.
    pub(crate) fn copy_outcomes(&self, chronicle: &Chronicle) {
        let name = KeyName::from_const_str("offhook_calls_ended_total");
        self.recorder.describe_counter(name.clone(), None, "Calls that ended, by how.".into());
        for (way, count) in chronicle.outcomes().each() {
            let key = Key::from_parts(name.clone(), vec![Label::new("outcome", way)]);
            self.recorder.register_counter(&key, &METADATA).absolute(count);
        }
        let name = KeyName::from_const_str("offhook_calls_failed_total");
        self.recorder.describe_counter(name.clone(), None, "Calls that failed, by cause.".into());
        for (cause, count) in chronicle.outcomes().failed() {
            let key = Key::from_parts(name.clone(), vec![Label::new("cause", cause)]);
            self.recorder.register_counter(&key, &METADATA).absolute(count);
        }
    }

    /// Sets when the service's own certificate expires.
    pub(crate) fn copy_certificate(&self, door: Option<&Door>) {
        // Exact up to 2^53.
        #[allow(clippy::cast_precision_loss)]
        let expires_s = door.map_or(0.0, |door| (door.expires().0 / 1_000) as f64);
        self.certificate_expires.set(expires_s);
    }

    /// Sets what the journal counts among ours.
    pub(crate) fn copy_journal(&self, journal: &Journal) {
        let Counts { written, spooled, lost, in_spool, spool_bytes } = journal.counts();
        let counters = [
            ("written", "Events of calls written to the database.", written),
            ("spooled", "Events that waited on this machine while the database was away.", spooled),
            ("lost", "Events that are on no disk.", lost),
        ];
        for (name, help, count) in counters {
            self.copy_counter(format!("offhook_events_{name}_total"), help, count.load(Ordering::Relaxed));
        }
        let gauges = [
            ("events_waiting", "Events that are not in the database yet.", journal.waiting()),
            ("spool_events", "Events that wait on this machine's disk.", in_spool.load(Ordering::Relaxed)),
            ("spool_bytes", "What they take of it.", spool_bytes.load(Ordering::Relaxed)),
        ];
        for (name, help, value) in gauges {
            self.copy_gauge(format!("offhook_{name}"), help, value);
        }
    }

    fn copy_counter(&self, name: String, help: &'static str, value: u64) {
        let name = KeyName::from(name);
        self.recorder.describe_counter(name.clone(), None, help.into());
        self.recorder.register_counter(&Key::from_name(name), &METADATA).absolute(value);
    }

    fn copy_gauge(&self, name: String, help: &'static str, value: u64) {
        let name = KeyName::from(name);
        self.recorder.describe_gauge(name.clone(), None, help.into());
        // Counts of calls and bytes; exact up to 2^53.
        #[allow(clippy::cast_precision_loss)]
        self.recorder.register_gauge(&Key::from_name(name), &METADATA).set(value as f64);
    }

    /// Counts an answer and how long it took.
    pub(crate) fn answered(&self, route: usize, status: http::StatusCode, took: Duration) {
        let status = match status.as_u16() {
            100..200 => Status::Informational,
            200..300 => Status::Success,
            300..400 => Status::Redirection,
            400..500 => Status::ClientError,
            _ => Status::ServerError,
        };
        if let Some(family) = self.requests.get(route) {
            family.count(status);
        }
        self.request_seconds.record(took.as_secs_f64());
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

fn counter(r: &PrometheusRecorder, name: &'static str, help: &'static str) -> Counter {
    r.describe_counter(KeyName::from_const_str(name), None, help.into());
    r.register_counter(&Key::from_static_name(name), &METADATA)
}

fn gauge(r: &PrometheusRecorder, name: &'static str, help: &'static str) -> Gauge {
    r.describe_gauge(KeyName::from_const_str(name), None, help.into());
    r.register_gauge(&Key::from_static_name(name), &METADATA)
}

fn load(r: &PrometheusRecorder) -> [Gauge; 3] {
    let name = "offhook_load";
    let help = "How full and how late the service is; 1 is its limit. From 0.8 captures wait, from 0.9 no call is placed, \
                from 0.95 none is taken.";
    r.describe_gauge(KeyName::from_const_str(name), None, help.into());
    ["calls", "ticks", "frames"]
        .map(|of| r.register_gauge(&Key::from_parts(name, vec![Label::new("of", of)]), &METADATA))
}

fn family<V: Values>(r: &PrometheusRecorder, name: &'static str, help: &'static str, label: &'static str) -> Family<V> {
    r.describe_counter(KeyName::from_const_str(name), None, help.into());
    let series = |(_, text): &(V, &'static str)| {
        r.register_counter(&Key::from_parts(name, vec![Label::new(label, *text)]), &METADATA)
    };
    Family(V::ALL.iter().map(series).collect(), std::marker::PhantomData)
}

fn requests(r: &PrometheusRecorder, routes: &[&'static str]) -> Vec<Family<Status>> {
    let name = "offhook_http_requests_total";
    r.describe_counter(KeyName::from_const_str(name), None, "Requests answered, by route and family of answer.".into());
    let of_route = |route: &&'static str| {
        let series = |(_, text): &(Status, &'static str)| {
            let labels = vec![Label::new("route", *route), Label::new("status", *text)];
            r.register_counter(&Key::from_parts(name, labels), &METADATA)
        };
        Family(Status::ALL.iter().map(series).collect(), std::marker::PhantomData)
    };
    routes.iter().map(of_route).collect()
}

fn request_seconds(r: &PrometheusRecorder) -> Histogram {
    let name = "offhook_http_request_seconds";
    r.describe_histogram(
        KeyName::from_const_str(name),
        Some(Unit::Seconds),
        "From a request's head to its answer.".into(),
    );
    r.register_histogram(&Key::from_static_name(name), &METADATA)
}

fn meters(r: &PrometheusRecorder) -> Meters {
    let gauge = |name, help| gauge(r, name, help);
    Meters {
        operations: Operation::ALL
            .iter()
            .map(|(operation, total, seconds)| meter(r, *operation, total, seconds))
            .collect(),
        backend_sessions: gauge("twilio_backend_active_sessions", "Calls that hold a place now."),
        sessions: gauge("twilio_session_active", "The same, by the name that others have for it."),
        streams: gauge("twilio_stream_active", "Calls whose stream runs now."),
        connection: gauge(
            "twilio_backend_connection_state",
            "Whether the carrier can be reached: 0 not asked yet or none, 1 yes, 2 no.",
        ),
    }
}

fn meter(r: &PrometheusRecorder, operation: Operation, total: &'static str, seconds: &'static str) -> Meter {
    let of = || vec![Label::new("operation", operation.text())];
    let of_all = |name: &'static str, help: &'static str| {
        r.describe_counter(KeyName::from_const_str(name), None, help.into());
        r.register_counter(&Key::from_parts(name, of()), &METADATA)
    };
    let histogram = |name: &'static str, labels: Vec<Label>| {
        let help = "How long it took.".into();
        r.describe_histogram(KeyName::from_const_str(name), Some(Unit::Seconds), help);
        r.register_histogram(&Key::from_parts(name, labels), &METADATA)
    };
    Meter {
        total: counter(r, total, "How often it was done."),
        seconds: histogram(seconds, Vec::new()),
        of_all: of_all("twilio_backend_operations_total", "Operations of the backend."),
        of_all_seconds: histogram("twilio_backend_operation_duration_seconds", of()),
        errors: of_all("twilio_backend_errors_total", "Operations of the backend that failed."),
    }
}

fn info(r: &PrometheusRecorder) {
    let name = "offhook_build_info";
    r.describe_gauge(KeyName::from_const_str(name), None, "1, labelled with what was built.".into());
    let version = vec![Label::new("version", env!("CARGO_PKG_VERSION"))];
    r.register_gauge(&Key::from_parts(name, version), &METADATA).set(1.0);
}

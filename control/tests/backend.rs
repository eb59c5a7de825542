//! The service as a program embeds it: every part of the contract, on a server of its own.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use control::backend::{Backend, ConnectionState, HealthStatus, NewSession};
use control::carrier::{CallMetadata, ErrorCode, MachineDetection};
use control::clock::Clock;
use control::config::{Config, Sources};
use control::model::{CallId, CallState, Direction, TenantId, Timestamp};
use support::socket::Socket;
use support::{ACCOUNT, DataDir, sid};

async fn backend(data: &DataDir, env: &[(&str, &str)]) -> Backend {
    let own = [("OFFHOOK_LISTEN", "127.0.0.1:0".to_owned()), ("OFFHOOK_DATA_DIR", data.0.display().to_string())];
    let mut env: Vec<_> = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    env.extend(own.map(|(name, value)| (name.to_owned(), value)));
    let config = Config::load(&Sources { env, ..Sources::default() }).unwrap();
    Backend::start(config, Clock::machine()).await.unwrap()
}

fn incoming(n: u32) -> CallMetadata {
    CallMetadata {
        tenant_id: TenantId::DEFAULT,
        phone_number_id: None,
        caller: "+15551234567".into(),
        called: "+15557654321".into(),
        direction: Direction::Inbound,
        timestamp: Timestamp(0),
        account: ACCOUNT.into(),
        carrier_call_id: sid(n),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_answered_looked_at_spoken_on_and_closed() {
    let data = DataDir::new();
    let backend = backend(&data, &[]).await;
    let twiml = backend.handle_inbound_call(&incoming(1)).unwrap();
    let url = twiml.split("url=\"").nth(1).unwrap().split('"').next().unwrap();
    let path = url.splitn(4, '/').nth(3).unwrap();
    let mut socket = Socket::open(backend.address(), &format!("/{path}"), "").await.unwrap();
    socket.start(ACCOUNT, &sid(1), "{}").await;
    socket.next().await;
    let sessions = backend.sessions(TenantId::DEFAULT).await;
    assert_eq!((sessions.len(), backend.active_session_count()), (1, 1));
    let id = sessions[0].id;
    assert_eq!(backend.session(TenantId::DEFAULT, id).await.unwrap().state, CallState::Streaming);
    let missing = backend.session(TenantId::new(), id).await.unwrap_err();
    assert_eq!(missing.code, ErrorCode::SessionNotFound, "another tenant's");
    backend.stream_audio(TenantId::DEFAULT, id, vec![0xff; 1_600].into()).unwrap();
    backend.close_session(TenantId::DEFAULT, id).await.unwrap();
    socket.until_closed().await;
    let gone = backend.stream_audio(TenantId::DEFAULT, CallId::new(), vec![0xff; 160].into()).unwrap_err();
    assert_eq!(gone.code, ErrorCode::SessionNotFound);
    backend.stop(std::future::ready(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_how_well_it_is() {
    let data = DataDir::new();
    let backend = backend(&data, &[]).await;
    assert_eq!(backend.connection_state(), ConnectionState::Disconnected, "nobody has asked yet");
    let health = backend.health_check().await;
    assert_eq!((health.status, health.reasons.len()), (HealthStatus::Healthy, 0), "{health:?}");
    assert_eq!(backend.connection_state(), ConnectionState::Connected, "the carrier of this process");
    backend.stop(std::future::ready(())).await;
    // A port that nobody listens on.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let base = format!("http://{closed}");
    let data = DataDir::new();
    let env = [
        ("ENVIRONMENT", "development"),
        ("TWILIO_ACCOUNT_SID", ACCOUNT),
        ("TWILIO_AUTH_TOKEN", "12345"),
        ("TWILIO_BASE_URL", base.as_str()),
        ("TWILIO_MAX_RETRIES", "0"),
    ];
    let backend = self::backend(&data, &env).await;
    let health = backend.health_check().await;
    assert_eq!((health.status, health.reasons.len()), (HealthStatus::Degraded, 1), "{health:?}");
    assert_eq!(backend.connection_state(), ConnectionState::Error);
    backend.stop(std::future::ready(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_change_live_changes_and_the_rest_is_refused_by_name() {
    let data = DataDir::new();
    let backend = backend(&data, &[("OFFHOOK_CALLS_MAX", "20")]).await;
    backend.update_config(&[("OFFHOOK_CALLS_MAX", "1"), ("OFFHOOK_TOKEN_LIFETIME_S", "30")]).await.unwrap();
    let limits = backend.config().limits;
    assert_eq!((limits.calls_max, limits.token_lifetime.as_secs()), (1, 30));
    assert!(backend.handle_inbound_call(&incoming(1)).unwrap().contains("<Stream"));
    assert!(backend.handle_inbound_call(&incoming(2)).unwrap().contains("busy"));
    let changes =
        [("OFFHOOK_CALLS_MAX", "21"), ("DATABASE_URL", "sqlite:x"), ("COLOUR", "red"), ("OFFHOOK_CALLS_MAX", "2")];
    let refused = backend.update_config(&changes).await.unwrap_err();
    let names: Vec<_> = refused.iter().map(|refused| refused.name.as_str()).collect();
    assert_eq!(names, ["OFFHOOK_CALLS_MAX", "DATABASE_URL", "COLOUR"]);
    assert_eq!(backend.config().limits.calls_max, 1, "all of it or nothing");
    backend.stop(std::future::ready(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_cannot_be_placed_says_why() {
    let data = DataDir::new();
    let backend = backend(&data, &[]).await;
    let new = NewSession {
        tenant_id: TenantId::DEFAULT,
        to: "+15551230001".into(),
        from: None,
        metadata: None,
        machine_detection: MachineDetection::Off,
    };
    let error = backend.create_session(new).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidConfig, "{error}");
    let mut foreign = incoming(1);
    foreign.tenant_id = TenantId::new();
    assert_eq!(backend.handle_inbound_call(&foreign).unwrap_err().code, ErrorCode::InvalidWebhook);
    backend.stop(std::future::ready(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_is_counted() {
    let data = DataDir::new();
    let backend = backend(&data, &[]).await;
    backend.health_check().await;
    let _ = backend.session(TenantId::DEFAULT, CallId::new()).await;
    let page = {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let mut stream = tokio::net::TcpStream::connect(backend.address()).await.unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut page = String::new();
        stream.read_to_string(&mut page).await.unwrap();
        page
    };
    for line in [
        "twilio_backend_start_total 1",
        "twilio_backend_health_check_total 1",
        "twilio_session_get_total 1",
        "twilio_backend_operations_total{operation=\"twilio.session.get\"} 1",
        "twilio_backend_errors_total{operation=\"twilio.session.get\"} 1",
        "twilio_session_get_duration_seconds_count 1",
        "twilio_backend_active_sessions 0",
        "twilio_stream_active 0",
        "twilio_backend_connection_state 1",
        "offhook_calls_ended_total{outcome=\"busy\"} 0",
    ] {
        assert!(page.lines().any(|had| had == line), "{line} is missing:\n{page}");
    }
    backend.stop(std::future::ready(())).await;
}

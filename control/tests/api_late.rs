//! What the API answers when something takes too long: the database, or the one who asks.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use serde_json::json;
use sqlx::Connection as _;
use support::Host;
use support::api::Client;

#[tokio::test]
async fn a_write_while_the_database_is_away_is_answered_503_and_did_not_happen() {
    let host = Host::development(&[]).await;
    let api = Client::new(&host);
    let url = format!("sqlite:{}/offhook.db", host.data_dir().display());
    let mut other = sqlx::SqliteConnection::connect(&url).await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let away = api.post("/api/tenants", json!({"name": "a"})).await;
    assert_eq!((away.status, away.code()), (503, "database_away"));
    assert_eq!(away.header("retry-after"), Some("5"));
    assert!(!away.body.to_string().contains("sqlite"), "nothing of what is inside: {}", away.body);
    other.close().await.unwrap();
    assert_eq!(api.post("/api/tenants", json!({"name": "a"})).await.status, 201);
    assert_eq!(api.get("/api/tenants").await.body["items"].as_array().unwrap().len(), 2, "the default one, and a");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_answered_408() {
    let host = Host::development(&[("OFFHOOK_BODY_TIMEOUT_S", "1")]).await;
    let api = Client::new(&host);
    let slow = api.ask("POST", "/api/tenants", "Content-Type: application/json\r\nContent-Length: 100\r\n", None).await;
    assert_eq!((slow.status, slow.code()), (408, "too_slow"));
}

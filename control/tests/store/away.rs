//! The database goes away and comes back.

use std::sync::Arc;
use std::time::Duration;

use control::clock::Clock;
use control::db::{Store, StoreError};
use control::model::*;
use sqlx::Connection as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::base::{ALL, BY, Base, call, update};

fn is_away<T: std::fmt::Debug>(answer: &Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Away(_)))
}

fn answered() -> Vec<CallUpdate> {
    vec![update(&call(TenantId::DEFAULT, 1), CallEventKind::Answered)]
}

#[tokio::test]
async fn sqlite_that_somebody_else_holds_is_away_until_it_is_let_go() {
    let base = Base::sqlite().await;
    let mut other = sqlx::SqliteConnection::connect(&base.url).await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let (one, two) = tokio::join!(base.store.record(answered()), base.store.record(answered()));
    assert!(is_away(&one) && is_away(&two), "{one:?} {two:?}");
    assert!(base.store.tenants(ALL).await.is_ok(), "readers go on");
    other.close().await.unwrap();
    base.store.record(answered()).await.unwrap();
    assert_eq!(base.store.unfinished_calls().await.unwrap().len(), 1);
    base.end().await;
}

/// Stands between the store and PostgreSQL, and can be pulled out.
struct Line {
    port: u16,
    server: String,
    listening: Option<tokio::task::JoinHandle<()>>,
}

impl Line {
    async fn plug(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        self.port = listener.local_addr().unwrap().port();
        let server = self.server.clone();
        self.listening = Some(tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                let server = server.clone();
                connections.spawn(async move {
                    let mut far = TcpStream::connect(server).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                });
            }
        }));
    }

    async fn unplug(&mut self) {
        let listening = self.listening.take().unwrap();
        listening.abort();
        let _ = listening.await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_that_is_gone_is_away_until_it_is_back() {
    let Some(base) = Base::postgres().await else { return };
    let server = base.url.split(['@', '/']).nth(3).unwrap().to_owned();
    let mut line = Line { port: 0, server: server.clone(), listening: None };
    line.plug().await;
    let url = base.url.replace(&server, &format!("127.0.0.1:{}", line.port));
    let store = Store::open(&url, Clock::Manual(Arc::default())).await.unwrap();
    store.record(answered()).await.unwrap();
    line.unplug().await;
    let new = NewTenant { name: "one".to_owned(), plan: Plan::Starter };
    let (write, record, read, ping) =
        tokio::join!(store.create_tenant(BY, new, None), store.record(answered()), store.tenants(ALL), store.ping());
    assert!(is_away(&write) && is_away(&record) && is_away(&read) && is_away(&ping), "{write:?} {record:?} {read:?}");
    line.plug().await;
    tokio::time::timeout(Duration::from_secs(20), async { while store.record(answered()).await.is_err() {} })
        .await
        .unwrap();
    assert_eq!(store.unfinished_calls().await.unwrap().len(), 2);
    store.close().await;
    base.end().await;
}

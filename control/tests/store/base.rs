//! A database of a test's own, on either side, and things to put into it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use control::clock::Clock;
use control::db::Store;
use control::model::*;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// Who does things in tests.
pub(crate) const BY: Actor = Actor::CommandLine;
/// As many as a page holds.
pub(crate) const ALL: PageRequest = PageRequest { limit: 200, after: None };

/// Makes two tests of each: one on SQLite, one on PostgreSQL (which passes where none is named).
macro_rules! both {
    ($($(#[$meta:meta])* async fn $name:ident($base:ident) $body:block)*) => {$(
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports, reason = "not each test needs all")]
            use super::*;

            async fn check($base: &crate::base::Base) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                let base = crate::base::Base::sqlite().await;
                check(&base).await;
                base.end().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                let Some(base) = crate::base::Base::postgres().await else { return };
                check(&base).await;
                base.end().await;
            }
        }
    )*};
}
pub(crate) use both;

/// An empty database with the store open on it. Its clock stands still.
pub(crate) struct Base {
    pub(crate) store: Store,
    pub(crate) url: String,
    pub(crate) clock: Clock,
    place: Place,
}

enum Place {
    Directory(PathBuf),
    Schema { server: String, name: String },
}

impl Base {
    pub(crate) async fn sqlite() -> Self {
        let directory = std::env::temp_dir().join(format!("offhook-store-{}", TenantId::new()));
        std::fs::create_dir_all(&directory).unwrap();
        let url = format!("sqlite:{}", directory.join("offhook.db").display());
        Self::open(url, Place::Directory(directory)).await
    }

    /// `None` where no server is named.
    pub(crate) async fn postgres() -> Option<Self> {
        let server = std::env::var("OFFHOOK_TEST_POSTGRES_URL").ok()?;
        let name = format!("t{}", TenantId::new().0.simple());
        psql(&server, &format!("CREATE SCHEMA {name}")).await;
        let url = format!("{server}?options=-csearch_path%3D{name}");
        Some(Self::open(url, Place::Schema { server, name }).await)
    }

    async fn open(url: String, place: Place) -> Self {
        let clock = Clock::Manual(Arc::new(AtomicU64::new(0)));
        let store = Store::open(&url, clock.clone()).await.unwrap();
        Self { store, url, clock, place }
    }

    /// The same database, opened once more.
    pub(crate) async fn again(&self) -> Store {
        Store::open(&self.url, self.clock.clone()).await.unwrap()
    }

    /// SQL of a test's own, behind the store's back.
    pub(crate) async fn sql(&self, sql: &str) {
        match &self.place {
            Place::Directory(_) => {
                let mut connection = sqlx::SqliteConnection::connect(&self.url).await.unwrap();
                sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
            Place::Schema { .. } => psql(&self.url, sql).await,
        }
    }

    pub(crate) async fn end(self) {
        self.store.close().await;
        match self.place {
            Place::Directory(directory) => drop(std::fs::remove_dir_all(directory)),
            Place::Schema { server, name } => psql(&server, &format!("DROP SCHEMA {name} CASCADE")).await,
        }
    }

    pub(crate) async fn tenant(&self, name: &str) -> TenantId {
        let new = NewTenant { name: name.to_owned(), plan: Plan::Starter };
        self.store.create_tenant(BY, new, None).await.unwrap().value.id
    }

    pub(crate) async fn profile(&self, tenant: TenantId, is_default: bool) -> Profile {
        self.store.create_profile(BY, tenant, profile(is_default), None).await.unwrap().value
    }

    pub(crate) async fn number(&self, tenant: TenantId, did_number: &str) -> PhoneNumberRecord {
        self.store.create_number(BY, tenant, number(did_number), None).await.unwrap().value
    }

    /// The actions in a tenant's audit log, newest first.
    pub(crate) async fn actions(&self, tenant: TenantId) -> Vec<String> {
        let page = self.store.audit_log(tenant, ALL).await.unwrap();
        page.items.into_iter().map(|entry| entry.action).collect()
    }
}

async fn psql(url: &str, sql: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

pub(crate) fn profile(is_default: bool) -> NewProfile {
    let text = r#"{"name": "Front desk", "role": "receptionist", "system_prompt": "Be kind."}"#;
    NewProfile { is_default, ..serde_json::from_str(text).unwrap() }
}

pub(crate) fn number(did_number: &str) -> NewPhoneNumber {
    let did_number = did_number.to_owned();
    NewPhoneNumber { did_number, provider_type: ProviderType::Generic, is_active: true, profile_id: None }
}

/// A call that has just been answered.
pub(crate) fn call(tenant: TenantId, at_ms: i64) -> Call {
    Call {
        id: CallId::new(),
        tenant_id: tenant,
        carrier_call_id: Some(format!("CA{}", CallId::new().0.simple())),
        provider_type: ProviderType::Twilio,
        account_id: Some("AC1".to_owned()),
        contact_id: None,
        campaign_id: None,
        answered_at: None,
        details: CallDetails::default(),
        direction: Direction::Inbound,
        from: "+12025550111".to_owned(),
        to: "+12025550100".to_owned(),
        phone_number_id: None,
        profile_id: None,
        state: CallState::Answered,
        started_at: Timestamp(at_ms),
        ended_at: None,
        ended_by: None,
        quality: None,
    }
}

/// What happens next on a call that is now so.
pub(crate) fn update(call: &Call, kind: CallEventKind) -> CallUpdate {
    let event = CallEvent {
        id: EventId::new(),
        tenant_id: call.tenant_id,
        call_id: call.id,
        at: call.started_at,
        kind,
        data: serde_json::json!({ "note": "it's \"so\"; 日本" }),
        carrier_key: None,
    };
    CallUpdate { call: call.clone(), event }
}

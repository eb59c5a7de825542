//! Opening PostgreSQL: a pool.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _};

use super::connection::Pool;
use super::{OpenError, StoreError, migrations};

/// PostgreSQL's own bound is 100 for all processes; a few processes of ours and a person with psql fit.
const CONNECTIONS: u32 = 16;
/// A connection that nobody used for longer is asked whether it is there before it is given away.
const IDLE: Duration = Duration::from_secs(1);
/// For a connection to become free, or to be made.
const FREE: Duration = Duration::from_secs(3);

/// Brings the schema up to date and opens the pool.
pub(super) async fn open(url: &str) -> Result<Pool, OpenError> {
    let bad = |_| OpenError::Url("is no such URL: write postgres://user:password@host/name".to_owned());
    let options = PgConnectOptions::from_str(url).map_err(bad)?.application_name("offhook");
    // A connection of its own: other processes' migrations may have to be waited for.
    let mut connection = options.connect().await.map_err(cannot)?;
    let migrated = migrations::postgres().run(&mut connection).await;
    migrated.map_err(|error| OpenError::Migrate(error.to_string()))?;
    let _ = connection.close().await;
    // One that was used just now is there still; asking it first would be a round trip per statement.
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(FREE)
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > IDLE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        });
    Ok(Pool::Postgres(pool.connect_with(options).await.map_err(cannot)?))
}

fn cannot(error: sqlx::Error) -> OpenError {
    let why = StoreError::from(error);
    OpenError::Connect(format!(
        "{why}; see that PostgreSQL runs and that DATABASE_URL names its host, user and password"
    ))
}

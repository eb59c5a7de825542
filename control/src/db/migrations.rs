//! The schema's steps, from the folder `migrations`, a list for each database.

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};

const SQLITE: &[(i64, &str, &str)] = &[
    (1, "tenants", include_str!("../../../migrations/sqlite/0001_tenants.sql")),
    (2, "carriers", include_str!("../../../migrations/sqlite/0002_carriers.sql")),
    (3, "accounts", include_str!("../../../migrations/sqlite/0003_accounts.sql")),
    (4, "indexes", include_str!("../../../migrations/sqlite/0004_indexes.sql")),
];

const POSTGRES: &[(i64, &str, &str)] = &[
    (1, "tenants", include_str!("../../../migrations/postgres/0001_tenants.sql")),
    (2, "carriers", include_str!("../../../migrations/postgres/0002_carriers.sql")),
    (3, "accounts", include_str!("../../../migrations/postgres/0003_accounts.sql")),
    (4, "indexes", include_str!("../../../migrations/postgres/0004_indexes.sql")),
];

pub(super) fn sqlite() -> Migrator {
    migrator(SQLITE)
}

pub(super) fn postgres() -> Migrator {
    migrator(POSTGRES)
}

fn migrator(steps: &'static [(i64, &str, &str)]) -> Migrator {
    let step = |&(version, name, sql): &(i64, &'static str, &'static str)| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    let mut migrator = Migrator::with_migrations(steps.iter().map(step).collect());
    // Steps that this version does not know are a newer version's. They only add, so this one runs on: a roll-out may
    // have both at once, and may be taken back.
    migrator.set_ignore_missing(true);
    migrator
}

/// The last step.
pub(super) fn latest(migrator: &Migrator) -> i64 {
    migrator.iter().map(|step| step.version).max().unwrap_or_default()
}

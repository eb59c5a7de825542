//! What a statement gives: a row, whichever database it came from.

use std::str::FromStr;

use serde::de::DeserializeOwned;
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;

use crate::model::Timestamp;

use super::StoreError;

/// A row. A column that is not as it must be is a [`StoreError::Fault`], which names the column, never its content.
pub(super) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

type Result<T> = std::result::Result<T, StoreError>;

macro_rules! get {
    ($row:expr, $column:expr) => {
        match $row {
            Row::Sqlite(row) => row.try_get($column),
            Row::Postgres(row) => row.try_get($column),
        }
        .map_err(|_| unreadable($column))
    };
}

fn unreadable(column: &str) -> StoreError {
    StoreError::Fault(format!("column {column} cannot be read"))
}

impl Row {
    pub(super) fn text(&self, column: &'static str) -> Result<String> {
        get!(self, column)
    }

    pub(super) fn text_maybe(&self, column: &'static str) -> Result<Option<String>> {
        get!(self, column)
    }

    pub(super) fn int(&self, column: &'static str) -> Result<i64> {
        get!(self, column)
    }

    fn int_maybe(&self, column: &'static str) -> Result<Option<i64>> {
        get!(self, column)
    }

    pub(super) fn bool(&self, column: &'static str) -> Result<bool> {
        get!(self, column)
    }

    pub(super) fn bytes(&self, column: &'static str) -> Result<Vec<u8>> {
        get!(self, column)
    }

    pub(super) fn count_maybe(&self, column: &'static str) -> Result<Option<u32>> {
        let number = self.int_maybe(column)?;
        number.map(u32::try_from).transpose().map_err(|_| unreadable(column))
    }

    pub(super) fn time(&self, column: &'static str) -> Result<Timestamp> {
        self.int(column).map(Timestamp)
    }

    pub(super) fn time_maybe(&self, column: &'static str) -> Result<Option<Timestamp>> {
        Ok(self.int_maybe(column)?.map(Timestamp))
    }

    pub(super) fn id<T: FromStr>(&self, column: &'static str) -> Result<T> {
        self.text(column)?.parse().map_err(|_| unreadable(column))
    }

    pub(super) fn id_maybe<T: FromStr>(&self, column: &'static str) -> Result<Option<T>> {
        let text = self.text_maybe(column)?;
        text.map(|text| text.parse()).transpose().map_err(|_| unreadable(column))
    }

    /// JSON.
    pub(super) fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T> {
        serde_json::from_str(&self.text(column)?).map_err(|_| unreadable(column))
    }

    pub(super) fn json_maybe<T: DeserializeOwned>(&self, column: &'static str) -> Result<Option<T>> {
        let text = self.text_maybe(column)?;
        text.map(|text| serde_json::from_str(&text)).transpose().map_err(|_| unreadable(column))
    }

    /// One of an enum's words.
    pub(super) fn word<T: DeserializeOwned>(&self, column: &'static str) -> Result<T> {
        serde_json::from_value(self.text(column)?.into()).map_err(|_| unreadable(column))
    }

    pub(super) fn word_maybe<T: DeserializeOwned>(&self, column: &'static str) -> Result<Option<T>> {
        let text = self.text_maybe(column)?;
        text.map(|text| serde_json::from_value(text.into())).transpose().map_err(|_| unreadable(column))
    }
}

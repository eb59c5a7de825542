//! Pages: one row more than wanted is asked for; where it comes, there is a next page.

use uuid::Uuid;

use crate::model::{Cursor, Page, PageRequest};

use super::StoreError;
use super::arg::Arg;
use super::row::Row;

/// The largest page, whatever is asked for.
const LIMIT_MAX: u32 = 200;
/// Sorts after every id.
const END: &str = "~";

fn limit(page: PageRequest) -> u32 {
    page.limit.clamp(1, LIMIT_MAX)
}

/// For `id < $n`.
pub(super) fn after(page: PageRequest) -> Arg {
    match page.after {
        Some(Cursor(id)) => id.to_string().into(),
        None => END.into(),
    }
}

/// For `LIMIT $n`.
pub(super) fn rows(page: PageRequest) -> Arg {
    (limit(page) + 1).into()
}

/// The page that these rows are.
pub(super) fn page<T>(
    request: PageRequest,
    rows: Vec<Row>,
    read: fn(&Row) -> Result<T, StoreError>,
    id: fn(&T) -> Uuid,
) -> Result<Page<T>, StoreError> {
    let limit = limit(request) as usize;
    let more = rows.len() > limit;
    let items = rows.iter().take(limit).map(read).collect::<Result<Vec<T>, _>>()?;
    let next = items.last().filter(|_| more).map(|last| Cursor(id(last)));
    Ok(Page { items, next })
}

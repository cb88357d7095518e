//! Pages of a list: how many items, from where on, and what the answer says of it.

use crate::denial::Denial;
use crate::list::asked::SortKey;
use crate::query::{Query, malformed};
use serde::Serialize;
use utoipa::ToSchema;

/// Items on a page when nothing is said.
pub const DEFAULT_LIMIT: u32 = 50;
/// The most items on a page.
pub const MAX_LIMIT: u32 = 200;
/// The most items that can be skipped.
pub const MAX_OFFSET: u32 = i32::MAX as u32;

/// The part of a list that a page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// How many items, at most.
    pub limit: u32,
    /// Which come first.
    pub from: From,
}

/// Where a page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// In the order of ids, after this one; 0: at the beginning. Stable, whatever is added or taken away meanwhile.
    After(i64),
    /// In this order, ids last, after so many items.
    Offset(Vec<SortKey>, u32),
}

/// A page as the store found it.
#[derive(Clone, Debug)]
pub struct Listed<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// How many there are on all pages.
    pub total: i64,
    /// Whether there are more after these.
    pub has_more: bool,
    /// The id after which the next page begins, where that is not the one of the last item.
    pub up_to: Option<i64>,
}

/// A row of a list as the store found it.
#[derive(Clone, Copy, Debug)]
pub struct Found<T> {
    /// Its id.
    pub id: Option<i64>,
    /// What it says; `None`: it cannot be read, and the list shows the others.
    pub item: Option<T>,
}

impl<T> Listed<T> {
    /// A page from up to `limit` rows and, where there are more, one beyond it. Rows that cannot be read are missing from it, are
    /// counted in `total`, and the next page begins after them.
    #[must_use]
    pub fn readable(mut rows: Vec<Found<T>>, total: i64, limit: u32) -> Self {
        let has_more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let up_to = rows.iter().rev().find_map(|row| row.id);
        Self { items: rows.into_iter().filter_map(|row| row.item).collect(), total, has_more, up_to }
    }

    /// A page from up to `limit` items and, where there are more, one beyond it.
    #[must_use]
    pub fn of(mut items: Vec<T>, total: i64, limit: u32) -> Self {
        let has_more = items.len() > limit as usize;
        items.truncate(limit as usize);
        Self { items, total, has_more, up_to: None }
    }

    /// A page without anything.
    #[must_use]
    pub fn empty() -> Self {
        Self { items: Vec::new(), total: 0, has_more: false, up_to: None }
    }
}

/// `pagination` of an answer.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Pagination {
    /// Of a list in the order of ids.
    Cursor(CursorPagination),
    /// Of a sorted list, or one that has no cursors.
    Offset(OffsetPagination),
}

/// How a list goes on, by cursors.
#[derive(Debug, Serialize, ToSchema)]
pub struct CursorPagination {
    /// How many items there are on all pages.
    #[schema(value_type = i32, minimum = 0)]
    pub total: i64,
    /// Items on a page, at most.
    #[schema(minimum = 1, maximum = 200)]
    pub limit: u32,
    /// The cursor that was sent; null on the first page.
    #[schema(required)]
    pub cursor: Option<String>,
    /// Whether there is a next page.
    pub has_more: bool,
    /// What to send as `cursor` for the next page; null at the end.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// How a list goes on, by offsets.
#[derive(Debug, Serialize, ToSchema)]
pub struct OffsetPagination {
    /// How many items there are on all pages.
    #[schema(value_type = i32, minimum = 0)]
    pub total: i64,
    /// Items on a page, at most.
    #[schema(minimum = 1, maximum = 200)]
    pub limit: u32,
    /// Items before this page.
    #[schema(minimum = 0)]
    pub offset: u32,
    /// Whether there is a next page.
    pub has_more: bool,
}

/// Takes `limit`: 1 to [`MAX_LIMIT`], [`DEFAULT_LIMIT`] when absent.
pub(super) fn take_limit(query: &mut Query) -> Result<u32, Denial> {
    let Some(text) = query.take("limit") else { return Ok(DEFAULT_LIMIT) };
    whole(&text)
        .filter(|limit| (1..=MAX_LIMIT).contains(limit))
        .ok_or_else(|| malformed(format!("limit must be an integer from 1 to {MAX_LIMIT}")))
}

/// Takes `offset`: 0 to [`MAX_OFFSET`].
pub(super) fn take_offset(query: &mut Query) -> Result<Option<u32>, Denial> {
    let Some(text) = query.take("offset") else { return Ok(None) };
    whole(&text)
        .filter(|offset| *offset <= MAX_OFFSET)
        .map(Some)
        .ok_or_else(|| malformed(format!("offset must be an integer from 0 to {MAX_OFFSET}")))
}

fn whole(text: &str) -> Option<u32> {
    // `parse` would also take a plus sign.
    // Absent: it is no number that fits, and is refused.
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_1_to_200() {
        let limit = |text: &str| take_limit(&mut Query::parse(Some(text)).unwrap());
        assert_eq!(limit(""), Ok(50));
        assert_eq!(limit("limit=1"), Ok(1));
        assert_eq!(limit("limit=200"), Ok(200));
        for bad in
            ["limit=0", "limit=201", "limit=-1", "limit=%2B5", "limit=", "limit=1.5", "limit=99999999999"]
        {
            assert!(limit(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn one_item_beyond_the_limit_tells_of_more() {
        assert!(!Listed::of(vec![1, 2], 2, 2).has_more);
        let page = Listed::of(vec![1, 2, 3], 9, 2);
        assert_eq!((page.items, page.total, page.has_more), (vec![1, 2], 9, true));
    }
}

//! The trail, read whole.

use crate::contract::{Bench, IdentityStore, must};
use keyward_core::store::{AuditQuery, AuditRow};

/// Every row that a query asks for, from all pages.
pub(super) async fn rows<S: IdentityStore>(bench: &Bench<'_, S>, mut query: AuditQuery) -> Vec<AuditRow> {
    let mut rows = Vec::new();
    loop {
        let page = must("a page of the trail", bench.store.audit(query.clone()).await);
        rows.extend(page.items);
        let Some(next) = page.next else { return rows };
        assert!(next > query.after, "the next page begins behind this one");
        query.after = next;
    }
}

/// The whole trail.
pub(super) async fn trail<S: IdentityStore>(bench: &Bench<'_, S>) -> Vec<AuditRow> {
    rows(bench, AuditQuery::first(100)).await
}

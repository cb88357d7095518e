//! The SQL that reads the audit trail.

use crate::driver::Row;
use crate::params;
use crate::store::{Backend, Store};
use crate::{Reads, rows};
use keyward_core::clock::Timestamp;
use keyward_core::list::Found;
use keyward_core::store::{AuditActor, AuditPage, AuditQuery, AuditRow, Page, StoreError};

/// One read looks at so many rows of the trail at most, however few of them match: it holds one of the threads that read.
pub(crate) const LOOKED_AT: u32 = 20_000;

/// Rows of the trail. One that cannot be read takes no other with it.
pub(crate) async fn page<B: Backend>(
    store: &Store<B>,
    query: AuditQuery,
    most: u32,
) -> Result<AuditPage, StoreError> {
    if query.newest {
        return newest(store, query, most).await;
    }
    store
        .read(move |reads| {
            let Step { found, end } = step(reads, &query, i64::MAX, most)?;
            let page = Page::readable(found, query.limit);
            Ok(Page { next: page.next.or(end), ..page })
        })
        .await
}

/// The last rows. They have no next page, so as many reads as it takes, one after the other, from the end on.
async fn newest<B: Backend>(store: &Store<B>, query: AuditQuery, most: u32) -> Result<AuditPage, StoreError> {
    let (mut items, mut left, mut before) = (Vec::new(), query.limit, Some(i64::MAX));
    while let Some(id) = before.filter(|_| left > 0) {
        let query = AuditQuery { limit: left, ..query.clone() };
        let Step { found, end } = store.read(move |reads| step(reads, &query, id, most)).await?;
        // Absent: never, no more are found than are asked for.
        left = left.saturating_sub(u32::try_from(found.len()).unwrap_or(left));
        items.extend(found);
        before = end;
    }
    items.reverse();
    Ok(Page { next: None, ..Page::readable(items, query.limit) })
}

/// What one read has found.
struct Step {
    found: Vec<Found<AuditRow>>,
    /// The last row that it looked at; `None`: it has looked at all.
    end: Option<i64>,
}

/// Looks at rows after that of the query, in its order, and before this id.
fn step(reads: &Reads<'_>, query: &AuditQuery, before: i64, most: u32) -> Result<Step, StoreError> {
    let all = (query.after, before);
    // Where every row that is looked at matches, there are as many as are asked for.
    let end = if leaves_out(query) { end(reads, query, all, most)? } else { None };
    let between = match end {
        Some(end) if query.newest => (end.saturating_sub(1), before),
        Some(end) => (query.after, end.saturating_add(1)),
        None => all,
    };
    let found = read(reads, query, &sql(query), (between, query.limit), row)?;
    Ok(Step { found, end })
}

/// The id of the row that is so many rows on by the index alone; `None`: there are no more than that.
fn end(reads: &Reads<'_>, query: &AuditQuery, all: (i64, i64), most: u32) -> Result<Option<i64>, StoreError> {
    let end = read(reads, query, &end_sql(query), (all, most), |row| rows::get::<i64>(row, "id"))?;
    Ok(end.first().and_then(|row| row.item))
}

/// Reads rows whose ids are after and before these.
fn read<T>(
    reads: &Reads<'_>,
    query: &AuditQuery,
    sql: &str,
    ((after, before), limit): ((i64, i64), u32),
    map: fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<Found<T>>, StoreError> {
    let (user, credential, operator) = match &query.actor {
        Some(AuditActor::User(user)) => (Some(user.0), None, None),
        Some(AuditActor::Credential(kind, id)) => (None, Some((kind.as_str(), *id)), None),
        Some(AuditActor::Operator(name)) => (None, None, Some(name.as_str())),
        None => (None, None, None),
    };
    let (subject, id) = query.subject.as_ref().map(|(kind, id)| (kind.as_str(), *id)).unzip();
    let action = query.action.as_deref();
    let family = action.and_then(|action| action.strip_suffix('*'));
    let values = params![
        after,
        query.since.unix(),
        query.until.map(Timestamp::unix),
        query.account.map(|account| account.0),
        user,
        credential.map(|(kind, _)| kind),
        credential.and_then(|(_, id)| id),
        operator,
        subject,
        id,
        action.filter(|_| family.is_none()),
        family,
        limit,
        before,
    ];
    reads.readable(("audit", &["id"]), sql, values, map)
}

/// Whether something is asked for that the trail has no index for.
fn leaves_out(query: &AuditQuery) -> bool {
    let by_index = match query.actor {
        Some(AuditActor::User(_)) => query.subject.is_none(),
        Some(AuditActor::Credential(..) | AuditActor::Operator(_)) => false,
        None => true,
    };
    !by_index
        || query.since > Timestamp::FIRST
        || query.until.is_some()
        || query.account.is_some()
        || query.action.is_some()
}

/// Without an alternative where the trail has an index for it, so that SQLite uses that.
fn about(query: &AuditQuery) -> &'static str {
    match query.subject {
        Some(_) => "subject_kind = ?9 AND subject_id = ?10",
        None => "CAST(?9 AS TEXT) IS NULL AND CAST(?10 AS BIGINT) IS NULL",
    }
}

/// The same. The index of subjects goes before that of users.
fn by(query: &AuditQuery) -> &'static str {
    match query.actor {
        Some(AuditActor::User(_)) if query.subject.is_some() => "+actor_user_id = ?5",
        Some(AuditActor::User(_)) => "actor_user_id = ?5",
        Some(AuditActor::Credential(..) | AuditActor::Operator(_)) | None => "CAST(?5 AS BIGINT) IS NULL",
    }
}

fn order(query: &AuditQuery) -> &'static str {
    if query.newest { "DESC" } else { "" }
}

/// Rows in the order of their ids.
fn sql(query: &AuditQuery) -> String {
    let (about, by, order) = (about(query), by(query), order(query));
    format!(
        "SELECT * FROM audit WHERE {about} AND {by} AND id > ?1 AND id < ?14 AND at >= ?2 AND (CAST(?3 AS BIGINT) IS NULL OR at < ?3)
         AND (CAST(?4 AS BIGINT) IS NULL OR account_id = ?4)
         AND (CAST(?6 AS TEXT) IS NULL OR credential_kind = ?6) AND (CAST(?7 AS BIGINT) IS NULL OR credential_id = ?7)
         AND (CAST(?8 AS TEXT) IS NULL OR operator = ?8 OR substr(operator, 1, length(?8) + 4) = ?8 || ' as ')
         AND (CAST(?11 AS TEXT) IS NULL OR action = ?11) AND (CAST(?12 AS TEXT) IS NULL OR substr(action, 1, length(?12)) = ?12)
         ORDER BY id {order} LIMIT ?13"
    )
}

/// See [`end`].
fn end_sql(query: &AuditQuery) -> String {
    let order = order(query);
    let which = if query.subject.is_some() { about(query) } else { by(query) };
    format!(
        "SELECT id FROM audit WHERE {which} AND id > ?1 AND id < ?14 ORDER BY id {order} LIMIT 1 OFFSET ?13 - 1"
    )
}

/// One row of it.
pub(crate) fn row(row: &Row<'_>) -> Result<AuditRow, StoreError> {
    let detail: Option<String> = rows::get(row, "detail")?;
    Ok(AuditRow {
        id: rows::get(row, "id")?,
        at: Timestamp::from_unix(rows::get(row, "at")?),
        account_id: rows::get(row, "account_id")?,
        account_seq: rows::get(row, "account_seq")?,
        actor_user_id: rows::get(row, "actor_user_id")?,
        credential_kind: rows::get(row, "credential_kind")?,
        credential_id: rows::get(row, "credential_id")?,
        action: rows::get(row, "action")?,
        subject_kind: rows::get(row, "subject_kind")?,
        subject_id: rows::get(row, "subject_id")?,
        // Absent: what is no JSON is not shown; who did what, and when, is.
        detail: detail.and_then(|detail| serde_json::from_str(&detail).ok()),
        address: rows::get(row, "address")?,
        origin_app: rows::get(row, "origin_app")?,
        request_id: rows::get(row, "request_id")?,
        operator: rows::get(row, "operator")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Sqlite;
    use keyward_core::id::{AccountId, UserId};
    use keyward_core::store::OperatorReads;

    const ROWS: &str = "
        INSERT INTO accounts (slug, name, tier, created_at) VALUES ('a', 'A', 'free', 1), ('b', 'B', 'free', 1);
        INSERT INTO users (uuid, email, first_name, last_name, created_at) VALUES ('u', 'u@a', '', '', 1), ('v', 'v@a', '', '', 1);
        INSERT INTO audit (at, account_id, actor_user_id, credential_kind, credential_id, action, subject_kind, subject_id,
                           origin_app, request_id, operator) VALUES
            (10, NULL, NULL, 'operator', NULL, 'account.create', 'account', 1, 'keyward', 'r', 'ada'),
            (20, 1, 1, 'api_key', 7, 'api_key.create', 'api_key', 8, 'app', 'r', NULL),
            (30, 1, 2, 'session', 7, 'api_key.revoke', 'api_key', 8, 'app', 'r', NULL),
            (40, 2, NULL, 'operator', NULL, 'api_key.revoke', 'api_key', 9, 'keyward', 'r', 'ada as root'),
            (50, 2, NULL, 'background', NULL, 'apixkey', 'user', 8, 'keyward', 'r', NULL),
            (60, 2, NULL, 'operator', NULL, 'user.create', 'user', 2, 'keyward', 'r', 'adam')";

    async fn store(directory: &std::path::Path) -> Sqlite {
        let path = directory.join("keyward.db");
        drop(crate::testing::open(&path));
        rusqlite::Connection::open(&path).unwrap().execute_batch(ROWS).unwrap();
        crate::testing::open(&path)
    }

    async fn ids(store: &Sqlite, query: AuditQuery) -> Vec<i64> {
        store.audit(query).await.unwrap().items.iter().map(|row| row.id).collect()
    }

    /// The ids on all pages, where one read looks at so many rows.
    async fn ids_by(store: &Sqlite, mut query: AuditQuery, most: u32) -> Vec<i64> {
        let mut ids = Vec::new();
        loop {
            let page = page(store, query.clone(), most).await.unwrap();
            assert!(query.newest || page.items.len() <= usize::try_from(most).unwrap());
            ids.extend(page.items.iter().map(|row| row.id));
            let Some(next) = page.next else { return ids };
            query.after = next;
        }
    }

    #[tokio::test]
    async fn each_filter_of_the_trail_leaves_out_what_it_does_not_name_and_several_hold_together() {
        let directory = tempfile::tempdir().unwrap();
        let store = store(directory.path()).await;
        let all = AuditQuery::first(100);
        let at = |seconds| Timestamp::from_unix(seconds);
        let by = |actor| AuditQuery { actor: Some(actor), ..all.clone() };
        let about = |kind: &str, id| AuditQuery { subject: Some((kind.to_owned(), id)), ..all.clone() };
        let action = |action: &str| AuditQuery { action: Some(action.to_owned()), ..all.clone() };
        let credential = |kind: &str, id| AuditActor::Credential(kind.to_owned(), id);
        let table = [
            (all.clone(), vec![1, 2, 3, 4, 5, 6]),
            (AuditQuery { since: at(20), until: Some(at(40)), ..all.clone() }, vec![2, 3]),
            (AuditQuery { account: Some(AccountId(1)), ..all.clone() }, vec![2, 3]),
            (by(AuditActor::User(UserId(1))), vec![2]),
            (by(credential("api_key", Some(7))), vec![2]),
            (by(credential("operator", None)), vec![1, 4, 6]),
            (by(AuditActor::Operator("ada".to_owned())), vec![1, 4]),
            (by(AuditActor::Operator("ada as root".to_owned())), vec![4]),
            (about("api_key", 8), vec![2, 3]),
            (about("user", 8), vec![5]),
            (action("api_key.revoke"), vec![3, 4]),
            (action("api_key.*"), vec![2, 3, 4]),
            (action("api_key."), vec![]),
            (AuditQuery { since: at(35), ..action("api_key.*") }, vec![4]),
            (AuditQuery { actor: Some(AuditActor::User(UserId(2))), ..about("api_key", 8) }, vec![3]),
            (AuditQuery { after: 2, limit: 2, ..all.clone() }, vec![3, 4]),
            (AuditQuery { newest: true, limit: 2, ..all.clone() }, vec![5, 6]),
            (AuditQuery { newest: true, limit: 1, ..about("api_key", 8) }, vec![3]),
            (AuditQuery { newest: true, limit: 2, ..action("api_key.*") }, vec![3, 4]),
            (AuditQuery { newest: true, limit: 9, ..action("api_key.create") }, vec![2]),
        ];
        for (query, wanted) in table {
            assert_eq!(ids(&store, query.clone()).await, wanted, "{query:?}");
            let by_steps = query.newest || (query.limit >= 100 && leaves_out(&query));
            for most in (1..=7).filter(|_| by_steps) {
                assert_eq!(ids_by(&store, query.clone(), most).await, wanted, "{query:?} by {most}");
            }
        }
    }

    #[tokio::test]
    async fn a_row_of_the_trail_that_cannot_be_read_takes_no_other_with_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keyward.db");
        drop(store(directory.path()).await);
        let spoil = "PRAGMA ignore_check_constraints = ON; UPDATE audit SET action = CAST(x'ff' AS TEXT) WHERE id = 2";
        rusqlite::Connection::open(&path).unwrap().execute_batch(spoil).unwrap();
        let store = crate::testing::open(&path);
        let page = store.audit(AuditQuery { limit: 2, ..AuditQuery::first(2) }).await.unwrap();
        assert_eq!((page.items.len(), page.next), (1, Some(2)), "and the next page begins after it");
    }

    #[tokio::test]
    async fn what_became_of_one_thing_is_found_by_its_index() {
        let directory = tempfile::tempdir().unwrap();
        let store = store(directory.path()).await;
        let about = AuditQuery { subject: Some(("api_key".to_owned(), 8)), ..AuditQuery::first(1) };
        let by = AuditQuery { actor: Some(AuditActor::User(UserId(1))), ..AuditQuery::first(1) };
        let both = AuditQuery { actor: by.actor.clone(), ..about.clone() };
        let table = [(about, "audit_by_subject"), (by, "audit_by_actor"), (both, "audit_by_subject")];
        for (sql, index) in
            table.iter().flat_map(|(query, index)| [(sql(query), index), (end_sql(query), index)])
        {
            let explain = (1..=14).rev().fold(sql, |sql, n| sql.replace(&format!("?{n}"), "7"));
            let explain = format!("EXPLAIN QUERY PLAN {explain}");
            let steps: Vec<String> = store
                .read(move |reads| reads.all(&explain, [], |row| rows::get(row, "detail")))
                .await
                .unwrap();
            assert!(steps.iter().any(|step| step.contains(*index)), "{steps:?}");
            assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE")), "{steps:?}");
        }
    }
}

//! Reading the audit trail: by filters and page by page.

use super::trail::{rows, trail};
use super::writes::{account, ada, created, relabelled, revoked, user};
use crate::contract::{Bench, IdentityStore, at, commit, must};
use keyward_core::clock::Timestamp;
use keyward_core::id::{AccountId, UserId};
use keyward_core::permit::{background, operator, operator_named};
use keyward_core::role::Role;
use keyward_core::store::{AuditActor, AuditQuery, AuditRow};
use keyward_core::tier::Tier;
use keyward_core::write::account::SetTier;
use keyward_core::write::member::AddMember;
use keyward_core::write::session::NoteFailedSignIns;

/// A trail with several actors, subjects, actions and accounts, at several moments; the account that is new.
async fn a_busy_day<S: IdentityStore>(bench: &Bench<'_, S>) -> AccountId {
    let (admin, viewer) = (&bench.admin, &bench.viewer);
    let other = must("an account", commit(bench.store, account("other"), ada(), 10).await);
    let tier = |account, tier| SetTier { account, tier };
    must(
        "a tier",
        commit(bench.store, tier(other, Tier::Free), operator_named(Some("adam".into())), 20).await,
    );
    let as_root = operator_named(Some("ada as root".into()));
    must("a tier", commit(bench.store, tier(bench.account, Tier::Enterprise), as_root, 20).await);
    must("a label", commit(bench.store, relabelled(viewer, "mine"), bench.permit(viewer), 30).await);
    must("a key", commit(bench.store, created(bench, "new"), bench.permit(admin), 30).await);
    must("a label", commit(bench.store, relabelled(admin, "own"), bench.permit(admin), 40).await);
    let one = must("a user", commit(bench.store, user("one"), ada(), 40).await);
    let member = AddMember { account: other, user: one, role: Role::Viewer };
    must("a member", commit(bench.store, member, operator(), 50).await);
    let failed = NoteFailedSignIns { user: Some(one), wrong: 1, refused: 2, networks: 3 };
    must("it is noted", commit(bench.store, failed, background(), 50).await);
    must("a key ends", commit(bench.store, revoked(viewer, false), bench.permit(admin), 60).await);
    other
}

fn is_by(row: &AuditRow, actor: &AuditActor) -> bool {
    match actor {
        AuditActor::User(user) => row.actor_user_id == Some(user.0),
        AuditActor::Credential(kind, id) => {
            row.credential_kind == *kind && id.is_none_or(|id| row.credential_id == Some(id))
        }
        // Who acts as another one is that operator too.
        AuditActor::Operator(name) => {
            let own = row.operator.as_deref();
            own.is_some_and(|own| own == name || own.starts_with(&format!("{name} as ")))
        }
    }
}

fn is_action(row: &AuditRow, action: &str) -> bool {
    match action.strip_suffix('*') {
        Some(family) => row.action.starts_with(family),
        None => row.action == action,
    }
}

/// Whether a query asks for a row.
fn asks_for(query: &AuditQuery, row: &AuditRow) -> bool {
    row.id > query.after
        && row.at >= query.since
        && query.until.is_none_or(|until| row.at < until)
        && query.account.is_none_or(|account| row.account_id == Some(account.0))
        && query.actor.as_ref().is_none_or(|actor| is_by(row, actor))
        && query.subject.as_ref().is_none_or(|(kind, id)| row.subject_kind == *kind && row.subject_id == *id)
        && query.action.as_ref().is_none_or(|action| is_action(row, action))
}

/// Filters, each by itself.
fn filters<S>(bench: &Bench<'_, S>, other: AccountId) -> Vec<AuditQuery> {
    let all = AuditQuery::first(100);
    let by = |actor| AuditQuery { actor: Some(actor), ..all.clone() };
    let credential = |kind: &str, id| by(AuditActor::Credential(kind.to_owned(), id));
    let named = |name: &str| by(AuditActor::Operator(name.to_owned()));
    let about = |kind: &str, id| AuditQuery { subject: Some((kind.to_owned(), id)), ..all.clone() };
    let action = |action: &str| AuditQuery { action: Some(action.to_owned()), ..all.clone() };
    let (admin, viewer) = (&bench.admin.key, &bench.viewer.key);
    vec![
        by(AuditActor::User(admin.user)),
        by(AuditActor::User(viewer.user)),
        credential("api_key", None),
        credential("api_key", Some(viewer.id.0)),
        credential("operator", None),
        credential("background", None),
        named("ada"),
        named("ada as root"),
        named("adam"),
        about("api_key", viewer.id.0),
        about("user", admin.user.0),
        about("account", other.0),
        action("api_key.label"),
        action("api_key.*"),
        action("account.*"),
        action("a*"),
        AuditQuery { account: Some(bench.account), ..all.clone() },
        AuditQuery { account: Some(other), ..all.clone() },
        AuditQuery { since: at(20), ..all.clone() },
        AuditQuery { since: at(21), ..all.clone() },
        AuditQuery { until: Some(at(40)), ..all.clone() },
        AuditQuery { since: at(30), until: Some(at(41)), ..all.clone() },
        AuditQuery { after: 5, ..all },
    ]
}

/// Two filters together: what one of them does not name, the other does.
fn both(one: &AuditQuery, other: &AuditQuery) -> AuditQuery {
    AuditQuery {
        since: one.since.max(other.since),
        until: [one.until, other.until].into_iter().flatten().min(),
        account: one.account.or(other.account),
        actor: one.actor.clone().or_else(|| other.actor.clone()),
        subject: one.subject.clone().or_else(|| other.subject.clone()),
        action: one.action.clone().or_else(|| other.action.clone()),
        after: one.after.max(other.after),
        ..one.clone()
    }
}

/// Filters that name nothing: names are no patterns, and are compared with their case and as a whole.
async fn name_nothing<S: IdentityStore>(bench: &Bench<'_, S>) {
    let nothing = |query: AuditQuery| async move {
        assert_eq!(rows(bench, query.clone()).await, Vec::new(), "{query:?}");
    };
    let first = || AuditQuery::first(100);
    for action in ["api_key.", "API_KEY.*", "api%", "%*", "_pi_key.*", "", "api_key.label.*"] {
        nothing(AuditQuery { action: Some(action.to_owned()), ..first() }).await;
    }
    for name in ["ad", "Ada", "ad%", "ada as", "root", ""] {
        nothing(AuditQuery { actor: Some(AuditActor::Operator(name.to_owned())), ..first() }).await;
    }
    nothing(AuditQuery { actor: Some(AuditActor::User(UserId(i64::MAX))), ..first() }).await;
    nothing(AuditQuery { account: Some(AccountId(i64::MAX)), ..first() }).await;
    nothing(AuditQuery { until: Some(Timestamp::FIRST), ..first() }).await;
    nothing(AuditQuery { after: i64::MAX, ..first() }).await;
}

/// Against a store that leaves a filter out, takes a moment to the wrong side, or compares names by patterns or without case.
pub(crate) async fn each_filter_of_the_trail_gives_the_rows_that_it_names_and_several_hold_together<
    S: IdentityStore,
>(
    bench: &Bench<'_, S>,
) {
    let filters = filters(bench, a_busy_day(bench).await);
    let all = trail(bench).await;
    for filter in &filters {
        let named = all.iter().filter(|row| asks_for(filter, row)).count();
        assert!(
            named > 0 && named < all.len(),
            "this rule is of filters that leave something out: {filter:?}"
        );
    }
    for query in filters.iter().flat_map(|one| filters.iter().map(|other| both(one, other))) {
        let named: Vec<AuditRow> = all.iter().filter(|row| asks_for(&query, row)).cloned().collect();
        assert_eq!(rows(bench, query.clone()).await, named, "{query:?}");
        let last = named.get(named.len().saturating_sub(2)..).unwrap_or_default();
        let newest = AuditQuery { newest: true, limit: 2, ..query };
        let page = must("the last rows", bench.store.audit(newest.clone()).await);
        assert_eq!((page.items.as_slice(), page.next), (last, None), "{newest:?}");
    }
    name_nothing(bench).await;
}

/// Against a store that shows the row between two pages twice or not at all, or whose page is longer than was asked for.
pub(crate) async fn the_pages_of_the_trail_have_each_row_once<S: IdentityStore>(bench: &Bench<'_, S>) {
    a_busy_day(bench).await;
    let all = trail(bench).await;
    let keys = AuditQuery { action: Some("api_key.*".to_owned()), ..AuditQuery::first(1) };
    for whole in [AuditQuery::first(1), keys] {
        let named: Vec<AuditRow> = all.iter().filter(|row| asks_for(&whole, row)).cloned().collect();
        let most = u32::try_from(named.len()).unwrap_or(0);
        for limit in 1..=most + 1 {
            let query = AuditQuery { limit, ..whole.clone() };
            let page = must("a page", bench.store.audit(query.clone()).await);
            assert!(page.items.len() <= named.len().min(limit.try_into().unwrap_or(0)), "{query:?}");
            assert_eq!(rows(bench, query.clone()).await, named, "{query:?}");
            let last = named.get(named.len().saturating_sub(limit.try_into().unwrap_or(0))..);
            let newest = AuditQuery { newest: true, ..query };
            let page = must("the last rows", bench.store.audit(newest.clone()).await);
            assert_eq!((page.items.as_slice(), page.next), (last.unwrap_or_default(), None), "{newest:?}");
        }
    }
}

/// Who reads page by page sees what came meanwhile: against a store that counts pages instead of going on from a row.
pub(crate) async fn a_row_that_comes_between_two_pages_is_on_a_later_one<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let query = AuditQuery::first(3);
    let first = must("the first page", bench.store.audit(query.clone()).await);
    let Some(after) = first.next else { panic!("there are more rows than three") };
    must("a row is written", commit(bench.store, user("meanwhile"), ada(), 1).await);
    let later = rows(bench, AuditQuery { after, ..query }).await;
    let seen: Vec<AuditRow> = first.items.into_iter().chain(later).collect();
    assert_eq!(seen, trail(bench).await, "each row once, the new one last");
    assert_eq!(seen.last().map(|row| row.operator.as_deref()), Some(Some("ada")), "and it is there");
}

//! The rules of keys: they live, end, rotate, and are listed.

use super::{Bench, IdentityStore, at, commit, first_page, must};
use keyward_core::denial::Denial;
use keyward_core::id::KeyId;
use keyward_core::limits::Tiers;
use keyward_core::list::{From, SortKey, Window};
use keyward_core::live::KeyUse;
use keyward_core::permit::{LabelKeys, ManageKeys, ReadAccount, operator};
use keyward_core::preconditions::Preconditions;
use keyward_core::principal::Principal;
use keyward_core::role::Role;
use keyward_core::store::KeysOf;
use keyward_core::tier::Tier;
use keyward_core::write::account::CreateAccount;
use keyward_core::write::disabling::SetUserDisabled;
use keyward_core::write::key::{KeyMade, RelabelKey};
use keyward_core::write::member::{AddMember, RemoveMember, SetRole};

pub(super) async fn a_change_holds_from_the_moment_it_is_answered<S: IdentityStore>(bench: &Bench<'_, S>) {
    let made = must("a key is made", bench.create(bench.permit(&bench.admin), 0).await);
    must("a new key is admitted at once", bench.admit(&made.secret, 0));
    must("a key is revoked", bench.revoke(bench.permit(&bench.admin), made.key.id).await);
    assert_eq!(bench.admit(&made.secret, 0).err(), Some(Denial::KeyRevoked), "a revoked key is dead at once");
    let again = must("revoking again works", bench.revoke(bench.permit(&bench.admin), made.key.id).await);
    assert!(!again, "revoking again changes nothing");
    let role = SetRole { account: bench.account, user: bench.viewer.key.user, role: Role::Editor };
    must("a role is changed", commit(bench.store, role, operator(), 0).await);
    let caller = must("the viewer's key lives", bench.admit(&bench.viewer.secret, 0));
    assert_eq!(Principal::of(caller).member.map(|m| m.role), Some(Role::Editor), "a role holds at once");
    let disabled = SetUserDisabled { user: bench.viewer.key.user, disabled: true };
    must("a user is disabled", commit(bench.store, disabled, operator(), 0).await);
    assert_eq!(bench.admit(&bench.viewer.secret, 0).err(), Some(Denial::UserDisabled), "and dead at once");
}

pub(super) async fn a_refusal_changes_nothing<S: IdentityStore>(bench: &Bench<'_, S>) {
    let twice = CreateAccount {
        slug: "acme".to_owned(),
        name: "Other".to_owned(),
        account_type: None,
        tier: Tier::Free,
    };
    assert!(commit(bench.store, twice, operator(), 0).await.is_err(), "a slug is unique");
    let refused = bench.revoke(bench.permit(&bench.viewer), bench.admin.key.id).await;
    assert!(matches!(refused, Err(Denial::NotFound { .. })), "a viewer does not reach the admin's key");
    must("the admin's key still lives", bench.admit(&bench.admin.secret, 0));
    let live = bench.store.directory().read();
    assert_eq!(
        live.account(bench.account).map(|a| a.name.as_str()),
        Some("Acme"),
        "the account is as it was"
    );
}

pub(super) async fn a_right_that_was_lost_on_the_way_ends_the_write<S: IdentityStore>(bench: &Bench<'_, S>) {
    // Both were let in while the key lived; the revocation commits first.
    let (late, ending) = (bench.permit::<ManageKeys>(&bench.admin), bench.permit(&bench.admin));
    must("the key ends itself", bench.revoke(ending, bench.admin.key.id).await);
    let refused = bench.create(late, 0).await.err();
    assert_eq!(refused, Some(Denial::KeyRevoked), "a write whose credential died on the way is not executed");

    let late = bench.permit::<ManageKeys>(&bench.viewer);
    let member = RemoveMember { account: bench.account, user: bench.viewer.key.user };
    must("the member is removed", commit(bench.store, member, operator(), 0).await);
    assert_eq!(bench.create(late, 0).await.err(), Some(Denial::KeyRevoked), "nor one whose member left");
}

pub(super) async fn a_removed_member_loses_its_keys_for_good<S: IdentityStore>(bench: &Bench<'_, S>) {
    let (account, user) = (bench.account, bench.viewer.key.user);
    must("the member is removed", commit(bench.store, RemoveMember { account, user }, operator(), 0).await);
    assert_eq!(bench.admit(&bench.viewer.secret, 0).err(), Some(Denial::KeyRevoked), "its keys are revoked");
    let again = AddMember { account, user, role: Role::Admin };
    must("the member comes back", commit(bench.store, again, operator(), 0).await);
    assert_eq!(bench.admit(&bench.viewer.secret, 0).err(), Some(Denial::KeyRevoked), "and none revives");
    must("other members keep theirs", bench.admit(&bench.admin.secret, 0));
}

pub(super) async fn grace_is_exact_to_the_second_and_two_secrets_live_at_most<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let first = &bench.admin.secret;
    let second = must("a rotation", bench.try_rotate(first, 100, 0).await);
    must("the old secret lives in its grace", bench.admit(first, 99));
    assert_eq!(bench.admit(first, 100).err(), Some(Denial::KeyRotated), "and not a second longer");
    must("the new one lives", bench.admit(&second, 100));
    let third = must("a rotation", bench.try_rotate(&second, 100, 10).await);
    assert_eq!(bench.admit(first, 11).err(), Some(Denial::KeyUnknown), "a third secret ends the first");
    must("the second lives in its own grace", bench.admit(&second, 109));
    assert_eq!(bench.admit(&second, 110).err(), Some(Denial::KeyRotated), "to the second");
    must("the third lives", bench.admit(&third, 111));
}

pub(super) async fn a_secret_in_its_grace_does_not_rotate_its_key<S: IdentityStore>(bench: &Bench<'_, S>) {
    let first = &bench.admin.secret;
    let second = must("the current secret rotates", bench.try_rotate(first, 100, 0).await);
    let refused = bench.try_rotate(first, 604_800, 10).await.err();
    assert_eq!(refused, Some(Denial::SecretInGrace), "who was replaced does not take the key over");
    assert_eq!(bench.admit(first, 100).err(), Some(Denial::KeyRotated), "nor does it live a second longer");
    must("the current one lives on", bench.admit(&second, 100));
    let third = must("and rotates", bench.try_rotate(&second, 0, 120).await);
    assert_eq!(bench.admit(&second, 120).err(), Some(Denial::KeyRotated), "without grace it ends at once");
    must("and the new one lives", bench.admit(&third, 120));
}

pub(super) async fn the_ceiling_of_a_tier_counts_live_keys<S: IdentityStore>(bench: &Bench<'_, S>) {
    let mut made = Vec::new();
    for _ in 2..Tiers::default().standard.keys {
        made.push(must("below the ceiling", bench.create(bench.permit(&bench.admin), 0).await));
    }
    let refused = bench.create(bench.permit(&bench.admin), 0).await;
    assert!(matches!(refused, Err(Denial::Invalid(_))), "at the ceiling no key is made");
    let Some(one) = made.first() else { panic!("keys were made") };
    must("one is revoked", bench.revoke(bench.permit(&bench.admin), one.key.id).await);
    must("and its place is free", bench.create(bench.permit(&bench.admin), 0).await);
}

pub(super) async fn lists_show_what_the_caller_may_see<S: IdentityStore>(bench: &Bench<'_, S>) {
    let list = async |key: &KeyMade, of: KeysOf| -> Vec<KeyId> {
        let permit = bench.permit::<ReadAccount>(key);
        let listed = must("a list", bench.store.list_keys(&permit, of, None, first_page()).await);
        assert_eq!(usize::try_from(listed.total), Ok(listed.items.len()), "the total counts what is seen");
        listed.items.iter().map(|key| key.id).collect()
    };
    let (admin, viewer) = (bench.admin.key.id, bench.viewer.key.id);
    assert_eq!(list(&bench.admin, KeysOf::Caller).await, [admin], "its own");
    assert_eq!(list(&bench.admin, KeysOf::Account).await, [admin, viewer], "an admin: the account's");
    assert_eq!(list(&bench.viewer, KeysOf::Account).await, [viewer], "a viewer: its own, whatever it asks");
    let newest_first = vec![SortKey { field: "id", descending: true }];
    let page = |offset| Window { limit: 1, from: From::Offset(newest_first.clone(), offset) };
    let permit = bench.permit::<ReadAccount>(&bench.admin);
    for (offset, expected, more) in [(0, viewer, true), (1, admin, false)] {
        let listed =
            must("a page", bench.store.list_keys(&permit, KeysOf::Account, None, page(offset)).await);
        let ids: Vec<_> = listed.items.iter().map(|key| key.id).collect();
        assert_eq!((ids, listed.has_more), (vec![expected], more), "the newest first, from {offset}");
    }
}

pub(super) async fn a_label_is_changed_by_its_owner_and_found_by_it<S: IdentityStore>(bench: &Bench<'_, S>) {
    let key = bench.viewer.key.id;
    let relabel = async |by: &KeyMade, label: &str| {
        let (label, as_sent) = (label.to_owned(), key.to_string());
        let effect = RelabelKey { key: Some(key), as_sent, conditions: Preconditions::NONE, label };
        commit(bench.store, effect, bench.permit::<LabelKeys>(by), 0).await.map(|done| done.now)
    };
    assert!(matches!(relabel(&bench.admin, "theirs").await, Err(Denial::NotFound { .. })), "another's key");
    assert_eq!(relabel(&bench.viewer, "50%_of, it").await, Ok(true), "the owner");
    assert_eq!(relabel(&bench.viewer, "50%_of, it").await, Ok(false), "the same label changes nothing");
    let labelled = async |by: &KeyMade, label: &str| -> Vec<KeyId> {
        let permit = bench.permit::<ReadAccount>(by);
        let asked = bench.store.list_keys(&permit, KeysOf::Account, Some(label.to_owned()), first_page());
        let listed = must("a list", asked.await);
        assert_eq!(usize::try_from(listed.total), Ok(listed.items.len()), "the total counts what is seen");
        listed.items.iter().map(|key| key.id).collect()
    };
    assert_eq!(labelled(&bench.admin, "50%_of, it").await, [key], "to the letter");
    assert!(labelled(&bench.admin, "50%_OF, it").await.is_empty(), "in the same case");
    let one = async |by: &KeyMade, key: KeyId| {
        let permit = bench.permit::<ReadAccount>(by);
        must("a key", bench.store.get_key(&permit, key).await).map(|key| key.label)
    };
    assert_eq!(one(&bench.admin, key).await.as_deref(), Some("50%_of, it"), "an admin sees the account's");
    assert_eq!(one(&bench.viewer, bench.admin.key.id).await, None, "a viewer sees its own");
    must("a key is revoked", bench.revoke(bench.permit(&bench.admin), key).await);
    assert_eq!(one(&bench.admin, key).await, None, "what is revoked is not shown");
}

pub(super) async fn a_store_that_is_well_says_so<S: IdentityStore>(bench: &Bench<'_, S>) {
    must("the store answers", bench.store.ping().await);
}

pub(super) async fn the_last_use_never_goes_back<S: IdentityStore>(bench: &Bench<'_, S>) {
    let key = bench.admin.key.id;
    for (written, expected) in [(10, 10), (5, 10), (20, 20)] {
        must(
            "a batch is written",
            bench.store.write_uses(&[KeyUse { key, at: at(written), current: None }]).await,
        );
        let permit = bench.permit::<ReadAccount>(&bench.admin);
        let listed = must("a list", bench.store.list_keys(&permit, KeysOf::Caller, None, first_page()).await);
        let last = listed.items.first().and_then(|key| key.last_used_at);
        assert_eq!(last, Some(at(expected)), "the last use is the latest one");
    }
}

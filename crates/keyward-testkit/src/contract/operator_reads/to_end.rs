//! What the operator looks for to end it: users, accounts, places and keys, whatever else holds of them.

use super::{disable, invite, shut};
use crate::contract::accounts::people::{account, with_password};
use crate::contract::{Bench, IdentityStore, at, commit, must};
use keyward_core::id::{AccountId, UserId};
use keyward_core::made_by::MadeBy;
use keyward_core::permit::operator;
use keyward_core::role::Role;
use keyward_core::secret::Secret;
use keyward_core::write::erasing::EraseUser;
use keyward_core::write::key::RotateKey;
use keyward_core::write::member::RemoveMember;

/// Against a store that keeps something of who was erased, or that finds no one who is disabled: it could not be erased then.
pub(in crate::contract) async fn who_is_disabled_is_found_to_be_ended_and_who_is_erased_is_not<
    S: IdentityStore,
>(
    bench: &Bench<'_, S>,
) {
    let (viewer, acme) = (bench.viewer.key.user, bench.account);
    with_password(bench).await;
    let of_email = async |email: &str| must("a user", bench.store.user_to_end(email.to_owned()).await);
    let of_slug = async |slug: &str| must("an account", bench.store.account_to_end(slug.to_owned()).await);
    let is_in = async |account, user| must("a place", bench.store.has_place(account, user).await);
    disable(bench, viewer).await;
    shut(bench, acme).await;
    assert_eq!(of_email("viewer@acme.example").await, Some(viewer), "a user who is disabled");
    assert_eq!(of_slug("acme").await, Some(acme), "an account that is disabled");
    assert!(is_in(acme, viewer).await, "and the place of the one in the other");
    for email in ["nobody@acme.example", "viewer@acme", "%@acme.example", ""] {
        assert_eq!(of_email(email).await, None, "an address is taken to the letter: {email}");
    }
    for slug in ["acm", "acm_", "ACME", ""] {
        assert_eq!(of_slug(slug).await, None, "and so is a slug: {slug}");
    }
    let other = account(bench, "other").await;
    let invited = invite(bench, acme, ("new", Role::Viewer), 0).await;
    for (account, user) in
        [(other, viewer), (acme, invited), (acme, UserId(i64::MAX)), (AccountId(i64::MAX), viewer)]
    {
        assert!(!is_in(account, user).await, "there is no such place");
    }
    assert_eq!(of_email("new@acme.example").await, Some(invited), "who was only invited is found");
    let admin = bench.admin.key.user;
    let remove = RemoveMember { account: acme, user: admin };
    must("a member is removed", commit(bench.store, remove, operator(), 0).await);
    assert!(!is_in(acme, admin).await, "a place that was taken away is none");
    must("a user is erased", commit(bench.store, EraseUser { user: admin }, operator(), 5).await);
    assert_eq!(of_email("admin@acme.example").await, None, "who is erased has no address");
    let details = must("details", bench.store.user_details(admin, at(5)).await);
    assert_eq!(details, None, "and nothing is kept of it");
    assert!(!must("a password", bench.store.has_password(admin).await), "no password either");
    let nobody = must("details", bench.store.user_details(UserId(i64::MAX), at(5)).await);
    assert!(nobody.is_none() && !must("a password", bench.store.has_password(UserId(i64::MAX)).await));
}

/// Against a store that forgets a secret with its grace, or with its key: its text may be all that is known of a leak.
pub(in crate::contract) async fn a_key_is_found_by_every_secret_that_it_had<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let key = bench.admin.key.id;
    let found = async |secret: &Secret| {
        let digests = must("digests", bench.ring.digests(secret.expose()));
        let found = must("a search", bench.store.key_to_end(digests).await);
        found.map(|found| (found.key, found.replaced.map(|replaced| (replaced.at, replaced.by))))
    };
    let first = &bench.admin.secret;
    assert_eq!(found(first).await, Some((key, None)), "by the current one");
    let second = must("a rotation", bench.try_rotate(first, 100, 10).await);
    let replaced = |seconds, by| Some((key, Some((Some(at(seconds)), Some(by)))));
    let itself = MadeBy::ApiKey(key.0);
    assert_eq!(found(first).await, replaced(10, itself), "by the one in its grace: since when, and by what");
    assert_eq!(found(&second).await, Some((key, None)), "the next is the current one");
    let secret = must("a secret", bench.ring.mint(&bench.random));
    let third = secret.secret.clone();
    let rotate = RotateKey { key: Some(key), as_sent: key.to_string(), grace_seconds: 0, secret };
    must("the operator rotates", commit(bench.store, rotate, operator(), 20).await);
    assert_eq!(found(first).await, replaced(10, itself), "by one that is over");
    assert_eq!(found(&second).await, replaced(20, MadeBy::Operator), "by one without grace");
    must("the key is revoked", bench.revoke(operator(), key).await);
    assert_eq!(found(&third).await, Some((key, None)), "and by that of a key that is revoked");
    let unknown = must("a secret", bench.ring.mint(&bench.random));
    assert_eq!(found(&unknown.secret).await, None, "one that was nobody's finds nothing");
    assert_eq!(must("a search", bench.store.key_to_end(Vec::new()).await), None, "nor does none");
    let of_viewer = must("digests", bench.ring.digests(bench.viewer.secret.expose()));
    let several = [vec![unknown.digest], of_viewer].concat();
    let of_viewer = must("a search", bench.store.key_to_end(several).await).map(|found| found.key);
    assert_eq!(of_viewer, Some(bench.viewer.key.id), "of several digests any will do");
}

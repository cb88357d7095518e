//! The rules of what ends a whole account for a while, and a whole user for good.

use super::{Bench, IdentityStore, commit, must};
use keyward_core::denial::Denial;
use keyward_core::id::{AccountId, UserId};
use keyward_core::permit::operator;
use keyward_core::write::disabling::SetAccountDisabled;
use keyward_core::write::erasing::EraseUser;
use keyward_core::write::identity::LinkIdentity;
use keyward_core::write::user::CreateUser;

pub(super) async fn an_account_that_is_disabled_admits_nobody_until_it_is_enabled<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let account = bench.account;
    let set = async |account, disabled| {
        commit(bench.store, SetAccountDisabled { account, disabled }, operator(), 0).await
    };
    must("an account is disabled", set(account, true).await);
    for key in [&bench.admin, &bench.viewer] {
        assert_eq!(bench.admit(&key.secret, 0).err(), Some(Denial::AccountDisabled), "at once");
    }
    must("and again", set(account, true).await);
    must("it is enabled", set(account, false).await);
    must("and its keys are what they were", bench.admit(&bench.viewer.secret, 0));
    let absent = Some(Denial::not_found("Account", &i64::MAX.to_string()));
    for disabled in [true, false] {
        assert_eq!(set(AccountId(i64::MAX), disabled).await.err(), absent, "only what is there");
    }
}

pub(super) async fn a_user_who_is_erased_leaves_a_free_address_and_no_right<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let user = bench.viewer.key.user;
    let (issuer, subject) = ("https://issuer.example/".to_owned(), "viewer".to_owned());
    let link = |user, linked| LinkIdentity { user, issuer: issuer.clone(), subject: subject.clone(), linked };
    must("a link", commit(bench.store, link(user, true), operator(), 0).await);
    let erase = async |user| commit(bench.store, EraseUser { user }, operator(), 0).await;
    let erased = must("a user is erased", erase(user).await);
    assert_eq!((erased.accounts, erased.keys, erased.now), (vec![bench.account], 1, true));
    assert!(bench.admit(&bench.viewer.secret, 0).is_err(), "its key is dead");
    must("nobody else's", bench.admit(&bench.admin.secret, 0));
    {
        let live = bench.store.directory().read();
        assert!(live.user(user).is_none() && live.role(bench.account, user).is_none(), "nobody is there");
        assert!(live.user_named("viewer@acme.example").is_none(), "by that address neither");
        assert!(live.identity(&issuer, &subject).is_none(), "nor by a subject");
    }
    let absent = |user: UserId| Some(Denial::not_found("User", &user.to_string()));
    let again = must("repeated, it is what it was", erase(user).await);
    assert_eq!((again.user, again.accounts, again.keys, again.now), (user, Vec::new(), 0, false));
    assert_eq!(erase(UserId(i64::MAX)).await.err(), absent(UserId(i64::MAX)));
    let again = CreateUser {
        uuid: "another".to_owned(),
        email: "viewer@acme.example".to_owned(),
        first_name: "Another".to_owned(),
        last_name: String::new(),
        title: None,
        password_hash: None,
    };
    let other = must("the address is free", commit(bench.store, again, operator(), 0).await);
    assert_ne!(other, user, "and the number is not given again");
    must("and so is the subject", commit(bench.store, link(other, true), operator(), 0).await);
}

//! The rules of two who present the same thing at the same time.

use crate::contract::{Bench, IdentityStore, must};
use keyward_core::denial::Denial;
use keyward_core::secret::Secret;
use keyward_core::session::LinkKind;
use keyward_core::write::grant::{Redeemed, Refreshed};

use crate::contract::both;

/// RFC 6749 §4.1.2: a code that is used twice may be in a thief's hands, so what it gave is ended.
pub(in crate::contract) async fn of_two_who_redeem_one_code_the_second_ends_the_grant<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    bench.signed_in().await;
    let app = bench.registered("app").await;
    let id = must("consent is given", bench.consent(&app, 1, 0).await);
    let redeem = || bench.redeem_with(|effect| effect.client = app.clone(), 1, 0);
    let (one, other) = both(redeem(), redeem()).await;
    let is_granted = |redeemed: &Result<Redeemed, Denial>| matches!(redeemed, Ok(Redeemed::Granted { .. }));
    assert!(is_granted(&one) != is_granted(&other), "one of two has the grant: {one:?}, {other:?}");
    let is_replayed = |redeemed: &Result<Redeemed, Denial>| matches!(redeemed, Ok(Redeemed::Replayed(_)));
    assert!(is_replayed(&one) || is_replayed(&other), "the other is a replay: {one:?}, {other:?}");
    assert!(bench.is_dead(id), "which ends the grant");
}

pub(in crate::contract) async fn two_who_refresh_with_one_token_have_the_same_successor<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    bench.signed_in().await;
    let app = bench.registered("app").await;
    let id = bench.granted(&app, 1).await;
    let (one, other) = both(bench.refresh(id, 1, 10), bench.refresh(id, 1, 10)).await;
    let mut new = [one, other].map(|refreshed| match refreshed {
        Ok(Refreshed::Granted(grant, new)) => (grant.family.map_or(0, |family| family.number), new),
        other => panic!("within its grace a replaced token is answered: {other:?}"),
    });
    new.sort_unstable();
    assert_eq!(new, [(2, false), (2, true)], "the same token, made once");
}

pub(in crate::contract) async fn of_two_who_use_one_link_one_chooses_a_password<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let hash = Secret::new("a hash".to_owned());
    bench.link(bench.admin.key.user, LinkKind::Reset, "link", 0).await;
    let (one, other) = both(bench.choose("link", &hash, 1), bench.choose("link", &hash, 1)).await;
    let refused = match (one, other) {
        (Ok(_), Err(refused)) | (Err(refused), Ok(_)) => refused,
        both => panic!("a link is used once: {both:?}"),
    };
    assert_eq!(refused, Denial::LinkUnusable);
}

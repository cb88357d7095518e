//! The rules of refresh tokens: how long a replaced one still answers, and what ends all of them.

use super::steps::*;
use crate::contract::{Bench, IdentityStore, must};
use keyward_core::denial::{Denial, OAuthDenial};
use keyward_core::oauth::{GRACE_SECONDS, GrantId, Resources};
use keyward_core::scope::{Scope, ScopeSet};
use keyward_core::write::grant::Refreshed;

pub(in crate::contract) async fn a_replaced_refresh_token_lives_half_a_minute_and_then_ends_all<
    S: IdentityStore,
>(
    bench: &Bench<'_, S>,
) {
    bench.signed_in().await;
    let app = bench.registered("app").await;
    let id = bench.granted(&app, 1).await;
    let unfit = [
        (bench.refresh(id, 2, 0).await, OAuthDenial::RefreshUnknown),
        (bench.refresh(GrantId(id.0 + 1), 1, 0).await, OAuthDenial::RefreshUnknown),
        (bench.refresh_with(|e| e.client = "other".into(), (id, 1), 0).await, OAuthDenial::RefreshUnknown),
        (
            bench
                .refresh_with(|e| e.scopes = Some(ScopeSet::NONE.with(Scope::AccountWrite)), (id, 1), 0)
                .await,
            OAuthDenial::ScopeWider,
        ),
        (
            bench.refresh_with(|e| e.resources = Some(Resources { api: true, mcp: true }), (id, 1), 0).await,
            OAuthDenial::ResourceUnknown,
        ),
    ];
    for (answer, denial) in unfit {
        assert_eq!(answer.err(), refused(denial), "what does not fit is refused");
    }
    let number = |answer: Result<Refreshed, Denial>| match answer {
        Ok(Refreshed::Granted(grant, new)) => (grant.family.map_or(0, |family| family.number), new),
        other => panic!("a refresh is refused: {other:?}"),
    };
    assert_eq!(number(bench.refresh(id, 1, 10).await), (2, true), "the next one");
    let again = number(bench.refresh(id, 1, 10 + GRACE_SECONDS - 1).await);
    assert_eq!(again, (2, false), "who asks again gets the same answer");
    assert_eq!(number(bench.refresh(id, 2, 11 + GRACE_SECONDS).await), (3, true), "and goes on from it");
    let other = bench.granted(&app, 2).await;
    let reused = bench.refresh(id, 1, 12 + GRACE_SECONDS).await;
    assert!(matches!(reused, Ok(Refreshed::Reused(_))), "one of before that is a theft");
    assert!(bench.is_dead(id) && !bench.is_dead(other), "that ends this grant alone");
    assert_eq!(bench.refresh(id, 3, 13 + GRACE_SECONDS).await.err(), refused(OAuthDenial::GrantOver));
    assert_eq!(number(bench.refresh(other, 1, 20).await), (2, true));
    let late = bench.refresh(other, 1, 20 + GRACE_SECONDS).await;
    assert!(matches!(late, Ok(Refreshed::Reused(_))), "half a minute is over to the second");
}

/// Processes that share one token come back when they need to, each with what it has kept.
pub(in crate::contract) async fn a_replaced_token_has_its_own_grace_however_often_the_family_went_on<
    S: IdentityStore,
>(
    bench: &Bench<'_, S>,
) {
    bench.signed_in().await;
    let app = bench.registered("app").await;
    let number = |answer: Result<Refreshed, Denial>| match answer {
        Ok(Refreshed::Granted(grant, new)) => (grant.family.map_or(0, |family| family.number), new),
        other => panic!("a refresh is refused: {other:?}"),
    };
    for (code, grace) in [(1, GRACE_SECONDS), (2, 3_600)] {
        let id = bench.granted(&app, code).await;
        let refresh = async |presented: u32, seconds: i64| {
            bench.refresh_with(|e| e.grace = grace, (id, presented), seconds).await
        };
        for (presented, seconds, found) in [
            (1, 1, (2, true)),
            (2, 3, (3, true)),
            (1, grace, (3, false)),
            (3, grace, (4, true)),
            (2, grace + 2, (4, false)),
        ] {
            assert_eq!(
                number(refresh(presented, seconds).await),
                found,
                "{presented} at {seconds} of {grace}"
            );
        }
        let over = refresh(1, grace + 2).await;
        assert!(matches!(over, Ok(Refreshed::Reused(_))), "the first one's grace of {grace} s is over");
        assert!(bench.is_dead(id));
    }
}

pub(in crate::contract) async fn a_clock_that_went_back_makes_no_replaced_token_good<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    bench.signed_in().await;
    let app = bench.registered("app").await;
    let id = bench.granted(&app, 1).await;
    let later = 2 * GRACE_SECONDS;
    must("a refresh", bench.refresh(id, 1, later).await);
    let close = bench.refresh(id, 1, later - GRACE_SECONDS + 1).await;
    assert!(
        matches!(close, Ok(Refreshed::Granted(_, false))),
        "a clock that is put right by seconds changes nothing"
    );
    let reused = bench.refresh(id, 1, later - GRACE_SECONDS).await;
    assert!(matches!(reused, Ok(Refreshed::Reused(_))), "further back the time says nothing: it is a theft");
}

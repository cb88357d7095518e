//! The rules of tiers, of the account that a user acts in, of keys that are made in two steps, and of a clock that is accepted.
//!
//! | file | what |
//! | --- | --- |
//! | `accounts/choosing.rs` | the account that a user's client has chosen |
//! | `accounts/clock.rs` | a clock that is accepted |
//! | `accounts/people.rs` | people in two accounts, their tokens and browsers |
//! | `accounts/two_steps.rs` | keys that are made in two steps |

mod choosing;
mod clock;
pub(super) mod people;
mod two_steps;

pub(super) use choosing::*;
pub(super) use clock::*;
pub(super) use two_steps::*;

use super::{Bench, IdentityStore, at, commit, must};
use keyward_core::account::Account;
use keyward_core::denial::Denial;
use keyward_core::id::AccountId;
use keyward_core::limits::{Overrides, Rate, Tiers};
use keyward_core::permit::operator;
use keyward_core::tier::Tier;
use keyward_core::write::account::SetTier;
use keyward_core::write::limits::SetLimits;

async fn set<S: IdentityStore>(bench: &Bench<'_, S>, account: AccountId, tier: Tier) -> Result<(), Denial> {
    let done = commit(bench.store, SetTier { account, tier }, operator(), 0).await?;
    assert_eq!((done.account, done.tier), (account, tier), "what was done is what was asked for");
    Ok(())
}

/// An account, as it is known, and as it is written.
async fn seen<S: IdentityStore>(bench: &Bench<'_, S>, id: AccountId) -> (Account, Account) {
    let known = bench.store.directory().read().account(id).cloned();
    let page = must("accounts", bench.store.accounts(AccountId(id.0 - 1), 1).await);
    let written = page.items.into_iter().next().map(|entry| entry.account);
    (must("it is known", known.ok_or("not")), must("it is written", written.ok_or("not")))
}

/// Against a store that writes a tier and goes on by the one before, that forgets what else is said of the account, or that sets the
/// tier of every account.
pub(super) async fn a_tier_holds_at_once_and_for_its_account_alone<S: IdentityStore>(bench: &Bench<'_, S>) {
    let other = people::account(bench, "other").await;
    let overrides = Overrides { keys: None, reads: None, writes: Some(Rate::Unlimited) };
    let limits = SetLimits { account: bench.account, overrides };
    must("limits are set", commit(bench.store, limits, operator(), 0).await);
    for tier in [Tier::Free, Tier::Free, Tier::Enterprise, Tier::Standard] {
        must("a tier is set", set(bench, bench.account, tier).await);
        let (known, written) = seen(bench, bench.account).await;
        for account in [known, written] {
            assert_eq!(account.tier, tier, "the tier that was said");
            assert_eq!(account.overrides, overrides, "what was said beside it stays");
            let named = (account.slug.as_str(), account.name.as_str(), account.disabled);
            assert_eq!(named, ("acme", "Acme", false), "the rest is as it was");
        }
    }
    must("a tier is set", set(bench, bench.account, Tier::Enterprise).await);
    let (known, written) = seen(bench, other).await;
    assert_eq!((known.tier, written.tier), (Tier::Standard, Tier::Standard), "no other account has it");
}

/// Against a store that counts by the tier that the account had when it was opened, or that ends keys over the new ceiling.
pub(super) async fn keys_over_a_lower_ceiling_live_on_and_no_more_are_made<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let third = must("a third key", bench.create(bench.permit(&bench.admin), 0).await);
    assert_eq!(Tiers::default().free.keys, 2, "the ceiling that this rule is about");
    must("a lower tier", set(bench, bench.account, Tier::Free).await);
    for key in [&bench.admin, &bench.viewer, &third] {
        must("a key over the ceiling lives on", bench.admit(&key.secret, 0));
    }
    must("one is revoked", bench.revoke(bench.permit(&bench.admin), third.key.id).await);
    let refused = bench.create(bench.permit(&bench.admin), 0).await.err();
    assert!(matches!(refused, Some(Denial::Invalid(_))), "at the ceiling no key is made: {refused:?}");
    must("a higher tier", set(bench, bench.account, Tier::Enterprise).await);
    must("has room at once", bench.create(bench.permit(&bench.admin), 0).await);
}

/// Against a store that takes no row changed for a success.
pub(super) async fn a_tier_of_an_account_that_is_not_there_is_refused<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let absent = AccountId(i64::MAX);
    let refused = set(bench, absent, Tier::Free).await.err();
    assert_eq!(refused, Some(Denial::not_found("Account", &absent.to_string())), "it is not there");
    assert!(bench.store.directory().read().account(absent).is_none(), "and is not made");
    let figures = must("figures", bench.store.account_figures(absent, at(0)).await);
    assert_eq!(figures, None, "nor written");
    let page = must("accounts", bench.store.accounts(AccountId(0), 10).await);
    let tiers: Vec<Tier> = page.items.iter().map(|entry| entry.account.tier).collect();
    assert_eq!(tiers, [Tier::Standard], "no other account has it");
}

//! The rules of clients that register themselves.

use super::steps::{DAY, client, refused};
use crate::contract::{Bench, FROM, IdentityStore, commit, must};
use keyward_core::address::ClientAddress;
use keyward_core::denial::{Denial, OAuthDenial};
use keyward_core::oauth::ClientOrigin;
use keyward_core::opaque::TokenDigest;
use keyward_core::permit::{self, operator};
use keyward_core::write::client::{CreateClient, RegisterClient};

pub(crate) async fn clients_that_register_are_bounded_and_the_same_is_the_same<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let register = async |id: &str, same: Option<&str>, seconds| {
        let same = same.map(TokenDigest::of);
        let client = client(id, ClientOrigin::Registered);
        let effect = RegisterClient { client, same, network: FROM, most: 2, share: 2 };
        commit(bench.store, effect, permit::register(), seconds)
            .await
            .map(|(_, client, new)| (client.id, new))
    };
    let first = must("one registers", register("one", Some("metadata"), 0).await);
    assert_eq!((&*first.0, first.1), ("one", true));
    let same = must("the same again", register("two", Some("metadata"), 1).await);
    assert_eq!((&*same.0, same.1), ("one", false), "is the same client");
    must("one with a secret", register("three", None, 0).await);
    let late = must("there is room for one more", register("late", Some("late"), 2).await);
    assert!(!late.1, "in the place of another, which leaves no row in the audit trail");
    {
        let live = bench.store.directory().read();
        assert!(live.client("three").is_none(), "of the oldest that nobody has used");
        assert!(live.client("one").is_some(), "and of no more");
    }
    bench.registered("mine").await;
    let twice =
        commit(bench.store, CreateClient(client("mine", ClientOrigin::Operator)), operator(), 2).await;
    assert!(matches!(twice, Err(Denial::Invalid(_))), "an id is one client's");

    bench.signed_in().await;
    let one = must("known", bench.store.directory().read().client("one").cloned().ok_or("not"));
    let used = bench.granted(&one, 1).await;
    must("after a day there is room", register("six", Some("other"), DAY + 3).await);
    let six = must("known", bench.store.directory().read().client("six").cloned().ok_or("not"));
    bench.granted(&six, 2).await;
    let full = register("seven", None, DAY + 4).await.err();
    assert_eq!(full, refused(OAuthDenial::TooManyClients), "where somebody uses each, none gives way");
    let live = bench.store.directory().read();
    assert!(live.client("late").is_none(), "for one that nobody used is gone");
    assert!(live.client("one").is_some() && live.grant(used).is_some(), "but not one that somebody uses");
    assert!(live.client("mine").is_some(), "nor the operator's");
}

pub(crate) async fn a_client_that_registers_again_has_its_day_anew<S: IdentityStore>(bench: &Bench<'_, S>) {
    let register = async |same: &str, seconds| {
        let client = client(&format!("{same} {seconds}"), ClientOrigin::Registered);
        let same = Some(TokenDigest::of(same));
        let effect = RegisterClient { client, same, network: FROM, most: 10, share: 10 };
        must("one registers", commit(bench.store, effect, permit::register(), seconds).await).1
    };
    let known = |id: &str| bench.store.directory().read().client(id).is_some();
    let id = register("mine", 0).await.id;
    assert_eq!(register("mine", DAY - 1).await.id, id);
    register("other", DAY + 1).await;
    assert!(known(&id), "whoever is told an id can sign in with it");
    register("another", 2 * DAY - 2).await;
    assert!(known(&id));
    register("the last", 2 * DAY - 1).await;
    assert!(!known(&id), "a day after it was told last");
}

/// A flood of registrations, from however many networks, thins itself: a client of a network that registers little stays.
pub(crate) async fn a_flood_of_registrations_thins_the_network_that_holds_most<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let register = async |id: String, network: u8, seconds| {
        let network = ClientAddress::Known([203, 0, network, 7].into());
        let client = client(&id, ClientOrigin::Registered);
        let effect = RegisterClient { client, same: None, network, most: 12, share: 8 };
        must("everybody can register", commit(bench.store, effect, permit::register(), seconds).await).2
    };
    let known = |id: &str| bench.store.directory().read().client(id).is_some();
    let floods = |network: u8| {
        let live = bench.store.directory().read();
        live.clients().filter(|client| client.id.starts_with(&format!("flood {network} "))).count()
    };
    assert!(register("honest".to_owned(), 1, 0).await, "with a row in the audit trail");
    let mut rows = 0;
    for number in 0..20 {
        rows += usize::from(register(format!("flood 2 {number}"), 2, 1 + number).await);
    }
    assert_eq!((floods(2), rows), (8, 8), "one network has its share, and leaves no more rows than that");
    assert!(known("flood 2 19") && !known("flood 2 0"), "its oldest gives way");
    for number in 0..20 {
        register(format!("flood 3 {number}"), 3, 30 + number).await;
    }
    assert_eq!(
        floods(2) + floods(3),
        11,
        "where all of the room is taken, the network that holds most gives way"
    );
    assert!(floods(2) >= 5 && floods(3) >= 5);
    assert!(known("honest"), "who registered before the flood stays");
    register("late".to_owned(), 4, 60).await;
    assert!(known("late") && known("honest"), "and who registers within it is let in");
}

/// A public client whose metadata a flood has registered first is not thinned with the flood once somebody else registers it,
/// nor if the flood registers it again after.
pub(crate) async fn a_client_that_others_register_too_leaves_the_network_of_a_flood<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let register = async |id: String, same: Option<&str>, network: u8, seconds| {
        let network = ClientAddress::Known([203, 0, network, 7].into());
        let client = client(&id, ClientOrigin::Registered);
        let effect = RegisterClient { client, same: same.map(TokenDigest::of), network, most: 20, share: 3 };
        must("everybody can register", commit(bench.store, effect, permit::register(), seconds).await).1
    };
    register("shared".to_owned(), Some("metadata"), 2, 0).await;
    for number in 0..2 {
        register(format!("flood {number}"), None, 2, 1 + number).await;
    }
    let again = register("other".to_owned(), Some("metadata"), 1, 3).await;
    assert_eq!(&*again.id, "shared", "it is the same client");
    register("draws".to_owned(), Some("metadata"), 2, 4).await;
    for number in 0..6 {
        register(format!("more {number}"), None, 2, 5 + number).await;
    }
    assert!(bench.store.directory().read().client("shared").is_some(), "it is not of the flood's share");
}

//! The rules of who may do what with a deal: by the role, by the team, and in which account.

use super::bench::{
    Bench, after, archive, commit, go, join, leave, must, new_deal, no_deal, operate, update,
};
use super::store::DealStore;
use keyward_core::denial::Denial;
use keyward_core::effect::Commit;
use keyward_core::list::Filter;
use keyward_core::permit::{Permit, ReadDeals, WriteDeals};
use keyward_core::preconditions::Preconditions;
use keyward_core::role::Role;
use keyward_core::scope::Scope;
use keyward_core::write::key::KeyMade;
use keyward_core::write::member::{RemoveMember, SetRole};
use lev_deals::write::UpdateDeal;
use lev_deals::{DealId, Include};

fn retitle(deal: DealId) -> UpdateDeal {
    update(deal, r#"{"title":"Another"}"#, Preconditions::NONE)
}

/// Whether every read shows the deal to this permit, or none does.
async fn sees<S: DealStore>(bench: &Bench<'_, S>, permit: &Permit<ReadDeals>, deal: DealId) -> bool {
    let store = bench.store;
    let list = store.list_deals(permit, Filter::default(), after(0, 50), Include::default()).await;
    let list = must("a list", list);
    assert_eq!(list.total, i64::try_from(list.items.len()).unwrap_or(-1), "what is not seen is not counted");
    let ways = [
        list.items.iter().any(|(shown, _)| shown.id == deal),
        must("a deal", store.get_deal(permit, deal, Include::default()).await).is_some(),
        must("financials", store.financials(permit, deal).await).is_some(),
        must("properties", store.properties(permit, deal, after(0, 50)).await).is_some(),
        must("a team", store.deal_team(permit, deal, after(0, 50)).await).is_some(),
    ];
    assert!(ways.iter().all(|way| way == &ways.contains(&true)), "all reads have one sight: {ways:?}");
    ways.contains(&true)
}

async fn sees_now<S: DealStore>(bench: &Bench<'_, S>, who: &KeyMade, deal: DealId) -> bool {
    sees(bench, &bench.permit(who), deal).await
}

async fn set_role<S: DealStore>(bench: &Bench<'_, S>, who: &KeyMade, role: Role) {
    operate(bench.store, SetRole { account: bench.people.account, user: who.key.user, role }).await;
}

/// A store that shows a deal by the account alone, or lets a team member change whatever its role.
pub(crate) async fn a_role_and_the_team_say_who_sees_and_who_changes<S: DealStore>(bench: &Bench<'_, S>) {
    let people = &bench.people;
    let deal = bench.make(r#"{"title":"A"}"#).await.id;
    let viewer = people.viewer.key.user;
    assert!(!sees_now(bench, &people.viewer, deal).await, "a viewer sees nothing of others' deals");
    must("the viewer joins", bench.by(&people.editor, join(deal, viewer, Preconditions::NONE), 0).await);
    let no_scope = Some(Denial::ScopeMissing(Scope::DealsWrite));
    for (who, told, seen, refused) in [
        (&people.admin, "an admin", true, None),
        (&people.editor, "an editor on the team", true, None),
        (&people.second, "an editor who is not on the team", false, Some(no_deal(deal))),
        (&people.viewer, "a viewer on the team", true, no_scope.clone()),
        (&people.stranger, "an admin of another account", false, Some(no_deal(deal))),
    ] {
        assert_eq!(sees_now(bench, who, deal).await, seen, "what {told} sees");
        assert_eq!(bench.by(who, retitle(deal), 1).await.err(), refused, "what {told} changes");
    }
    let made = bench.by(&people.viewer, new_deal(r#"{"title":"B"}"#), 1).await.err();
    assert_eq!(made, no_scope, "a viewer makes no deal");
    set_role(bench, &people.second, Role::Admin).await;
    assert!(sees_now(bench, &people.second, deal).await, "who becomes an admin sees all at once");
    set_role(bench, &people.editor, Role::Viewer).await;
    assert!(sees_now(bench, &people.editor, deal).await, "who becomes a viewer still sees its deals");
    assert_eq!(bench.by(&people.editor, retitle(deal), 1).await.err(), no_scope, "and changes none");
}

/// A store that finds a deal by its id alone, or a member by the user alone.
pub(crate) async fn what_belongs_to_another_account_is_not_there<S: DealStore>(bench: &Bench<'_, S>) {
    let people = &bench.people;
    let deal = bench.make(r#"{"title":"A","deal_financials":{"land_cost":1}}"#).await.id;
    let (viewer, none) = (people.viewer.key.user, Preconditions::NONE);
    must("the viewer joins", bench.by(&people.editor, join(deal, viewer, none.clone()), 0).await);
    let foreign = must("made", bench.by(&people.stranger, new_deal(r#"{"title":"Theirs"}"#), 0).await);
    assert_eq!(foreign.owner_account, people.other_account, "a deal is of its maker's account");
    let theirs = bench.pipelines(&people.stranger).await;
    let pipeline = must("a pipeline", theirs.first().ok_or("none")).id;
    let before = bench.whole(deal).await;
    let gone = Some(no_deal(deal));
    // The second is on the deal's team, but with a key of the other account.
    for who in [&people.stranger, &people.abroad] {
        assert!(!sees_now(bench, who, deal).await, "no read shows a deal of another account");
        assert_eq!(bench.ids(who, "").await, [foreign.id], "a list has those of the key's account");
        let user = who.key.user;
        assert_eq!(bench.by(who, retitle(deal), 1).await.err(), gone, "it is not changed");
        assert_eq!(bench.by(who, archive(deal, none.clone()), 1).await.err(), gone, "nor archived");
        assert_eq!(bench.by(who, join(deal, user, none.clone()), 1).await.err(), gone, "nor joined");
        assert_eq!(bench.by(who, leave(deal, viewer, none.clone()), 1).await.err(), gone, "nor left");
        let moved = bench.by(who, go(deal, pipeline, None, none.clone()), 1).await.err();
        assert_eq!(moved, gone, "nor moved, not even within pipelines of theirs");
    }
    assert_eq!(bench.whole(deal).await, before, "and it is as it was");
    assert!(
        !sees_now(bench, &people.editor, foreign.id).await,
        "who is in both sees it by the other key only"
    );
}

async fn late<S: DealStore + Commit<UpdateDeal>>(
    bench: &Bench<'_, S>,
    permit: Permit<WriteDeals>,
    deal: DealId,
) -> Option<Denial> {
    commit(bench.store, retitle(deal), permit, 1).await.err()
}

/// A store that believes the permit as it was when the request was let in.
pub(crate) async fn a_right_that_was_lost_on_the_way_ends_the_change<S: DealStore>(bench: &Bench<'_, S>) {
    let (people, none) = (&bench.people, Preconditions::NONE);
    let deal = bench.make(r#"{"title":"A"}"#).await.id;
    let second = people.second.key.user;
    must("it joins", bench.by(&people.editor, join(deal, second, none.clone()), 0).await);
    let before = bench.whole(deal).await.0.title;
    let permit = bench.permit(&people.second);
    must("it is taken off", bench.by(&people.admin, leave(deal, second, none.clone()), 0).await);
    assert_eq!(late(bench, permit, deal).await, Some(no_deal(deal)), "who is off the team changes nothing");
    let (permit, new) = (bench.permit(&people.editor), bench.permit(&people.editor));
    set_role(bench, &people.editor, Role::Viewer).await;
    let no_scope = Some(Denial::ScopeMissing(Scope::DealsWrite));
    assert_eq!(late(bench, permit, deal).await, no_scope, "nor who became a viewer");
    let made = commit(bench.store, new_deal(r#"{"title":"B"}"#), new, 1).await.err();
    assert_eq!(made, no_scope, "who makes nothing either");
    set_role(bench, &people.editor, Role::Editor).await;
    let permit = bench.permit(&people.editor);
    let user = people.editor.key.user;
    operate(bench.store, RemoveMember { account: people.account, user }).await;
    assert_eq!(late(bench, permit, deal).await, Some(Denial::KeyRevoked), "nor who left the account");
    assert_eq!(bench.whole(deal).await.0.title, before, "the deal is as it was");
    assert_eq!(bench.list(&people.admin, "").await.total, 1, "and none was made");
}

/// A store that reads by the role in the permit, and not by the membership of now.
pub(crate) async fn who_left_the_account_sees_nothing_with_an_old_permit<S: DealStore>(bench: &Bench<'_, S>) {
    let people = &bench.people;
    let deal = bench.make(r#"{"title":"A"}"#).await.id;
    let (permit, of_admin) = (bench.permit(&people.editor), bench.permit(&people.second));
    let (role, account) = (Role::Admin, people.account);
    operate(bench.store, SetRole { account, user: people.second.key.user, role }).await;
    assert!(sees(bench, &permit, deal).await && sees(bench, &of_admin, deal).await, "members see it");
    for user in [people.editor.key.user, people.second.key.user] {
        operate(bench.store, RemoveMember { account, user }).await;
    }
    assert!(!sees(bench, &permit, deal).await, "who left sees no deal of its teams");
    assert!(!sees(bench, &of_admin, deal).await, "and who was an admin none at all");
}

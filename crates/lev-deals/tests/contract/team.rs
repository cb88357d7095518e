//! The rules of a deal's team: who works on a deal, and so sees it.

use super::bench::{Bench, at, join, leave, must, new_user, no_deal, operate, refused_field};
use super::store::DealStore;
use keyward_core::denial::Denial;
use keyward_core::id::UserId;
use keyward_core::preconditions::Preconditions;
use keyward_core::role::Role;
use keyward_core::write::member::{AddMember, RemoveMember, SetRole};
use lev_deals::team::MAX_TEAM;
use lev_deals::write::{LeaveTeam, SeedDeal, SeedDeals};
use lev_deals::{Deal, DealId, TeamMember};

/// The team, as the admin sees it.
async fn team<S: DealStore>(bench: &Bench<'_, S>, deal: DealId) -> Vec<TeamMember> {
    let listed = must("a team", bench.team(&bench.people.admin, deal).await.ok_or("no deal"));
    assert_eq!(listed.total, i64::try_from(listed.items.len()).unwrap_or(-1), "who is shown is counted");
    listed.items
}

fn no_member(user: UserId) -> Option<Denial> {
    Some(Denial::not_found("Team member", &user.to_string()))
}

/// A store that joins somebody of another account, twice, or takes nobody off.
pub(crate) async fn a_team_is_joined_and_left<S: DealStore>(bench: &Bench<'_, S>) {
    let (people, none) = (&bench.people, Preconditions::NONE);
    let (editor, viewer) = (&people.editor, people.viewer.key.user);
    let deal = bench.make(r#"{"title":"A"}"#).await.id;
    let other = bench.make(r#"{"title":"B"}"#).await.id;
    let joined = must("a member joins", bench.by(editor, join(deal, viewer, none.clone()), 1).await);
    let told = (joined.deal, joined.account, joined.member.user_id, joined.member.deal_role.as_deref());
    assert_eq!(told, (deal, people.account, viewer.0, Some("closer")), "what came of it is told");
    assert_eq!(team(bench, deal).await.last(), Some(&joined.member), "and is read like that");
    assert!(bench.deal(&people.viewer, deal).await.is_some(), "who is on the team sees the deal at once");
    assert!(bench.deal(&people.viewer, other).await.is_none(), "and no other one");
    let before = bench.whole(deal).await;
    for (user, why) in [
        (viewer, "who is on it does not join again"),
        (people.stranger.key.user, "nor somebody of another account"),
        (UserId(viewer.0 + 1_000), "nor nobody"),
    ] {
        let refused = refused_field(bench.by(editor, join(deal, user, none.clone()), 2).await);
        assert_eq!(refused.as_deref(), Some("user_id"), "{why}");
    }
    let off = bench.by(editor, leave(deal, people.second.key.user, none.clone()), 2).await.err();
    assert_eq!(off, no_member(people.second.key.user), "who is not on it cannot be taken off");
    let unread = LeaveTeam { user: None, user_as_sent: "x".to_owned(), ..leave(deal, viewer, none.clone()) };
    let off = bench.by(editor, unread, 2).await.err();
    assert_eq!(off, Some(Denial::not_found("Team member", "x")), "nor what is no id");
    assert_eq!(bench.whole(deal).await, before, "refusals change nothing");
    must("it is taken off", bench.by(editor, leave(deal, viewer, none.clone()), 3).await);
    assert!(bench.deal(&people.viewer, deal).await.is_none(), "and sees it no more");
    assert_eq!(team(bench, other).await.len(), 1, "another team is as it was");
    must("an editor takes itself off", bench.by(editor, leave(deal, editor.key.user, none.clone()), 4).await);
    let back = bench.by(editor, join(deal, editor.key.user, none.clone()), 5).await.err();
    assert_eq!(back, Some(no_deal(deal)), "and cannot put itself on it again");
}

/// A store that leaves two members primary, or takes it from other teams, too.
pub(crate) async fn a_team_has_one_primary_member<S: DealStore>(bench: &Bench<'_, S>) {
    let (people, none) = (&bench.people, Preconditions::NONE);
    let deal = bench.make(r#"{"title":"A"}"#).await.id;
    let other = bench.make(r#"{"title":"B"}"#).await.id;
    let primary = async |deal| -> Vec<i64> {
        team(bench, deal).await.into_iter().filter(|member| member.is_primary).map(|m| m.user_id).collect()
    };
    let mut second = join(deal, people.second.key.user, none.clone());
    second.member.is_primary = true;
    must("a primary member joins", bench.by(&people.editor, second, 1).await);
    assert_eq!(primary(deal).await, [people.second.key.user.0], "it is in place of who was");
    assert_eq!(primary(other).await, [people.editor.key.user.0], "on this team alone");
    must("another joins", bench.by(&people.editor, join(deal, people.viewer.key.user, none), 1).await);
    assert_eq!(primary(deal).await, [people.second.key.user.0], "who is not primary takes nothing away");
}

/// A store without the ceiling, or one that counts who is no longer there.
pub(crate) async fn a_team_has_room_for_a_hundred_members_of_the_account<S: DealStore>(bench: &Bench<'_, S>) {
    let (people, none) = (&bench.people, Preconditions::NONE);
    let account = people.account;
    let mut all = vec![people.editor.key.user];
    for number in 1..MAX_TEAM {
        let user = new_user(bench.store, &format!("member{number}")).await;
        operate(bench.store, AddMember { account, user, role: Role::Viewer }).await;
        all.push(user);
    }
    let one = must("a member", all.last().copied().ok_or("none"));
    let full = SeedDeal::plain(Deal::new(account, "Full".to_owned(), at(0)), all);
    operate(bench.store, SeedDeals { account, deals: vec![full] }).await;
    let deal = must("the deal", bench.ids(&people.admin, "").await.pop().ok_or("none"));
    assert_eq!(team(bench, deal).await.len(), MAX_TEAM, "a hundred are on it");
    let one_more = || bench.by(&people.editor, join(deal, people.second.key.user, none.clone()), 1);
    let refused = refused_field(one_more().await);
    assert_eq!(refused.as_deref(), Some("user_id"), "and there is no room for one more");
    operate(bench.store, RemoveMember { account, user: one }).await;
    must("but in place of one who left the account", one_more().await);
    assert_eq!(team(bench, deal).await.len(), MAX_TEAM, "a hundred again");
}

/// A store that shows a team without asking who is still a member.
pub(crate) async fn who_left_the_account_is_on_no_team<S: DealStore>(bench: &Bench<'_, S>) {
    let (people, none) = (&bench.people, Preconditions::NONE);
    let deal = bench.make(r#"{"title":"A"}"#).await.id;
    let viewer = people.viewer.key.user;
    must("it joins", bench.by(&people.editor, join(deal, viewer, none.clone()), 0).await);
    // It is a member of another account then.
    let account = people.other_account;
    operate(bench.store, AddMember { account, user: viewer, role: Role::Viewer }).await;
    operate(bench.store, RemoveMember { account: people.account, user: viewer }).await;
    let shown = team(bench, deal).await;
    let users: Vec<i64> = shown.iter().map(|member| member.user_id).collect();
    assert_eq!(users, [people.editor.key.user.0], "who left is not shown");
    assert_eq!(bench.whole(deal).await.1.team, Some(shown), "nor with the deal");
    let off = bench.by(&people.admin, leave(deal, viewer, none.clone()), 1).await.err();
    assert_eq!(off, no_member(viewer), "nor can it be taken off");
    let back = refused_field(bench.by(&people.admin, join(deal, viewer, none), 1).await);
    assert_eq!(back.as_deref(), Some("user_id"), "nor put there");
}

/// A store that keeps the role of the day on which somebody joined.
pub(crate) async fn a_team_says_what_its_members_may_do_now<S: DealStore>(bench: &Bench<'_, S>) {
    let (people, none) = (&bench.people, Preconditions::NONE);
    let (account, viewer) = (people.account, people.viewer.key.user);
    let deal = bench.make(r#"{"title":"A"}"#).await.id;
    let joined = must("it joins", bench.by(&people.editor, join(deal, viewer, none), 0).await).member;
    // Its role in another account does not matter.
    operate(bench.store, AddMember { account: people.other_account, user: viewer, role: Role::Admin }).await;
    let names = (joined.first_name.as_str(), joined.last_name.as_str(), joined.email.as_str());
    assert_eq!(names, ("viewer", "Smith", "viewer@people.example"), "a member is shown by its names");
    assert_eq!(joined.permission.as_deref(), Some("view"), "a viewer may look");
    for (role, permission) in [(Role::Editor, "edit"), (Role::Viewer, "view"), (Role::Admin, "edit")] {
        operate(bench.store, SetRole { account, user: viewer, role }).await;
        let members = team(bench, deal).await.into_iter();
        let told: Vec<_> = members.map(|member| (member.user_id, member.permission)).collect();
        let expected = [(people.editor.key.user.0, "edit"), (viewer.0, permission)]
            .map(|(user, may)| (user, Some(may.to_owned())));
        assert_eq!(told, expected, "a member may what its role allows now");
    }
}

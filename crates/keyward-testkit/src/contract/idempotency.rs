//! The rules of writes that are repeated: each is done once, and its answer is given again to who may see it.

mod ending;
mod secrets;

pub(super) use ending::*;
pub(super) use secrets::*;

use super::{Bench, IdentityStore, at, begun, both, commit, commit_with, must};
use keyward_core::api_key::{Wanted, WantedGrant};
use keyward_core::clock::At;
use keyward_core::denial::Denial;
use keyward_core::effect::{Answer, Commit, Context, Effect, Ended};
use keyward_core::grant::Grant;
use keyward_core::id::KeyId;
use keyward_core::idempotency::{Claim, Claims, Fingerprint, Scope};
use keyward_core::input::Field;
use keyward_core::permit::{LabelKeys, ManageTeam, Permit, ReadAccount, operator};
use keyward_core::preconditions::Preconditions;
use keyward_core::role::Role;
use keyward_core::team::INVITATION_SECONDS;
use keyward_core::tier::Tier;
use keyward_core::write::account::CreateAccount;
use keyward_core::write::key::{CreateKey, IssueKey, KeyMade, RelabelKey, RevokeKey};
use keyward_core::write::member::{AddMember, SetRole};
use keyward_core::write::team::Invite;
use uuid::Uuid;

/// The first of the keys that clients send: of version 4, as are those that follow it.
const KEY: u128 = 0x550e_8400_e29b_41d4_a716_4466_5544_0000;

/// What a write under a claim came to.
#[derive(Debug, PartialEq, Eq)]
enum Came {
    /// It was done, with this answer.
    Done(Answer),
    /// It was done before, with this answer.
    Before(Answer),
    Refused(Denial),
}

impl<D> From<Ended<D>> for Came {
    fn from(ended: Ended<D>) -> Self {
        match ended {
            Ended::Done(_, answer) => Self::Done(answer),
            Ended::Replayed(answer) => Self::Before(answer),
            Ended::Refused(denial) => Self::Refused(denial),
        }
    }
}

impl Came {
    /// The answer of a write that was done now.
    fn done(self, what: &str) -> Answer {
        let Self::Done(answer) = self else { panic!("{what}: {self:?}") };
        answer
    }
}

/// A write under a claim.
async fn ask<S, E>(
    bench: &Bench<'_, S>,
    effect: E,
    permit: Permit<E::Action>,
    claim: Claim,
    seconds: i64,
) -> Came
where
    S: Commit<E>,
    E: Effect,
{
    must("a write works", commit_with(bench.store, effect, permit, Some(claim), seconds).await).into()
}

/// The claim of a request that says this, by the client's key of this number.
fn claim_of<S>(bench: &Bench<'_, S>, scope: Scope, number: u128, says: &str) -> Claim {
    let says = Fingerprint::of("POST", says, "", None);
    let key = Uuid::from_u128(KEY + number);
    must("a claim", Claims::new(&bench.root).claim(scope, key, says, &bench.random))
}

/// The same of the user of a key, in the key's account.
fn claim<S>(bench: &Bench<'_, S>, of: &KeyMade, number: u128, says: &str) -> Claim {
    claim_of(bench, Scope { account: Some(of.key.account), user: of.key.user }, number, says)
}

fn new_key<S>(bench: &Bench<'_, S>) -> CreateKey {
    let wanted =
        Wanted { grant: WantedGrant::AsMaker, expires_at: Field::Absent, allowed_ips: Field::Absent };
    CreateKey { label: "new".to_owned(), wanted, secret: must("a secret", bench.ring.mint(&bench.random)) }
}

fn labelled(key: KeyId, label: &str) -> RelabelKey {
    let (label, as_sent) = (label.to_owned(), key.to_string());
    RelabelKey { key: Some(key), as_sent, conditions: Preconditions::NONE, label }
}

fn invitation(email: &str) -> Invite {
    Invite { uuid: format!("uuid of {email}"), email: email.to_owned(), role: Role::Viewer }
}

async fn label<S: IdentityStore>(bench: &Bench<'_, S>, key: KeyId) -> Option<String> {
    must("a key is read", bench.store.key(key).await).map(|key| key.label)
}

/// How many keys the account has that were not revoked.
async fn keys<S: IdentityStore>(bench: &Bench<'_, S>) -> usize {
    must("the keys", bench.store.keys(Some(bench.account), KeyId(0), 100).await).items.len()
}

/// Against a store that does it again, or that makes the answer of the second request's id and time.
pub(super) async fn a_write_that_is_repeated_is_done_once_and_answered_byte_for_byte<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let requests = [Uuid::from_u128(1), Uuid::from_u128(2)];
    let ask = async |request_id: Uuid, seconds| -> Came {
        let context = Context { request_id, address: None, origin_app: "contract".to_owned() };
        let claim = Some(claim(bench, &bench.admin, 0, "/team"));
        let permit = bench.permit(&bench.admin);
        let written = bench.store.commit(
            invitation("new@acme.example"),
            permit,
            context,
            claim,
            At::Fixed(at(seconds)),
        );
        must("a write works", written.await).into()
    };
    let [first_request, second_request] = requests;
    let first = ask(first_request, 0).await.done("it is done");
    let told = String::from_utf8_lossy(&first.body).contains(&first_request.to_string());
    assert!(told, "an answer names its request");
    for seconds in [100, 200] {
        let again = ask(second_request, seconds).await;
        assert_eq!(again, Came::Before(first.clone()), "the answer of then, with the request's id of then");
    }
    let rows = async |request: Uuid| must("its rows", bench.store.audit_of(request.to_string()).await).len();
    assert_eq!(rows(first_request).await, 1, "a write leaves a row in the audit trail");
    assert_eq!(rows(second_request).await, 0, "and its repetition none");
    let permit = bench.permit::<ReadAccount>(&bench.admin);
    let listed = bench.store.list_team(&permit, super::first_page(), at(INVITATION_SECONDS)).await;
    assert_eq!(must("the team", listed).items.len(), 2, "the invitation did not begin its week again");
}

/// Against a store that writes the old state over what came after, or answers with the state of now.
pub(super) async fn a_repetition_leaves_what_came_after_and_answers_as_then<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let key = bench.admin.key.id;
    let permit = || bench.permit::<LabelKeys>(&bench.admin);
    let relabel = async || {
        ask(bench, labelled(key, "first"), permit(), claim(bench, &bench.admin, 0, "/first"), 0).await
    };
    let first = relabel().await.done("a label is changed");
    assert!(first.etag.is_some(), "it has an ETag");
    must("it is changed again", commit(bench.store, labelled(key, "later"), permit(), 1).await);
    assert_eq!(relabel().await, Came::Before(first), "with the ETag of then");
    assert_eq!(label(bench, key).await.as_deref(), Some("later"), "and what came after stays");

    let viewer = bench.viewer.key.id;
    let revoke = async || {
        let effect = RevokeKey { key: Some(viewer), as_sent: viewer.to_string(), descendants: false };
        let claim = claim(bench, &bench.admin, 1, "/revoke");
        ask(bench, effect, bench.permit(&bench.admin), claim, 0).await
    };
    let first = revoke().await.done("a key is revoked");
    assert_eq!(revoke().await, Came::Before(first), "also where what it was about has ended by it");
}

/// Against a store that looks a record up by its name alone, and answers another request with it.
pub(super) async fn a_claim_that_said_something_else_is_refused_and_changes_nothing<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let (key, count) = (bench.admin.key.id, keys(bench).await);
    let relabel = async |says: &str| {
        let claim = claim(bench, &bench.admin, 0, says);
        ask(bench, labelled(key, says), bench.permit(&bench.admin), claim, 0).await
    };
    let first = relabel("one").await.done("a label is changed");
    assert_eq!(relabel("two").await, Came::Refused(Denial::IdempotencyKeyReused), "another request");
    let claim = claim(bench, &bench.admin, 0, "three");
    let another = ask(bench, new_key(bench), bench.permit(&bench.admin), claim, 0).await;
    assert_eq!(another, Came::Refused(Denial::IdempotencyKeyReused), "nor another kind of write");
    assert_eq!(label(bench, key).await.as_deref(), Some("one"), "the label stays");
    assert_eq!(keys(bench).await, count, "and no key is made");
    assert_eq!(relabel("one").await, Came::Before(first), "and the first request has its answer");
}

/// Against a store whose records are found by the client's key alone, or are bound to the credential that asked.
pub(super) async fn a_claim_is_of_one_user_in_one_account_whatever_credential_it_has<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let user = bench.admin.key.user;
    let (slug, name) = ("other".to_owned(), "Other".to_owned());
    let other = CreateAccount { slug, name, account_type: None, tier: Tier::Standard };
    let account = must("another account", commit(bench.store, other, operator(), 0).await);
    let member = AddMember { account, user, role: Role::Admin };
    must("the admin is a member there", commit(bench.store, member, operator(), 0).await);
    let secret = must("a secret", bench.ring.mint(&bench.random));
    let (label, grant) = ("other".to_owned(), Grant::FullAccess);
    let issue = IssueKey { account, user, label, grant, expires_at: None, allowed_ips: None, secret };
    let elsewhere = must("its key there", commit(bench.store, issue, operator(), 0).await);
    let second = must("another key here", bench.create(bench.permit(&bench.admin), 0).await);

    let make = async |by: &KeyMade| {
        ask(bench, new_key(bench), bench.permit(by), claim(bench, by, 0, "/keys"), 0).await
    };
    let mut answers = Vec::new();
    for by in [&bench.admin, &bench.viewer, &elsewhere] {
        answers.push((by, make(by).await.done("each has its own")));
    }
    for (by, answer) in answers.iter().cloned() {
        assert_eq!(make(by).await, Came::Before(answer), "and each gets its own again");
    }
    let Some((_, admins)) = answers.into_iter().next() else { panic!("answers were given") };
    assert_eq!(make(&second).await, Came::Before(admins), "by another credential of the user too");
}

/// Against a store that looks whether there is a record and then writes, with room for another in between.
pub(super) async fn of_two_repetitions_at_the_same_time_one_is_done<S: IdentityStore>(bench: &Bench<'_, S>) {
    let before = keys(bench).await;
    let rounds = 6;
    for round in 0..rounds {
        let make = async || {
            let claim = claim(bench, &bench.admin, round, "/keys");
            ask(bench, new_key(bench), bench.permit(&bench.admin), claim, 0).await
        };
        let came = both(make(), make()).await;
        let (answer, other) = match came {
            (Came::Done(answer), other) | (other, Came::Done(answer)) => (answer, other),
            neither => panic!("one is done: {neither:?}"),
        };
        let waits = other == Came::Refused(Denial::IdempotencyInProgress);
        assert!(
            waits || other == Came::Before(answer.clone()),
            "the other waits, or has its answer: {other:?}"
        );
        assert_eq!(make().await, Came::Before(answer), "and then has it");
    }
    let made = u128::try_from(keys(bench).await - before);
    assert_eq!(made, Ok(rounds), "none is done twice");
}

/// Against a store that takes a write back, or keeps its claim for itself, when its caller has left.
pub(super) async fn a_write_that_was_begun_goes_on_though_its_caller_has_left<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let before = keys(bench).await;
    let make = async || {
        let claim = claim(bench, &bench.admin, 0, "/keys");
        ask(bench, new_key(bench), bench.permit(&bench.admin), claim, 0).await
    };
    begun(make()).await;
    loop {
        match make().await {
            Came::Refused(Denial::IdempotencyInProgress) => {}
            Came::Before(_) => break,
            other => panic!("the first one has done it: {other:?}"),
        }
    }
    assert_eq!(keys(bench).await, before + 1, "it is done once");
}

/// Against a store that answers before it looks whether the credential still has the right to the write.
pub(super) async fn an_answer_is_not_given_again_to_one_who_lost_the_right_to_it<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let viewer = &bench.viewer;
    let set = async |role| {
        let effect = SetRole { account: bench.account, user: viewer.key.user, role };
        must("a role is set", commit(bench.store, effect, operator(), 0).await);
    };
    let invite = async |permit: Permit<ManageTeam>| {
        ask(bench, invitation("new@acme.example"), permit, claim(bench, viewer, 0, "/team"), 0).await
    };
    set(Role::Admin).await;
    let first = invite(bench.permit(viewer)).await.done("an admin invites");
    let [late, later, last] = [(); 3].map(|()| bench.permit(viewer));
    set(Role::Viewer).await;
    assert_eq!(
        invite(late).await,
        Came::Refused(Denial::RoleMissing(Role::Admin)),
        "a viewer sees no answer"
    );
    set(Role::Admin).await;
    assert_eq!(invite(later).await, Came::Before(first), "nothing of it was lost");
    must("its key is revoked", bench.revoke(operator(), viewer.key.id).await);
    assert_eq!(invite(last).await, Came::Refused(Denial::KeyRevoked), "a dead key sees no answer");
}

/// Against a store that answers without looking at what the answer is about.
pub(super) async fn an_answer_about_what_its_owner_no_longer_has_is_not_given_again<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let made = must("a key", bench.create(bench.permit(&bench.viewer), 0).await);
    let relabel = async || {
        let claim = claim(bench, &bench.viewer, 0, "/label");
        ask(bench, labelled(made.key.id, "mine"), bench.permit(&bench.viewer), claim, 0).await
    };
    let first = relabel().await.done("a label is changed");
    assert_eq!(relabel().await, Came::Before(first), "while there is the key");
    must("the key is revoked", bench.revoke(bench.permit(&bench.admin), made.key.id).await);
    let gone = Denial::not_found("API key", &made.key.id.to_string());
    assert_eq!(relabel().await, Came::Refused(gone), "and no longer");
}

/// Against a store that keeps a record of what was not done: then the client could not correct its request, or try again later.
pub(super) async fn a_refused_write_leaves_its_claim_free<S: IdentityStore>(bench: &Bench<'_, S>) {
    let relabel = async |key: KeyId, says: &str| {
        let claim = claim(bench, &bench.viewer, 0, says);
        ask(bench, labelled(key, says), bench.permit(&bench.viewer), claim, 0).await
    };
    let refused = relabel(bench.admin.key.id, "theirs").await;
    assert!(matches!(refused, Came::Refused(Denial::NotFound { .. })), "another's key: {refused:?}");
    let again = relabel(bench.admin.key.id, "theirs").await;
    assert_eq!(again, refused, "the same again is judged again");
    let first = relabel(bench.viewer.key.id, "mine").await.done("another request may have the claim");
    assert_eq!(relabel(bench.viewer.key.id, "mine").await, Came::Before(first), "and keeps it");
}

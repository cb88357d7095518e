//! A clock that showed a wrong future, and that the operator accepts when it is right again.

use super::people::{consents, in_person, signs_in, user, with_password};
use crate::START;
use crate::contract::{Bench, IdentityStore, at, commit, must};
use keyward_core::clock::{At, Timestamp};
use keyward_core::denial::Denial;
use keyward_core::effect::{Context, Ended};
use keyward_core::grant::Grant;
use keyward_core::id::{KeyId, UserId};
use keyward_core::oauth::GrantId;
use keyward_core::opaque::TokenDigest;
use keyward_core::permit::{EndSignIns, Permit, operator};
use keyward_core::role::Role;
use keyward_core::secret::Secret;
use keyward_core::session::LinkKind;
use keyward_core::signing::SealedKey;
use keyward_core::write::clock::{AcceptClock, ClockAccepted};
use keyward_core::write::invitation::InviteByOperator;
use keyward_core::write::key::{IssueKey, KeyMade, RotateKey};
use keyward_core::write::link::IssueLink;
use keyward_core::write::signing_key::AddSigningKey;
use uuid::Uuid;

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// How far the clock was wrong, in seconds: ten years.
const WRONG: i64 = 3_650 * DAY;

/// What the store's own clock shows, in seconds since the start.
pub(in crate::contract) fn shown<S: IdentityStore>(bench: &Bench<'_, S>) -> i64 {
    bench.store.directory().clock().wall().unix() - START
}

/// The store's clock shows this for a moment. When it is looked at next it is right again.
pub(in crate::contract) fn shows<S: IdentityStore>(bench: &Bench<'_, S>, seconds: i64) {
    bench.store.directory().clock().read(at(seconds));
}

/// The operator says that the clock is right, at a moment of the store's own.
pub(in crate::contract) async fn accept<S: IdentityStore>(
    bench: &Bench<'_, S>,
    to: Timestamp,
) -> ClockAccepted {
    let context = Context { request_id: Uuid::nil(), address: None, origin_app: "contract".to_owned() };
    let ended = bench.store.commit(AcceptClock { to }, operator(), context, None, At::Store).await;
    let Ended::Done(done, _) = must("a commit works", ended) else { panic!("it is not refused") };
    done
}

async fn issue<S: IdentityStore>(bench: &Bench<'_, S>, lives: Option<i64>, seconds: i64) -> KeyMade {
    let key = IssueKey {
        account: bench.account,
        user: bench.viewer.key.user,
        label: "a key".to_owned(),
        grant: Grant::FullAccess,
        expires_at: lives.map(|lives| at(seconds + lives)),
        allowed_ips: None,
        secret: must("a secret", bench.ring.mint(&bench.random)),
    };
    must("a key", commit(bench.store, key, operator(), seconds).await)
}

/// Somebody is invited; who.
async fn invite<S: IdentityStore>(bench: &Bench<'_, S>, name: &str, seconds: i64) -> UserId {
    let (uuid, email) = (format!("uuid of {name}"), format!("{name}@acme.example"));
    let effect = InviteByOperator { uuid, email, account: bench.account, role: Role::Viewer };
    must("an invitation", commit(bench.store, effect, operator(), seconds).await).0
}

async fn is_invited<S: IdentityStore>(bench: &Bench<'_, S>, user: UserId, seconds: i64) -> bool {
    let known = bench.store.directory().read().invitations_of(user, at(seconds)).count() > 0;
    let details = must("details", bench.store.user_details(user, at(seconds)).await);
    let written = details.is_some_and(|details| !details.invitations.is_empty());
    assert_eq!(known, written, "what is known of an invitation is what is written");
    known
}

/// Against a store that ends too much: what was made before the wrong time, or has no end to be counted from it.
pub(in crate::contract) async fn of_the_keys_of_a_wrong_time_those_with_an_end_are_revoked<
    S: IdentityStore,
>(
    bench: &Bench<'_, S>,
) {
    let now = shown(bench);
    let before = issue(bench, Some(2 * DAY), now).await;
    shows(bench, now + WRONG);
    let lasting = issue(bench, None, now + WRONG).await;
    let ending = issue(bench, Some(DAY), now + WRONG).await;
    let over = issue(bench, Some(DAY), now + 1).await;
    must("one ends by itself", bench.revoke(operator(), over.key.id).await);
    let done = accept(bench, at(now)).await;
    assert_eq!(done.keys, [ending.key.id], "those with an end, and not what had ended");
    assert_eq!(
        (done.from, done.to, done.unread),
        (at(now + WRONG), at(now), false),
        "the time is taken back"
    );
    let refused = bench.admit(&ending.secret, now + 1).err();
    assert_eq!(refused, Some(Denial::KeyRevoked), "it would have lived for ten years");
    let written = must("the key", bench.store.key(ending.key.id).await).and_then(|key| key.revoked_at);
    assert_eq!(written, Some(at(now)), "by the time that is right");
    for key in [&before, &lasting, &bench.admin] {
        must("every other key lives", bench.admit(&key.secret, now + 1));
    }
    let clock = bench.store.directory().clock();
    assert_eq!((clock.is_behind(), clock.newest()), (false, at(now)), "the clock is right from now on");
    let again = accept(bench, at(now)).await;
    assert_eq!((again.from, again.to, again.keys), (at(now), at(now), Vec::<KeyId>::new()), "once");
}

/// A key with a secret that was replaced, at a moment, and has its grace for a day.
async fn rotated<S: IdentityStore>(bench: &Bench<'_, S>, seconds: i64) -> (KeyMade, Secret) {
    let made = issue(bench, None, seconds).await;
    let (key, secret) = (made.key.id, must("a secret", bench.ring.mint(&bench.random)));
    let effect = RotateKey { key: Some(key), as_sent: key.to_string(), grace_seconds: DAY, secret };
    let rotated = must("a rotation", commit(bench.store, effect, operator(), seconds).await);
    (made, rotated.secret)
}

/// What was given at one moment, one of each kind.
struct Given {
    session: String,
    grant: GrantId,
    guest: UserId,
    link: String,
    key: (KeyMade, Secret),
}

impl Given {
    async fn at<S: IdentityStore>(
        bench: &Bench<'_, S>,
        password: &(Secret, Secret),
        (name, seconds): (&str, i64),
    ) -> Self {
        let session = format!("session {name}");
        signs_in(bench, password, &session, seconds).await;
        let grant = consents(bench, (&session, "app", seconds), (Some(bench.account), true)).await;
        let (guest, link) = (invite(bench, name, seconds).await, format!("link {name}"));
        let whose = user(bench, &format!("user {name}")).await;
        let effect = IssueLink { user: whose, kind: LinkKind::Reset, digest: TokenDigest::of(&link) };
        must("a link", commit(bench.store, effect, operator(), seconds).await);
        Self { session, grant, guest, link, key: rotated(bench, seconds).await }
    }

    /// Which of them hold at a moment, by name.
    async fn hold<S: IdentityStore>(&self, bench: &Bench<'_, S>, seconds: i64) -> Vec<&'static str> {
        let session: Result<Permit<EndSignIns>, _> = in_person(bench, &self.session, seconds);
        let link = bench.store.link(TokenDigest::of(&self.link), at(seconds)).await;
        let grant = bench.store.directory().read().grant(self.grant).is_some();
        let all = [
            ("session", session.is_ok()),
            ("grant", grant),
            ("invitation", is_invited(bench, self.guest, seconds).await),
            ("link", must("a look-up", link).is_some()),
            ("secret in its grace", bench.admit(&self.key.0.secret, seconds).is_ok()),
            ("secret", bench.admit(&self.key.1, seconds).is_ok()),
        ];
        all.into_iter().filter(|(_, holds)| *holds).map(|(name, _)| name).collect()
    }
}

/// Against a store that leaves what people and applications were given then as it is: it would live on by as much as is taken back.
/// People give something while the clock is right, so it is an earlier time that is accepted.
pub(in crate::contract) async fn what_was_given_in_a_wrong_time_is_over_and_what_was_before_stays<
    S: IdentityStore,
>(
    bench: &Bench<'_, S>,
) {
    let wrong = shown(bench);
    let (before, right) = (wrong - 3 * HOUR, wrong - 2 * HOUR);
    let password = with_password(bench).await;
    let stays = Given::at(bench, &password, ("before", before)).await;
    let ends = Given::at(bench, &password, ("then", wrong)).await;
    let key = SealedKey {
        id: 0,
        kid: "k1".into(),
        sealed: vec![1; 3].into(),
        nonce: [1; 12],
        version: 1,
        created_at: at(wrong),
        signs_from: at(wrong + DAY),
    };
    must("a signing key", commit(bench.store, AddSigningKey { key, alone: false }, operator(), wrong).await);
    let all = ["session", "grant", "invitation", "link", "secret in its grace", "secret"];
    let hold = (stays.hold(bench, wrong).await, ends.hold(bench, wrong).await);
    assert_eq!(hold, (all.to_vec(), all.to_vec()), "each holds at first");

    shows(bench, wrong + HOUR);
    accept(bench, at(right)).await;
    assert_eq!(ends.hold(bench, right + 1).await, ["secret"], "what was given then is over");
    assert_eq!(stays.hold(bench, right + 1).await, all, "what was given before is not");
    let refused = bench.admit(&ends.key.0.secret, right + 1).err();
    assert_eq!(refused, Some(Denial::KeyRotated), "the secret is over, and not its key");
    let begins: Vec<Timestamp> =
        bench.store.directory().read().signing_keys().iter().map(|key| key.signs_from).collect();
    assert_eq!(begins, [at(right)], "a signing key does not wait until that time");
}

/// Against a store that takes back what the operator says, whatever its clock shows.
pub(in crate::contract) async fn a_clock_that_is_right_takes_nothing_back<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let now = shown(bench);
    let key = issue(bench, Some(DAY), now + 60).await;
    let guest = invite(bench, "guest", now + 60).await;
    let newest = bench.store.directory().clock().newest();
    let done = accept(bench, at(now - DAY)).await;
    assert_eq!((done.from, done.to), (newest, newest), "it stays the time that it is");
    assert_eq!((done.keys, done.unread), (Vec::new(), false), "and ends nothing");
    assert_eq!(bench.store.directory().clock().newest(), newest, "nor is it known otherwise");
    must("a key of a minute ahead lives", bench.admit(&key.secret, now + 60));
    assert!(is_invited(bench, guest, now + 60).await, "and so does an invitation");
    // Nobody takes the time further than the clock says.
    shows(bench, now + WRONG);
    let done = accept(bench, at(now + 2 * WRONG)).await;
    assert_eq!(done.to, at(now + WRONG), "it is not set to what no clock has shown");
}

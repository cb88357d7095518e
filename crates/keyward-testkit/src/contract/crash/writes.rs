//! The writes that a crash ends, as a client sends them and repeats them.

use crate::SeededRandom;
use crate::contract::accounts::people::{
    LIVES, account, bearer, consents, in_person, member, signs_in, token as verified, with_password,
};
use crate::contract::{Bench, IdentityStore, at, commit, must};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keyward_core::api_key::{NewSecret, Wanted, WantedGrant};
use keyward_core::clock::At;
use keyward_core::effect::{Answer, Commit, Context, Effect, Ended};
use keyward_core::id::UserId;
use keyward_core::idempotency::{Claim, Claims, Fingerprint, Scope};
use keyward_core::input::Field;
use keyward_core::jwt::Verified;
use keyward_core::oauth::refresh::{Presented, RefreshTokens};
use keyward_core::oauth::{Client, ClientOrigin, GRACE_SECONDS, GrantId};
use keyward_core::opaque::TokenDigest;
use keyward_core::permit::{Permit, Presented as What, check, operator, present};
use keyward_core::preconditions::Preconditions;
use keyward_core::role::Role;
use keyward_core::write::active_account::ChooseAccount;
use keyward_core::write::erasing::EraseUser;
use keyward_core::write::grant::{RedeemCode, RefreshGrant};
use keyward_core::write::identity::LinkIdentity;
use keyward_core::write::key::{CreateKey, RelabelKey, RevokeKey, RotateKey};
use keyward_core::write::session::EndSession;
use keyward_core::write::team::{ChangeRole, Dismiss, Invite};
use std::sync::Arc;
use uuid::Uuid;

/// The writes that a crash ends.
pub const WRITES: &[&str] = &[
    "create a key",
    "rotate a key",
    "relabel a key",
    "revoke a key",
    "invite",
    "change a role",
    "dismiss a member",
    "choose an account",
    "redeem a code",
    "refresh",
    "sign out",
    "erase a user",
];

/// Those that no client repeats with an `Idempotency-Key`: codes and tokens are good once, and the operator has none.
const UNCLAIMED: &[&str] = &["redeem a code", "refresh", "sign out", "erase a user"];

/// The client's key, of version 4.
const KEY: u128 = 0x550e_8400_e29b_41d4_a716_4466_5544_0000;
/// The browser of the admin.
pub(super) const SESSION: &str = "the admin's browser";
/// The codes of the two grants. The second one is redeemed, and its first token current.
pub(super) const CODES: [&str; 2] = ["app true 0", "other app true 0"];

/// Whether a repetition is known by its `Idempotency-Key`.
pub(super) fn is_claimed(write: &str) -> bool {
    !UNCLAIMED.contains(&write)
}

/// The admin has another account and a browser, lets two applications act for it, and a token of an issuer is its own.
pub(super) async fn prepare<S: IdentityStore>(bench: &Bench<'_, S>) {
    let user = bench.admin.key.user;
    let other = account(bench, "other").await;
    member(bench, (other, user), Role::Editor).await;
    let Verified { issuer, subject, .. } = (*token()).clone();
    let link = LinkIdentity { user, issuer: issuer.to_string(), subject: subject.to_string(), linked: true };
    must("a link", commit(bench.store, link, operator(), 0).await);
    signs_in(bench, &with_password(bench).await, SESSION, 0).await;
    for app in ["app", "other app"] {
        consents(bench, (SESSION, app, 0), (Some(bench.account), true)).await;
    }
    must(
        "a code is redeemed",
        commit(bench.store, redeem("other app", CODES[1]), present(What::Client), 0).await,
    );
}

/// A token that is the admin's.
pub(super) fn token() -> Arc<Verified> {
    verified(|_| {})
}

/// The secret that a request of this number makes.
pub(super) fn secret<S>(bench: &Bench<'_, S>, number: u8) -> NewSecret {
    must("a secret", bench.ring.mint(&SeededRandom::new(100 + u64::from(number))))
}

fn redeem(app: &str, code: &str) -> RedeemCode {
    let client = Client {
        id: app.into(),
        name: format!("The application {app}"),
        redirect_uris: ["https://app.example/back".to_owned()].into(),
        origin: ClientOrigin::Operator,
        secret: None,
        refreshes: true,
        created_at: at(0),
    };
    RedeemCode {
        code: TokenDigest::of(code),
        client,
        redirect_uri: Some("https://app.example/back".to_owned()),
        verifier: "a-verifier-that-has-at-least-43-characters-in-it".to_owned(),
        resources: None,
        version: 1,
        lives: (LIVES, LIVES),
    }
}

/// Sends the request of this number; what it came to, as a text.
pub(super) async fn attempt<S: IdentityStore>(bench: &Bench<'_, S>, write: &str, number: u8) -> String {
    let request = Request { bench, write, number };
    match write {
        "create a key" | "rotate a key" | "relabel a key" | "revoke a key" => request.of_keys().await,
        "invite" | "change a role" | "dismiss a member" => request.of_team().await,
        "choose an account" => {
            let who = must("a token is admitted", bearer(bench, &token(), false));
            let permit = must("a permit", check(who));
            request.send(ChooseAccount { slug: "other".to_owned() }, permit).await
        }
        "redeem a code" => request.send(redeem("app", CODES[0]), present(What::Client)).await,
        "refresh" => request.send(request.refresh(), present(What::Client)).await,
        "sign out" => match in_person(bench, SESSION, 0) {
            Ok(permit) => request.send(EndSession, permit).await,
            Err(denial) => refused(&denial),
        },
        "erase a user" => request.send(EraseUser { user: bench.viewer.key.user }, operator()).await,
        other => panic!("there is no write {other}"),
    }
}

/// One request of a client.
struct Request<'r, 's, S> {
    bench: &'r Bench<'s, S>,
    write: &'r str,
    number: u8,
}

impl<S: IdentityStore> Request<'_, '_, S> {
    async fn of_keys(&self) -> String {
        let (bench, key) = (self.bench, self.bench.admin.key.id);
        let as_sent = key.to_string();
        match self.write {
            "create a key" => {
                let (label, grant) = ("new".to_owned(), WantedGrant::AsMaker);
                let wanted = Wanted { grant, expires_at: Field::Absent, allowed_ips: Field::Absent };
                let effect = CreateKey { label, wanted, secret: secret(bench, self.number) };
                self.send(effect, bench.permit(&bench.admin)).await
            }
            "rotate a key" => {
                let secret = secret(bench, self.number);
                let effect = RotateKey { key: Some(key), as_sent, grace_seconds: 100, secret };
                self.send(effect, bench.permit(&bench.admin)).await
            }
            "relabel a key" => {
                let (conditions, label) = (Preconditions::NONE, "another".to_owned());
                let effect = RelabelKey { key: Some(key), as_sent, conditions, label };
                self.send(effect, bench.permit(&bench.admin)).await
            }
            _ => {
                let key = bench.viewer.key.id;
                let effect = RevokeKey { key: Some(key), as_sent: key.to_string(), descendants: false };
                self.send(effect, bench.permit(&bench.admin)).await
            }
        }
    }

    async fn of_team(&self) -> String {
        let (bench, user) = (self.bench, self.bench.viewer.key.user);
        let as_sent = user.to_string();
        match self.write {
            "invite" => {
                let (uuid, email) = (format!("uuid {}", self.number), "new@acme.example".to_owned());
                let effect = Invite { uuid, email, role: Role::Editor };
                self.send(effect, bench.permit(&bench.admin)).await
            }
            "change a role" => {
                let effect = ChangeRole { user: Some(user), as_sent, role: Role::Editor };
                self.send(effect, bench.permit(&bench.admin)).await
            }
            _ => self.send(Dismiss { user: Some(user), as_sent }, bench.permit(&bench.admin)).await,
        }
    }

    fn refresh(&self) -> RefreshGrant {
        let tokens = RefreshTokens::new(&self.bench.root);
        let token = must("a token", tokens.token((GrantId(2), &[7; 16]), 1, 1).ok_or("none"));
        RefreshGrant {
            presented: must("it is read", Presented::read(token.expose()).ok_or("not")),
            client: "other app".into(),
            scopes: None,
            resources: None,
            version: 1,
            lives: LIVES,
            grace: GRACE_SECONDS,
        }
    }

    async fn send<E>(&self, effect: E, permit: Permit<E::Action>) -> String
    where
        S: Commit<E>,
        E: Effect,
    {
        let request_id = Uuid::from_u128(u128::from(self.number));
        let context = Context { request_id, address: None, origin_app: "contract".to_owned() };
        let claim = is_claimed(self.write).then(|| self.claim());
        // All at one moment: the clock of the store that is opened again is not behind it.
        let written = self.bench.store.commit(effect, permit, context, claim, At::Fixed(at(0)));
        match must("a write works", written.await) {
            Ended::Done(_, answer) => format!("done {}", text(&answer)),
            Ended::Replayed(answer) => format!("before {}", text(&answer)),
            Ended::Refused(denial) => refused(&denial),
        }
    }

    /// The same for each request.
    fn claim(&self) -> Claim {
        let scope = Scope { account: Some(self.bench.account), user: UserId(self.bench.admin.key.user.0) };
        let says = Fingerprint::of("POST", self.write, "", None);
        let random = SeededRandom::new(200 + u64::from(self.number));
        must("a claim", Claims::new(&self.bench.root).claim(scope, Uuid::from_u128(KEY), says, &random))
    }
}

fn refused(denial: &keyward_core::denial::Denial) -> String {
    format!("refused {denial:?}")
}

/// All of an answer, in one line.
fn text(answer: &Answer) -> String {
    let Answer { status, body, etag, location } = answer;
    format!("{status} {etag:?} {location:?} {}", STANDARD.encode(body))
}

//! What came of a key: it is shown, and ends with it where that is asked for. What the keys that it made have done counts as its own.

use crate::browser::{text, tokens};
use crate::mcp;
use crate::support::{Ask, Key, TestApp};
use http::Method;
use keyward_core::grant::Grant;
use keyward_core::role::Role;
use keyward_core::scope::{Scope, ScopeSet};
use keyward_core::write::member::SetRole;
use serde_json::{Value, json};

impl TestApp {
    fn by_key(&self, method: Method, path: &str, key: &Key) -> Ask<'_> {
        self.anonymous(method, path).key(key)
    }

    async fn child_of(&self, by: &Key, label: &str) -> Key {
        let body = json!({ "label": label });
        let made = self.by_key(Method::POST, "/api-keys", by).json(body).expect(201).await;
        assert_eq!(made.data()["made_by"], json!({ "kind": "api_key", "id": by.id }));
        made.new_key()
    }

    async fn rotated_by(&self, by: &Key, key: &Key, grace_seconds: i64) -> Key {
        let path = format!("/api-keys/{}/rotate", key.id);
        let body = json!({ "grace_seconds": grace_seconds });
        self.by_key(Method::POST, &path, by).json(body).expect(200).await.new_key()
    }

    /// The user.
    async fn invited_by(&self, by: &Key, email: &str, role: &str) -> i64 {
        let body = json!({ "email": email, "role": role });
        let invited = self.by_key(Method::POST, "/account/team", by).json(body).expect(201).await.data();
        assert_eq!(invited["made_by"], json!({ "kind": "api_key", "id": by.id }));
        invited["user_id"].as_i64().unwrap()
    }

    async fn role_given_by(&self, by: &Key, user: i64, role: &str) -> Value {
        let path = format!("/account/team/{user}");
        self.by_key(Method::PATCH, &path, by).json(json!({ "role": role })).expect(200).await.data()
    }

    /// Ends a key with what came of it.
    async fn ended_with_all(&self, by: &Key, key: &Key) -> Value {
        let path = format!("/api-keys/{}?descendants=true", key.id);
        self.by_key(Method::DELETE, &path, by).expect(200).await.data()
    }

    async fn open_invitations(&self) -> Vec<i64> {
        let team = self.get("/account/team?limit=200").by(&self.admin).expect(200).await.data();
        let open = team.as_array().unwrap().iter().filter(|one| one["status"] == "invited");
        open.map(|one| one["user_id"].as_i64().unwrap()).collect()
    }
}

#[tokio::test]
async fn what_a_key_made_is_shown_and_ends_with_it() {
    let app = TestApp::new().await;
    let leaked = app.key(&app.admin, Grant::FullAccess).await;
    let child = app.child_of(&leaked, "child").await;
    let grandchild = app.child_of(&child, "grandchild").await;
    let sibling = app.child_of(&app.admin.key, "sibling").await;
    // Who ended before has still made what lives.
    app.delete(&format!("/api-keys/{}", child.id)).by(&app.admin).expect(200).await;
    let guest = app.invited_by(&leaked, "guest@acme.example", "viewer").await;
    let joined = app.invited_by(&leaked, "joined@acme.example", "viewer").await;
    let token =
        app.issuer.token("auth0|joined", json!({ "email": "joined@acme.example", "email_verified": true }));
    app.get("/me").bearer(&token).expect(200).await;
    let other = app.invited_by(&sibling, "other@acme.example", "viewer").await;

    app.delete(&format!("/api-keys/{}?descendants=yes", leaked.id)).by(&app.admin).expect(400).await;
    assert_eq!(
        app.ended_with_all(&app.admin.key, &leaked).await,
        json!({ "deleted": true, "descendants": [grandchild.id], "invitations": [guest], "members": [joined] })
    );
    for key in [&leaked, &child, &grandchild] {
        app.get("/me").key(key).expect(401).await;
    }
    app.get("/me").key(&sibling).expect(200).await;
    assert_eq!(app.open_invitations().await, [other]);
    assert_eq!(
        app.ended_with_all(&app.admin.key, &leaked).await,
        json!({ "deleted": true, "descendants": [], "invitations": [], "members": [joined] })
    );
}

#[tokio::test]
async fn a_tool_ends_what_a_key_made_too() {
    let app = TestApp::new().await;
    let leaked = app.key(&app.admin, Grant::FullAccess).await;
    let child = app.child_of(&leaked, "child").await;
    let arguments = json!({ "key_id": leaked.id, "descendants": true });
    let ended = mcp::done(&app, &app.admin.key.secret, "revoke_api_key", arguments).await;
    assert_eq!(ended["result"]["descendants"], json!([child.id]), "{ended}");
    app.get("/me").key(&child).expect(401).await;
}

/// Who rotates a key has its new secret: that is another way to have a key that outlives one's own.
#[tokio::test]
async fn a_key_ends_with_the_one_that_has_given_it_its_secret() {
    let app = TestApp::new().await;
    let leaked = app.key(&app.admin, Grant::FullAccess).await;
    let accomplice = app.child_of(&leaked, "accomplice").await;
    let full = async || app.key(&app.admin, Grant::FullAccess).await;
    let (taken, by_child, in_grace, returned) = (full().await, full().await, full().await, full().await);
    let other = full().await;
    let stolen = app.rotated_by(&leaked, &taken, 0).await;
    let of_the_stolen = app.child_of(&stolen, "of the stolen").await;
    let stolen_too = app.rotated_by(&accomplice, &by_child, 0).await;
    // Rotated again by its owner: with a grace period in which the thief's secret still opens it, and without.
    let thiefs = app.rotated_by(&leaked, &in_grace, 0).await;
    let owners = app.rotated_by(&app.admin.key, &in_grace, 3600).await;
    let thiefs_too = app.rotated_by(&leaked, &returned, 0).await;
    let made_meanwhile = app.child_of(&thiefs_too, "made meanwhile").await;
    let back = app.rotated_by(&app.admin.key, &returned, 0).await;
    let other = app.rotated_by(&app.admin.key, &other, 0).await;

    let ended = app.ended_with_all(&app.admin.key, &leaked).await;
    let mut family = [accomplice.id, taken.id, by_child.id, in_grace.id, of_the_stolen.id, made_meanwhile.id];
    family.sort_unstable();
    assert_eq!(ended["descendants"], json!(family));
    for dead in
        [&leaked, &accomplice, &stolen, &of_the_stolen, &stolen_too, &thiefs, &owners, &made_meanwhile]
    {
        app.get("/me").key(dead).expect(401).await;
    }
    for alive in [&back, &other, &app.admin.key] {
        app.get("/me").key(alive).expect(200).await;
    }
}

/// What has become of a secret since hides nothing of where it came from.
#[tokio::test]
async fn keys_that_rotate_themselves_and_each_other_end_with_the_first() {
    let app = TestApp::new().await;
    let full = async || app.key(&app.admin, Grant::FullAccess).await;
    let (leaked, one, two, three) = (full().await, full().await, full().await, full().await);
    let first = app.rotated_by(&leaked, &one, 0).await;
    let itself = app.rotated_by(&first, &one, 60).await;
    let second = app.rotated_by(&itself, &two, 0).await;
    let again = app.rotated_by(&second, &one, 0).await;
    // Two of the owner's, of which one rotates the other.
    let own = app.rotated_by(&app.admin.key, &three, 0).await;
    assert_eq!(app.ended_with_all(&app.admin.key, &leaked).await["descendants"], json!([one.id, two.id]));
    for dead in [&first, &itself, &second, &again] {
        app.get("/me").key(dead).expect(401).await;
    }
    app.get("/me").key(&own).expect(200).await;
}

#[tokio::test]
async fn who_was_given_a_higher_role_is_named_and_stays() {
    let app = TestApp::new().await;
    let leaked = app.key(&app.admin, Grant::FullAccess).await;
    let child = app.child_of(&leaked, "child").await;
    let (viewer, editor) = (app.viewer.user.0, app.editor.user.0);
    app.role_given_by(&leaked, viewer, "editor").await;
    // What the operator raises is the operator's.
    let raised = app.someone("raised", app.acme, Role::Viewer).await;
    app.role_given_by(&leaked, raised.user.0, "editor").await;
    app.operate(SetRole { account: app.acme, user: raised.user, role: Role::Admin }).await;
    // Lowered is not raised; and what one raised who is family counts too.
    app.role_given_by(&leaked, editor, "viewer").await;
    let friend = app.someone("friend", app.acme, Role::Viewer).await;
    app.role_given_by(&child, friend.user.0, "admin").await;
    let ended = app.ended_with_all(&app.admin.key, &leaked).await;
    let mut named = [viewer, friend.user.0];
    named.sort_unstable();
    assert_eq!(ended["members"], json!(named), "{ended}");
    let team = app.get("/account/team?limit=200").by(&app.admin).expect(200).await.data();
    let role = |user: i64| {
        team.as_array().unwrap().iter().find(|one| one["user_id"] == user).unwrap()["role"].clone()
    };
    assert_eq!((role(viewer), role(friend.user.0)), (json!("editor"), json!("admin")));
}

#[tokio::test]
async fn a_key_that_ends_itself_ends_what_came_of_it_if_it_could_end_that_one_by_one() {
    let app = TestApp::new().await;
    // A viewer's key reaches its user's own keys.
    let child = app.child_of(&app.viewer.key, "child").await;
    assert_eq!(app.ended_with_all(&app.viewer.key, &app.viewer.key).await["descendants"], json!([child.id]));
    app.get("/me").key(&child).expect(401).await;

    // What may end nothing but itself does not look for others, and does not say that there are none.
    let only_itself = json!({ "deleted": true });
    let narrow = app.scoped(&app.admin, &[Scope::DealsRead]).await;
    assert_eq!(app.ended_with_all(&narrow, &narrow).await, only_itself);
    app.get("/me").key(&narrow).expect(401).await;
    let old = app.key(&app.admin, Grant::FullAccess).await;
    let child = app.child_of(&old, "child").await;
    app.rotated_by(&app.admin.key, &old, 3600).await;
    assert_eq!(app.ended_with_all(&old, &old).await, only_itself, "a secret in its grace");
    app.get("/me").key(&child).expect(200).await;
    app.get("/me").key(&old).expect(401).await;
    // And by a credential that may, the rest ends afterwards.
    assert_eq!(app.ended_with_all(&app.admin.key, &old).await["descendants"], json!([child.id]));
}

/// Inviting and raising an open invitation are one right: it ends with whose decision the role is.
#[tokio::test]
async fn an_open_invitation_that_is_raised_is_that_of_who_raised_it() {
    let app = TestApp::new().await;
    let second = app.someone("second", app.acme, Role::Admin).await;
    let guests = async |name: &str| {
        let mut users = Vec::new();
        for how in ["raised", "again", "lowered"] {
            users.push(app.invited_by(&app.admin.key, &format!("{how}-{name}@acme.example"), "editor").await);
        }
        users
    };
    let change = async |by: &Key, name: &str, users: &[i64]| {
        let raised = app.role_given_by(by, users[0], "admin").await;
        assert_eq!(raised["made_by"], json!({ "kind": "api_key", "id": by.id }));
        assert_eq!(app.invited_by(by, &format!("again-{name}@acme.example"), "admin").await, users[1]);
        let lowered = app.role_given_by(by, users[2], "viewer").await;
        assert_eq!(lowered["made_by"], json!({ "kind": "api_key", "id": app.admin.key.id }));
    };
    let users = guests("one").await;
    change(&second.key, "one", &users).await;
    assert_eq!(app.open_invitations().await, users);
    app.role_given_by(&app.admin.key, second.user.0, "viewer").await;
    assert_eq!(
        app.open_invitations().await,
        [users[2]],
        "a right that is lost takes with it what it has raised"
    );
    app.role_given_by(&app.admin.key, second.user.0, "admin").await;
    assert_eq!(app.open_invitations().await, [users[2]], "and the role does not bring it back");

    let leaked = app.key(&second, Grant::FullAccess).await;
    let users = guests("two").await;
    change(&leaked, "two", &users).await;
    let ended = app.ended_with_all(&app.admin.key, &leaked).await;
    assert_eq!(ended["invitations"], json!(users[..2]), "{ended}");
    assert_eq!(app.open_invitations().await.last(), Some(&users[2]));
}

/// By a token that names every scope, it is the token's grant.
#[tokio::test]
async fn a_token_that_raises_an_open_invitation_is_named() {
    let app = TestApp::new().await;
    let granted = tokens(&app, "admin", &[("scope", &ScopeSet::all().names().join(" "))]).await;
    let user = app.invited_by(&app.admin.key, "guest@acme.example", "viewer").await;
    let ask = app.patch(&format!("/account/team/{user}")).bearer(text(&granted, "access_token"));
    let raised = ask.json(json!({ "role": "admin" })).expect(200).await.data();
    assert_eq!(raised["made_by"]["kind"], "grant");
}

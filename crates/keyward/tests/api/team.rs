//! What admins do with the account's team.

use super::support::TestApp;
use keyward_core::clock::Clock;
use keyward_core::id::UserId;
use keyward_core::role::Role;
use keyward_core::store::Upkeep;
use keyward_core::team::INVITATION_SECONDS;
use keyward_core::write::disabling::SetUserDisabled;
use serde_json::{Value, json};

#[tokio::test]
async fn an_admin_invites_and_the_invitation_is_on_the_list_for_a_week() {
    let app = TestApp::new().await;
    let invite = |body: Value| app.post("/account/team").by(&app.admin).json(body);
    let made = invite(json!({"email": "Sam@Acme.Example", "role": "editor"})).expect(201).await.data();
    assert_eq!(
        made,
        json!({"user_id": 6, "first_name": null, "last_name": null, "email": "sam@acme.example", "role": "editor",
               "photo_url": null, "status": "invited", "made_by": {"kind": "api_key", "id": app.admin.key.id}})
    );
    let listed = async || {
        let listed = app.get("/account/team").by(&app.viewer).expect(200).await.data();
        listed.as_array().unwrap().last().unwrap().clone()
    };
    assert_eq!(listed().await, made);
    app.clock.advance(INVITATION_SECONDS);
    assert_ne!(listed().await, made, "a week later it is gone");
    let again = invite(json!({"email": "sam@acme.example", "role": "viewer"})).expect(201).await.data();
    assert_eq!(
        (&again["user_id"], &again["role"]),
        (&json!(6), &json!("viewer")),
        "the same person, a new week"
    );
    // Who is known elsewhere is not told of.
    let known = invite(json!({"email": "stranger@acme.example", "role": "viewer"})).expect(201).await.data();
    assert_eq!((&known["user_id"], &known["first_name"]), (&json!(app.stranger.user), &json!(null)));
    app.get("/deals").by(&app.stranger).header("x-active-account", "acme").expect(403).await;
    for (body, message) in [
        (json!({"email": "viewer@acme.example", "role": "viewer"}), "email is that of a member already"),
        (
            json!({"email": "nobody", "role": "viewer"}),
            "email must be an e-mail address such as name@example.com",
        ),
        (
            json!({"email": "a@b.example", "role": "owner"}),
            "Invalid value for field 'role': must be one of [admin, editor, viewer]",
        ),
        (json!({"email": "a@b.example"}), "role is required"),
    ] {
        invite(body).refused(422, "VALIDATION_ERROR", message).await;
    }
}

#[tokio::test]
async fn a_role_holds_from_the_next_request_and_a_dismissal_ends_every_key() {
    let app = TestApp::new().await;
    let role = |of: &super::support::Persona, role: &str| {
        app.patch(&format!("/account/team/{}", of.user)).by(&app.admin).json(json!({"role": role}))
    };
    app.post("/deals").by(&app.viewer).json(json!({"title": "x"})).expect(403).await;
    assert_eq!(role(&app.viewer, "editor").expect(200).await.data()["role"], "editor");
    app.post("/deals").by(&app.viewer).json(json!({"title": "x"})).expect(201).await;
    let path = format!("/account/team/{}", app.both.user);
    assert_eq!(app.delete(&path).by(&app.admin).expect(200).await.data(), json!({"deleted": true}));
    app.get("/me")
        .by(&app.both)
        .refused(401, "UNAUTHORIZED", "Invalid or expired authentication token")
        .await;
    let message = format!("Team member with id {} not found", app.both.user);
    app.delete(&path).by(&app.admin).refused(404, "NOT_FOUND", &message).await;
    app.patch(&path).by(&app.admin).json(json!({"role": "viewer"})).refused(404, "NOT_FOUND", &message).await;
}

#[tokio::test]
async fn the_last_admin_stays() {
    let app = TestApp::new().await;
    let message = "The account must keep an active admin: make someone else an admin first";
    let own = format!("/account/team/{}", app.admin.user);
    app.delete(&own).by(&app.admin).refused(422, "VALIDATION_ERROR", message).await;
    app.patch(&own)
        .by(&app.admin)
        .json(json!({"role": "viewer"}))
        .refused(422, "VALIDATION_ERROR", message)
        .await;
    let editor = format!("/account/team/{}", app.editor.user);
    app.patch(&editor).by(&app.admin).json(json!({"role": "admin"})).expect(200).await;
    app.delete(&own).by(&app.admin).expect(200).await;
    app.get("/me").by(&app.admin).expect(401).await;
    app.delete(&editor).by(&app.editor).refused(422, "VALIDATION_ERROR", message).await;
}

#[tokio::test]
async fn only_admins_and_only_with_the_scope() {
    let app = TestApp::new().await;
    let invite = |key: &str| {
        app.post("/account/team").bearer(key).json(json!({"email": "sam@acme.example", "role": "viewer"}))
    };
    for persona in [&app.editor, &app.viewer] {
        let refused = invite(&persona.key.secret).refused(403, "FORBIDDEN", "Requires role: admin").await;
        assert_eq!(refused.header("www-authenticate"), None, "no scope would help");
    }
    let narrow = app.scoped(&app.admin, &[keyward_core::scope::Scope::AccountRead]).await;
    let refused =
        invite(&narrow.secret).refused(403, "FORBIDDEN", "Missing required scope: account:write").await;
    assert!(refused.header("www-authenticate").unwrap().contains("insufficient_scope"));
    let before = app.get("/account/team").by(&app.admin).expect(200).await.json();
    assert_eq!(before["pagination"]["total"], 4, "nobody was invited");
}

#[tokio::test]
async fn an_invitation_ends_with_its_inviters_right_to_invite() {
    for ending in ["demoted", "removed", "disabled"] {
        let app = TestApp::new().await;
        let second = app.someone("second", app.admin.account, Role::Admin).await;
        let invite = |who: &str, by: &super::support::Persona| {
            app.post("/account/team")
                .by(by)
                .json(json!({"email": format!("{who}@acme.example"), "role": "admin"}))
        };
        let guest = invite("guest", &second).expect(201).await.data()["user_id"].clone();
        // Of another admin; and one that another admin has taken over.
        invite("other", &app.admin).expect(201).await;
        invite("both", &second).refused(422, "VALIDATION_ERROR", "email is that of a member already").await;
        invite("again", &second).expect(201).await;
        invite("again", &app.admin).expect(201).await;
        let path = format!("/account/team/{}", second.user);
        match ending {
            "demoted" => {
                app.patch(&path).by(&app.admin).json(json!({"role": "editor"})).expect(200).await;
                app.patch(&path).by(&app.admin).json(json!({"role": "admin"})).expect(200).await;
            }
            "removed" => drop(app.delete(&path).by(&app.admin).expect(200).await),
            _ => {
                app.operate(SetUserDisabled { user: second.user, disabled: true }).await;
                app.operate(SetUserDisabled { user: second.user, disabled: false }).await;
            }
        }
        let team = app.get("/account/team?limit=100").by(&app.admin).expect(200).await.data();
        let invited: Vec<_> =
            team.as_array().unwrap().iter().filter(|one| one["status"] == "invited").collect();
        let emails: Vec<_> = invited.iter().map(|one| one["email"].as_str().unwrap()).collect();
        assert_eq!(emails, ["other@acme.example", "again@acme.example"], "{ending}");
        let guest = UserId(guest.as_i64().unwrap());
        let open = app.store.directory().read().invitations_of(guest, app.clock.now()).count();
        assert_eq!(open, 0, "{ending}");
    }
}

//! In which account a token acts where its request names none: never in one that was not meant.

use crate::jwt::rows_of;
use crate::support::TestApp;
use keyward_core::account::Account;
use keyward_core::live::Change;
use keyward_core::role::Role;
use serde_json::json;

#[tokio::test]
async fn without_a_client_nothing_is_chosen_and_no_choice_is_followed() {
    let app = TestApp::of_issuer(|entry| {
        entry.accept_typ = vec![keyward_core::jwt::Typ::Jwt, keyward_core::jwt::Typ::AccessToken];
    })
    .await;
    app.link(app.both.user, "both").await;
    let mut claims = app.issuer.claims("both");
    claims["scope"] = json!("openid");
    let with_client = app.issuer.key().token(&claims);
    claims.as_object_mut().unwrap().remove("client_id");
    let key = app.issuer.key();
    let without = key.token_of(&key.header("JWT").to_string(), &claims.to_string());
    let choose =
        |token: &str| app.patch("/me/active-account").bearer(token).json(json!({ "slug": "harbor" }));
    let refused = choose(&without).expect(422).await;
    assert!(refused.message().contains("X-Active-Account"), "the way out: {}", refused.text());
    assert!(rows_of(&app.database(), "SELECT client FROM active_accounts").is_empty());
    app.get("/deals").bearer(&without).expect(400).await;
    app.get("/deals").bearer(&without).header("x-active-account", "acme").expect(200).await;
    // What another client has chosen moves this one nowhere.
    choose(&with_client).expect(200).await;
    app.get("/deals").bearer(&with_client).expect(200).await;
    app.get("/deals").bearer(&without).expect(400).await;
}

#[tokio::test]
async fn while_a_membership_is_left_out_the_other_is_not_the_only_one() {
    let app = TestApp::new().await;
    app.link(app.both.user, "both").await;
    let token = app.issuer.token("both", json!({}));
    let publish = |change| app.app.directory().publish(vec![change]);
    let harbor: Account = app.app.directory().read().account(app.harbor).unwrap().clone();
    let (account, user) = (app.harbor, app.both.user);
    let left_out = [
        ("the account is disabled", Change::Account(Account { disabled: true, ..harbor.clone() })),
        ("the role cannot be read", Change::MemberUnread(account, user)),
    ];
    for (why, change) in left_out {
        if matches!(change, Change::MemberUnread(..)) {
            publish(Change::Member(account, user, None));
        }
        publish(change);
        app.get("/deals").bearer(&token).expect(400).await;
        let me = app.get("/me").bearer(&token).expect(200).await.data();
        assert!(me.get("account").is_none(), "{why}: {me}");
        app.get("/deals").bearer(&token).header("x-active-account", "acme").expect(200).await;
        app.get("/deals").bearer(&token).header("x-active-account", "harbor").expect(403).await;
        publish(Change::Account(harbor.clone()));
        publish(Change::Member(account, user, Some(Role::Viewer)));
    }
    // Once it is gone, the other one is the only one.
    publish(Change::Member(account, user, None));
    app.get("/deals").bearer(&token).expect(200).await;
}

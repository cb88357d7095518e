//! People who come with a token of an outside issuer: what they may do, in which account, and since when no more.

use crate::issuer::ISSUER;
use crate::support::{Persona, TestApp};
use http::Method;
use keyward_core::address::ClientAddress;
use keyward_core::jwt::Link;
use keyward_core::role::Role;
use keyward_core::write::disabling::SetUserDisabled;
use keyward_core::write::identity::LinkIdentity;
use keyward_core::write::member::{AddMember, RemoveMember, SetRole};
use keyward_core::write::user::CreateUser;
use keyward_testkit::START;
use serde_json::{Value, json};

const BAD: &str = "Invalid or expired authentication token";

impl TestApp {
    /// A linked user's token.
    pub(crate) async fn token_of(&self, who: &Persona, more: Value) -> String {
        let subject = format!("auth0|{}", who.user);
        self.link(who.user, &subject).await;
        self.issuer.token(&subject, more)
    }

    /// Why the last of these requests was refused, by the log's word.
    async fn word(&self, token: &str) -> String {
        let keys = self.app.jwts.clone();
        match keys.verify(token, ClientAddress::Unknown).await {
            Ok(_) => "none".to_owned(),
            Err(denial) => denial.word().to_owned(),
        }
    }
}

#[tokio::test]
async fn a_token_does_what_its_users_role_allows_and_what_its_scopes_leave() {
    let app = TestApp::new().await;
    let plain = app.token_of(&app.editor, json!({ "scope": "openid profile" })).await;
    let me = app.get("/me").bearer(&plain).expect(200).await.json();
    let own = app.get("/me").by(&app.editor).expect(200).await.json();
    assert_eq!(me["data"]["user"], own["data"]["user"]);
    assert_eq!(me["data"]["account"], own["data"]["account"]);
    assert_eq!(me["data"]["platform"]["granted_scopes"], own["data"]["platform"]["granted_scopes"]);
    let credential = &me["data"]["platform"]["credential"];
    assert_eq!(credential["kind"], "jwt");
    assert_eq!(credential["label"], "spa");
    assert_eq!(credential["expires_at"], "2026-03-20T16:30:45Z");
    let made =
        app.post("/deals").bearer(&plain).json(json!({ "title": "By token" })).expect(201).await.json();
    assert_eq!(made["data"]["title"], "By token");
    // Scopes of ours narrow.
    let narrow =
        app.issuer.token(&format!("auth0|{}", app.editor.user), json!({ "scope": "openid deals:read" }));
    let me = app.get("/me").bearer(&narrow).expect(200).await.json();
    assert_eq!(me["data"]["platform"]["granted_scopes"], json!(["deals:read"]));
    app.get("/deals").bearer(&narrow).expect(200).await.json();
    let refused = app
        .post("/deals")
        .bearer(&narrow)
        .json(json!({ "title": "x" }))
        .refused(403, "FORBIDDEN", "Missing required scope: deals:write")
        .await;
    assert_eq!(
        refused.header("www-authenticate"),
        Some("Bearer realm=\"lev\", error=\"insufficient_scope\", scope=\"deals:write\"")
    );
    // A role that shrinks takes the token along at once.
    app.operate(SetRole { account: app.acme, user: app.editor.user, role: Role::Viewer }).await;
    app.post("/deals")
        .bearer(&plain)
        .json(json!({ "title": "x" }))
        .refused(403, "FORBIDDEN", "Missing required scope: deals:write")
        .await;
}

#[tokio::test]
async fn a_bad_token_is_told_no_more_than_a_bad_key() {
    let app = TestApp::new().await;
    let good = app.token_of(&app.admin, json!({})).await;
    let key = app.issuer.key();
    let subject = format!("auth0|{}", app.admin.user);
    let with = |name: &str, value: Value| {
        let mut claims = app.issuer.claims(&subject);
        claims[name] = value;
        claims
    };
    let wrong = [
        (key.token(&with("exp", json!(1))), "token_claims"),
        (key.token(&with("iat", json!(4_000_000_000_u64))), "token_claims"),
        (key.token(&with("exp", json!(keyward_testkit::START - 100))), "token_claims"),
        (key.token(&with("aud", json!("x"))), "token_audience"),
        (key.token(&with("iss", json!("https://id.example"))), "token_issuer"),
        (
            key.token_of(&key.header("JWT").to_string(), &app.issuer.claims(&subject).to_string()),
            "token_type",
        ),
        (format!("{good}A"), "token_signature"),
        ("a.b.c".to_owned(), "token_malformed"),
        ("..".to_owned(), "token_malformed"),
        (format!("{}.{}", "A".repeat(9_000), "A.A"), "token_too_long"),
    ];
    let mut bodies = Vec::new();
    for (token, word) in wrong {
        assert_eq!(app.word(&token).await, word);
        let refused = app.get("/deals").bearer(&token).refused(401, "UNAUTHORIZED", BAD).await;
        assert_eq!(refused.header("www-authenticate"), Some("Bearer realm=\"lev\", error=\"invalid_token\""));
        let mut body = refused.json();
        body["request_id"] = Value::Null;
        bodies.push(body);
    }
    let stranger = app.issuer.token("nobody", json!({}));
    let refused = app.get("/deals").bearer(&stranger).refused(401, "UNAUTHORIZED", BAD).await;
    assert_eq!(refused.header("www-authenticate"), Some("Bearer realm=\"lev\", error=\"invalid_token\""));
    assert!(bodies.windows(2).all(|two| two[0] == two[1]));
    let nothing = app.get("/deals").refused(401, "UNAUTHORIZED", "Authentication required").await;
    assert_eq!(nothing.header("www-authenticate"), Some("Bearer realm=\"lev\""));
    // Kinds do not fall through to each other.
    for token in [format!("{}.a.b", app.admin.key.secret), format!("Bearer.{good}"), format!("{good}.{good}")]
    {
        app.get("/deals").bearer(&token).refused(401, "UNAUTHORIZED", BAD).await;
    }
    // And a token is no key.
    let asked = app.post("/auth/validate-api-key").json(json!({ "api_key": good })).expect(200).await.json();
    assert_eq!(asked["data"], json!({ "valid": false }));
    let asked = app.post("/auth/validate-api-key").bearer(&good).expect(200).await.json();
    assert_eq!(asked["data"], json!({ "valid": false }));
}

#[tokio::test]
async fn who_is_disabled_unlinked_or_removed_is_so_from_the_next_request_on() {
    let app = TestApp::new().await;
    let token = app.token_of(&app.editor, json!({})).await;
    let user = app.editor.user;
    app.get("/deals").bearer(&token).expect(200).await.json();
    app.operate(SetUserDisabled { user, disabled: true }).await;
    app.get("/deals").bearer(&token).refused(401, "UNAUTHORIZED", BAD).await;
    app.operate(SetUserDisabled { user, disabled: false }).await;
    app.get("/deals").bearer(&token).expect(200).await.json();
    let (issuer, subject) = (ISSUER.to_owned(), format!("auth0|{user}"));
    app.operate(LinkIdentity { user, issuer, subject: subject.clone(), linked: false }).await;
    app.get("/deals").bearer(&token).refused(401, "UNAUTHORIZED", BAD).await;
    app.link(user, &subject).await;
    app.get("/deals").bearer(&token).expect(200).await.json();
    app.operate(RemoveMember { account: app.acme, user }).await;
    // It is someone still, and in no account.
    app.get("/deals").bearer(&token).refused(400, "BAD_REQUEST", REQUIRED).await;
    app.get("/deals")
        .bearer(&token)
        .header("x-active-account", "acme")
        .refused(403, "FORBIDDEN", FOREIGN)
        .await;
    let me = app.get("/me").bearer(&token).expect(200).await.json();
    assert_eq!(me["data"]["available_accounts"], json!([]));
    app.clock.advance(3_610);
    app.get("/me").bearer(&token).refused(401, "UNAUTHORIZED", BAD).await;
}

const REQUIRED: &str = "Active account required. Provide X-Active-Account header or use an API key.";
const FOREIGN: &str = "This credential may not act in that account";

#[tokio::test]
async fn the_account_is_the_one_that_is_named_then_the_one_that_is_chosen_then_the_only_one() {
    let app = TestApp::new().await;
    let token = app.token_of(&app.both, json!({})).await;
    // Two memberships, none named.
    app.get("/deals").bearer(&token).refused(400, "BAD_REQUEST", REQUIRED).await;
    let me = app.get("/me").bearer(&token).expect(200).await.json();
    let members: Vec<&String> = me["data"].as_object().unwrap().keys().collect();
    assert_eq!(members, ["user", "available_accounts"]);
    assert_eq!(me["data"]["user"]["email"], "both@acme.example");
    let slugs: Vec<&Value> =
        me["data"]["available_accounts"].as_array().unwrap().iter().map(|one| &one["slug"]).collect();
    assert_eq!(slugs, ["acme", "harbor"]);
    let all = app.get("/me/accounts").bearer(&token).expect(200).await.json();
    assert_eq!(all["data"]["accounts"].as_array().unwrap().len(), 2);
    assert!(all["data"]["accounts"].as_array().unwrap().iter().all(|one| one["is_active"] == false));
    // Named.
    for (slug, role) in [("acme", "editor"), ("harbor", "viewer")] {
        let me = app.get("/me").bearer(&token).header("x-active-account", slug).expect(200).await.json();
        assert_eq!(
            (&me["data"]["account"]["slug"], &me["data"]["user"]["role"]),
            (&json!(slug), &json!(role))
        );
        app.get("/deals").bearer(&token).header("x-active-account", slug).expect(200).await.json();
    }
    for foreign in ["nowhere", "ACME", "1", "acme,harbor"] {
        for path in ["/deals", "/me", "/me/accounts"] {
            let asked = app.get(path).bearer(&token).header("x-active-account", foreign);
            asked.refused(403, "FORBIDDEN", FOREIGN).await;
        }
    }
    // Chosen.
    let choose = |slug: &str| app.patch("/me/active-account").bearer(&token).json(json!({ "slug": slug }));
    let chosen = choose("harbor").expect(200).await.json();
    assert_eq!(chosen["data"]["account"]["slug"], "harbor");
    let me = app.get("/me").bearer(&token).expect(200).await.json();
    assert_eq!(me["data"]["account"]["slug"], "harbor");
    let all = app.get("/me/accounts").bearer(&token).expect(200).await.json();
    assert_eq!(all["data"]["accounts"][1]["is_active"], true);
    // The header still goes first, and a choice is this client's alone.
    let me = app.get("/me").bearer(&token).header("x-active-account", "acme").expect(200).await.json();
    assert_eq!(me["data"]["account"]["slug"], "acme");
    let subject = format!("auth0|{}", app.both.user);
    let other = app.issuer.token(&subject, json!({ "client_id": "cli" }));
    app.get("/deals").bearer(&other).refused(400, "BAD_REQUEST", REQUIRED).await;
    // Another token of the same client has it too.
    let again = app.issuer.token(&subject, json!({ "jti": "2" }));
    app.get("/deals").bearer(&again).expect(200).await.json();
    choose("nowhere").refused(404, "NOT_FOUND", "Account with slug nowhere not found").await;
    // A choice that no longer holds is not passed over, but it can be made anew.
    app.operate(RemoveMember { account: app.harbor, user: app.both.user }).await;
    app.get("/deals").bearer(&token).refused(403, "FORBIDDEN", FOREIGN).await;
    let me = app.get("/me").bearer(&token).expect(200).await.json();
    assert_eq!(me["data"]["available_accounts"][0]["slug"], "acme");
    choose("harbor").refused(404, "NOT_FOUND", "Account with slug harbor not found").await;
    choose("acme").expect(200).await.json();
    app.get("/deals").bearer(&token).expect(200).await.json();
    // With one membership left nothing need be said.
    app.get("/deals").bearer(&other).expect(200).await.json();
}

#[tokio::test]
async fn a_choice_is_a_write_that_is_done_once() {
    let app = TestApp::new().await;
    let token = app.token_of(&app.both, json!({})).await;
    let id = "0b6c3e0e-5a3b-4f0e-9d8a-0b1c2d3e4f50";
    let choose = |slug: &str| {
        app.patch("/me/active-account")
            .bearer(&token)
            .header("idempotency-key", id)
            .json(json!({ "slug": slug }))
    };
    let first = choose("harbor").send().await;
    assert_eq!(first.status, 200);
    let again = choose("harbor").send().await;
    assert_eq!((again.header("idempotency-replayed"), &again.bytes), (Some("true"), &first.bytes));
    assert_eq!(choose("acme").send().await.status, 409);
    // Another client's choice is another write, and its key was used.
    let subject = format!("auth0|{}", app.both.user);
    let other = app.issuer.token(&subject, json!({ "client_id": "cli" }));
    let again = |token: &str| {
        app.patch("/me/active-account")
            .bearer(token)
            .header("idempotency-key", id)
            .json(json!({ "slug": "harbor" }))
    };
    assert_eq!(again(&other).send().await.status, 409);
    again(&app.both.key.secret).refused(403, "FORBIDDEN", FOREIGN).await;
    // Only scope is asked for: a token without account:read may not choose.
    let subject = format!("auth0|{}", app.both.user);
    let narrow = app.issuer.token(&subject, json!({ "scope": "deals:read" }));
    app.patch("/me/active-account")
        .bearer(&narrow)
        .json(json!({ "slug": "acme" }))
        .refused(403, "FORBIDDEN", "Missing required scope: account:read")
        .await;
    // A key is bound to its account.
    let with_key = |slug: &str| app.patch("/me/active-account").by(&app.both).json(json!({ "slug": slug }));
    with_key("acme").expect(200).await.json();
    with_key("harbor").refused(403, "FORBIDDEN", FOREIGN).await;
    with_key("nowhere").refused(404, "NOT_FOUND", "Account with slug nowhere not found").await;
    let path = app.database();
    let connection = rows_of(&path, "SELECT client || ' ' || account_id FROM active_accounts");
    assert_eq!(connection, [format!("spa {}", app.harbor)]);
    let audited = rows_of(
        &path,
        "SELECT credential_kind || ' ' || detail FROM audit WHERE action = 'user.active_account'",
    );
    assert_eq!(audited, ["jwt {\"slug\":\"harbor\"}"]);
}

/// The texts of the first column, by another reader of the file than ours.
pub(crate) fn rows_of(path: &std::path::Path, sql: &str) -> Vec<String> {
    let found = std::process::Command::new("python3")
        .args([
            "-c",
            "import sqlite3,sys\nfor row in sqlite3.connect(sys.argv[1]).execute(sys.argv[2]): print(row[0])",
        ])
        .arg(path)
        .arg(sql)
        .output()
        .unwrap();
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
    String::from_utf8(found.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_token_makes_keys_only_if_it_says_so_and_never_with_rights_that_grow() {
    let app = TestApp::new().await;
    let plain = app.token_of(&app.admin, json!({ "scope": "openid" })).await;
    let make = |token: &str, body: Value| app.post("/api-keys").bearer(token).json(body);
    let named = json!({ "label": "k", "scopes": ["deals:read"] });
    let refused =
        make(&plain, named.clone()).refused(403, "FORBIDDEN", "Missing required scope: account:write").await;
    assert_eq!(
        refused.header("www-authenticate"),
        Some("Bearer realm=\"lev\", error=\"insufficient_scope\", scope=\"account:write\"")
    );
    let own = app.admin.key.id;
    let rotated = app.post(&format!("/api-keys/{own}/rotate")).bearer(&plain);
    rotated.refused(403, "FORBIDDEN", "Missing required scope: account:write").await;
    // To end a key takes no more than the role.
    let spare = app.scoped(&app.admin, &[]).await;
    app.delete(&format!("/api-keys/{}", spare.id)).bearer(&plain).expect(200).await.json();
    let subject = format!("auth0|{}", app.admin.user);
    let literal = app.issuer.token(&subject, json!({ "scope": "account:write account:read deals:read" }));
    let made = make(&literal, named.clone()).expect(201).await.json();
    assert_eq!(made["data"]["scopes"], json!(["deals:read"]));
    assert_eq!(made["data"]["expires_at"], Value::Null, "a token's end bounds nothing");
    // Nothing named: what it can do, as a fixed list.
    let made = make(&literal, json!({ "label": "k" })).expect(201).await.json();
    assert_eq!(made["data"]["scopes"], json!(["account:read", "account:write", "deals:read"]));
    assert_eq!(made["data"]["permission"], Value::Null);
    for permission in ["full_access", "read_only"] {
        let refused = make(&literal, json!({ "label": "k", "permission": permission })).send().await;
        assert_eq!(refused.status, 403, "{permission}");
    }
    let wider = make(&literal, json!({ "label": "k", "scopes": ["deals:write"] })).send().await;
    assert_eq!(wider.status, 403);
    // Nor does it rotate a key that can do more than it can.
    let rotated = app.post(&format!("/api-keys/{own}/rotate")).bearer(&literal).send().await;
    assert_eq!(rotated.status, 403);
}

#[tokio::test]
async fn an_invitation_is_accepted_by_the_first_token_with_its_verified_address() {
    let app = TestApp::new().await;
    let mails = |verified: Value| json!({ "email": "New@Acme.example", "email_verified": verified });
    let token = |verified: Value| app.issuer.token("auth0|new", mails(verified));
    app.get("/me").bearer(&token(json!(true))).refused(401, "UNAUTHORIZED", BAD).await;
    let invite = json!({ "email": "new@acme.example", "role": "editor" });
    app.post("/account/team").by(&app.admin).json(invite).expect(201).await.json();
    // Not verified, or not said, or in words that say neither.
    for unverified in [json!(false), json!("false"), json!("yes"), json!(1), Value::Null] {
        app.get("/me").bearer(&token(unverified.clone())).refused(401, "UNAUTHORIZED", BAD).await;
    }
    let me = app.get("/me").bearer(&token(json!(true))).expect(200).await.json();
    assert_eq!(
        (&me["data"]["account"]["slug"], &me["data"]["user"]["role"]),
        (&json!("acme"), &json!("editor"))
    );
    let team = app.get("/account/team").by(&app.admin).expect(200).await.json();
    let member = team["data"].as_array().unwrap().iter().find(|one| one["email"] == "new@acme.example");
    assert_eq!(member.unwrap()["status"], "active");
    // From now on it is the subject that counts, whatever its address.
    let bare = app.issuer.token("auth0|new", json!({}));
    app.get("/deals").bearer(&bare).expect(200).await.json();
    // The invitation is used up: another subject with the same address is nobody.
    let second = app.issuer.token("google|new", mails(json!(true)));
    app.get("/me").bearer(&second).refused(401, "UNAUTHORIZED", BAD).await;
    // Also by a new invitation: this issuer has a subject for that user already.
    let invite = json!({ "email": "new@acme.example", "role": "viewer" });
    app.post("/account/team").by(&app.stranger).json(invite).expect(201).await.json();
    app.get("/me").bearer(&second).refused(401, "UNAUTHORIZED", BAD).await;
    // And nobody else's invitation moves the one who is linked, whatever its token says.
    let with_address = app.issuer.token("auth0|new", mails(json!(true)));
    app.get("/me").bearer(&with_address).expect(200).await;
    let me = app.get("/me").bearer(&bare).expect(200).await.json();
    assert_eq!(me["data"]["account"]["slug"], "acme");
    let rows = rows_of(
        &app.database(),
        "SELECT credential_kind || ' ' || detail FROM audit WHERE action = 'user.link'",
    );
    let detail = format!(
        "jwt {{\"issuer\":\"{ISSUER}\",\"subject\":\"auth0|new\",\"linked\":true,\"joined_accounts\":[{}]}}",
        app.acme
    );
    assert_eq!(rows, [detail]);
}

/// Any admin can invite any address: that hands over nobody who is somebody already.
#[tokio::test]
async fn an_invitation_hands_over_nobody_who_is_somebody() {
    let app = TestApp::new().await;
    let token =
        |of: &str| app.issuer.token(of, json!({ "email": "editor@acme.example", "email_verified": true }));
    let invite = json!({ "email": "editor@acme.example", "role": "admin" });
    app.post("/account/team").by(&app.stranger).json(invite).expect(201).await;
    app.get("/me").bearer(&token("attacker")).refused(401, "UNAUTHORIZED", BAD).await;
    // Linked by the operator, it stays in the one account that it is in.
    app.link(app.editor.user, "auth0|editor").await;
    let me = app.get("/me").bearer(&token("auth0|editor")).expect(200).await.data();
    assert_eq!(me["account"]["slug"], "acme");
    app.get("/me").bearer(&token("attacker")).refused(401, "UNAUTHORIZED", BAD).await;
    // Nor does a letter that only looks the same.
    let kelvin = json!({ "email": "both@ac\u{212a}e.example", "email_verified": true });
    app.get("/me").bearer(&app.issuer.token("x", kelvin)).refused(401, "UNAUTHORIZED", BAD).await;
}

#[tokio::test]
async fn who_was_removed_comes_back_by_a_new_invitation() {
    let app = TestApp::new().await;
    let mails = json!({ "email": "editor@acme.example", "email_verified": true });
    let token = app.token_of(&app.editor, mails).await;
    let bare = app.issuer.token(&format!("auth0|{}", app.editor.user), json!({}));
    let path = format!("/account/team/{}", app.editor.user);
    app.delete(&path).by(&app.admin).expect(200).await;
    app.get("/deals").bearer(&token).refused(400, "BAD_REQUEST", REQUIRED).await;
    let invite = json!({ "email": "editor@acme.example", "role": "viewer" });
    app.post("/account/team").by(&app.admin).json(invite).expect(201).await;
    // By a token that says the address, and no other.
    app.get("/deals").bearer(&bare).refused(400, "BAD_REQUEST", REQUIRED).await;
    let me = app.get("/me").bearer(&token).expect(200).await.data();
    assert_eq!((&me["account"]["slug"], &me["user"]["role"]), (&json!("acme"), &json!("viewer")));
    app.get("/deals").bearer(&bare).expect(200).await;
    // The keys of before stay ended.
    app.get("/deals").by(&app.editor).refused(401, "UNAUTHORIZED", BAD).await;
}

#[tokio::test]
async fn an_issuer_of_one_account_reaches_no_other() {
    let app = TestApp::of_issuer(|entry| {
        entry.accounts = vec!["harbor".to_owned()];
        entry.link = Link::VerifiedEmail;
    })
    .await;
    let token = app.token_of(&app.both, json!({})).await;
    // Of two memberships one is within its reach.
    let me = app.get("/me").bearer(&token).expect(200).await.data();
    assert_eq!(me["account"]["slug"], "harbor");
    let all = app.get("/me/accounts").bearer(&token).expect(200).await.data();
    assert_eq!(all["accounts"].as_array().unwrap().len(), 1);
    app.get("/deals")
        .bearer(&token)
        .header("x-active-account", "acme")
        .refused(403, "FORBIDDEN", FOREIGN)
        .await;
    let choose = |slug: &str| app.patch("/me/active-account").bearer(&token).json(json!({ "slug": slug }));
    choose("acme").refused(404, "NOT_FOUND", "Account with slug acme not found").await;
    choose("harbor").expect(200).await;
    // Someone of the other account is nobody here, also if the operator has linked them.
    let admin = app.token_of(&app.admin, json!({})).await;
    app.get("/deals").bearer(&admin).refused(401, "UNAUTHORIZED", BAD).await;
    // An invitation of the other account is not its to accept.
    for (who, from, status) in [("a@x.example", &app.admin, 401), ("b@x.example", &app.stranger, 200)] {
        let invite = json!({ "email": who, "role": "viewer" });
        app.post("/account/team").by(from).json(invite).expect(201).await;
        let token = app.issuer.token(who, json!({ "email": who, "email_verified": true }));
        app.get("/deals").bearer(&token).expect(status).await;
    }
}

#[tokio::test]
async fn a_verified_address_alone_is_enough_where_the_entry_says_so() {
    let app = TestApp::of_issuer(|entry| entry.link = Link::VerifiedEmail).await;
    let token =
        |of: &str, email: &str| app.issuer.token(of, json!({ "email": email, "email_verified": true }));
    // Whoever has invited this user meanwhile: it is linked, and not moved.
    let invite = json!({ "email": "editor@acme.example", "role": "admin" });
    app.post("/account/team").by(&app.stranger).json(invite).expect(201).await;
    let me = app.get("/me").bearer(&token("auth0|e", "Editor@acme.example")).expect(200).await.data();
    assert_eq!(me["account"]["slug"], "acme");
    // A second subject of the same issuer is nobody, and so is who is disabled or unknown.
    app.get("/me").bearer(&token("google|e", "editor@acme.example")).refused(401, "UNAUTHORIZED", BAD).await;
    app.operate(SetUserDisabled { user: app.viewer.user, disabled: true }).await;
    for email in ["viewer@acme.example", "unknown@acme.example"] {
        app.get("/me").bearer(&token(email, email)).refused(401, "UNAUTHORIZED", BAD).await;
    }
}

#[tokio::test]
async fn a_write_is_judged_by_the_rights_of_its_commit() {
    let app = TestApp::new().await;
    let token = app.token_of(&app.editor, json!({})).await;
    let verified = app.app.jwts.verify(&token, ClientAddress::Unknown).await.unwrap();
    let now = || keyward_core::clock::Clock::now(&app.clock);
    let live = || app.app.directory().read();
    let before = live().act_in(live().admit_bearer(&verified, now()).unwrap(), None, true).unwrap();
    let word = || {
        live()
            .renew(&before, now())
            .map(|who| who.member.unwrap().role.name())
            .map_err(|denial| denial.word())
    };
    let (user, account) = (app.editor.user, app.acme);
    assert_eq!(word(), Ok("editor"));
    app.operate(SetRole { account, user, role: Role::Viewer }).await;
    assert_eq!(word(), Ok("viewer"));
    app.operate(SetUserDisabled { user, disabled: true }).await;
    assert_eq!(word(), Err("user_disabled"));
    app.operate(SetUserDisabled { user, disabled: false }).await;
    let (issuer, subject) = (ISSUER.to_owned(), format!("auth0|{user}"));
    app.operate(LinkIdentity { user, issuer, subject: subject.clone(), linked: false }).await;
    assert_eq!(word(), Err("token_unlinked"));
    app.link(app.viewer.user, &subject).await;
    assert_eq!(word(), Err("token_unlinked"), "another user's now");
    let (issuer, other) = (ISSUER.to_owned(), app.viewer.user);
    app.operate(LinkIdentity { user: other, issuer, subject: subject.clone(), linked: false }).await;
    app.link(user, &subject).await;
    assert_eq!(word(), Ok("viewer"));
    app.operate(RemoveMember { account, user }).await;
    assert_eq!(word(), Err("account_foreign"));
    app.operate(AddMember { account, user, role: Role::Admin }).await;
    assert_eq!(word(), Ok("admin"));
    app.clock.advance(3_610);
    assert_eq!(word(), Err("token_expired"));
}

#[tokio::test]
async fn an_invitation_that_has_ended_or_was_taken_back_links_nobody() {
    let app = TestApp::new().await;
    let token =
        app.issuer.token("auth0|late", json!({ "email": "late@acme.example", "email_verified": true }));
    let invite = || json!({ "email": "late@acme.example", "role": "viewer" });
    let invited = app.post("/account/team").by(&app.admin).json(invite()).expect(201).await.json();
    let path = format!("/account/team/{}", invited["data"]["user_id"]);
    app.delete(&path).by(&app.admin).expect(200).await.json();
    app.get("/me").bearer(&token).refused(401, "UNAUTHORIZED", BAD).await;
    let invited = app.post("/account/team").by(&app.admin).json(invite()).expect(201).await.json();
    app.operate(SetUserDisabled {
        user: keyward_core::id::UserId(invited["data"]["user_id"].as_i64().unwrap()),
        disabled: true,
    })
    .await;
    app.get("/me").bearer(&token).refused(401, "UNAUTHORIZED", BAD).await;
    // An existing user without an invitation is not linked by its address under these rules.
    let known =
        app.issuer.token("auth0|viewer", json!({ "email": "viewer@acme.example", "email_verified": true }));
    app.get("/me").bearer(&known).refused(401, "UNAUTHORIZED", BAD).await;
    let week = json!({ "email": "later@acme.example", "role": "viewer" });
    app.post("/account/team").by(&app.admin).json(week).expect(201).await;
    app.clock.advance(7 * 86_400);
    let later = json!({
        "email": "later@acme.example", "email_verified": true,
        "iat": START + 7 * 86_400, "exp": START + 7 * 86_400 + 60,
    });
    app.get("/me").bearer(&app.issuer.token("later", later)).refused(401, "UNAUTHORIZED", BAD).await;
}

#[tokio::test]
async fn two_requests_with_the_first_token_at_once_link_once() {
    let app = TestApp::new().await;
    let invite = json!({ "email": "new@acme.example", "role": "editor" });
    app.post("/account/team").by(&app.admin).json(invite).expect(201).await.json();
    let token = app.issuer.token("auth0|new", json!({ "email": "new@acme.example", "email_verified": true }));
    let asks = (0..16).map(|_| app.get("/deals").bearer(&token).send());
    let answers = futures_util::future::join_all(asks).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    let links = rows_of(&app.database(), "SELECT count(*) FROM audit WHERE action = 'user.link'");
    assert_eq!(links, ["1"]);
}

#[tokio::test]
async fn a_write_by_token_is_done_once_also_over_a_new_token() {
    let app = TestApp::new().await;
    let first = app.token_of(&app.editor, json!({})).await;
    let later = app.issuer.token(&format!("auth0|{}", app.editor.user), json!({ "jti": "2" }));
    let id = "6f1c9a52-3a6e-4d4b-8f2d-1c2b3a495867";
    let write = |token: &str| {
        app.post("/deals").bearer(token).header("idempotency-key", id).json(json!({ "title": "Once" }))
    };
    let made = write(&first).send().await;
    assert_eq!(made.status, 201);
    let replayed = write(&later).send().await;
    assert_eq!((replayed.header("idempotency-replayed"), &replayed.bytes), (Some("true"), &made.bytes));
    // By the same user's key as well: the credential is no part of it.
    let by_key =
        app.post("/deals").by(&app.editor).header("idempotency-key", id).json(json!({ "title": "Once" }));
    assert_eq!(by_key.send().await.bytes, made.bytes);
}

#[tokio::test]
async fn a_user_in_no_account_is_told_so_until_it_is_in_one() {
    let app = TestApp::new().await;
    let user = app
        .operate(CreateUser {
            uuid: "9a7d1c1e-0000-4000-8000-000000000001".to_owned(),
            email: "loose@acme.example".to_owned(),
            first_name: "Loose".to_owned(),
            last_name: String::new(),
            title: None,
            password_hash: None,
        })
        .await;
    app.link(user, "loose").await;
    let token = app.issuer.token("loose", json!({}));
    let me = app.get("/me").bearer(&token).expect(200).await.json();
    assert_eq!(me["data"]["user"].get("role"), None);
    app.request(Method::GET, "/api/external/v2/deals")
        .header("x-origin-app", "tests")
        .bearer(&token)
        .refused(400, "BAD_REQUEST", REQUIRED)
        .await;
    app.operate(AddMember { account: app.acme, user, role: Role::Viewer }).await;
    app.get("/deals").bearer(&token).expect(200).await.json();
}

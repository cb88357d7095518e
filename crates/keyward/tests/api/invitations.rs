//! What an invitation may claim, and what an issuer: who is linked, which invitation is accepted, and by whose choice.

use crate::browser::{Browser, form_to, forms};
use crate::issuer::ISSUER;
use crate::jwt::rows_of;
use crate::support::{Answer, BASE, PASSWORD, Persona, TestApp};
use keyward::config::IssuerConfig;
use keyward_core::id::UserId;
use keyward_core::jwt::Link;
use keyward_core::opaque::{TokenKind, mint};
use keyward_core::session::LinkKind;
use keyward_core::write::link::IssueLink;
use keyward_core::write::member::RemoveMember;
use keyward_core::write::user::CreateUser;
use keyward_testkit::SeededRandom;
use serde_json::{Value, json};

const BAD: &str = "Invalid or expired authentication token";
const REQUIRED: &str = "Active account required. Provide X-Active-Account header or use an API key.";
const OF_HARBOR: &str = "https://id.harbor.example/";
const OF_ACME: &str = "https://id.acme.example/";

impl TestApp {
    /// With the issuer of [`ISSUER`], which speaks for all, and one of each account's own.
    async fn of_tenants(link: Link) -> Self {
        Self::of_issuers(|usual| {
            let own = |issuer: &str, slug: &str| IssuerConfig {
                issuer: issuer.to_owned(),
                accounts: vec![slug.to_owned()],
                link,
                ..usual.clone()
            };
            vec![own(OF_HARBOR, "harbor"), own(OF_ACME, "acme"), usual.clone()]
        })
        .await
    }

    /// An admin invites somebody; the user.
    async fn invite(&self, admin: &Persona, email: &str, role: &str) -> UserId {
        let invited = self.post("/account/team").by(admin).json(json!({ "email": email, "role": role }));
        UserId(invited.expect(201).await.data()["user_id"].as_i64().unwrap())
    }

    /// A token in which this issuer says that it has verified the address.
    fn token_with(&self, issuer: &str, subject: &str, email: &str) -> String {
        self.issuer.token(subject, json!({ "iss": issuer, "email": email, "email_verified": true }))
    }

    fn roles_of(&self, user: UserId) -> Vec<(String, &'static str)> {
        let live = self.app.directory().read();
        live.accounts_of(user).map(|(account, role)| (account.slug.clone(), role.name())).collect()
    }

    /// The page that a link of this kind leads to.
    async fn link_of(&self, user: UserId, kind: LinkKind, seed: u64) -> String {
        let (token, digest) = mint(TokenKind::Link, &SeededRandom::new(seed)).unwrap();
        self.operate(IssueLink { user, kind, digest }).await;
        format!("/welcome?token={}", token.expose())
    }
}

/// F9, taken: an address is another tenant's for as long as its person has not come here itself.
#[tokio::test]
async fn what_one_tenants_issuer_says_of_an_address_keeps_no_other_account_from_its_person() {
    let app = TestApp::of_tenants(Link::Invitation).await;
    let bob = app.invite(&app.stranger, "bob@acme.example", "admin").await;
    let taken = app.token_with(OF_HARBOR, "the harbor's bob", "bob@acme.example");
    let me = app.get("/me").bearer(&taken).expect(200).await.data();
    assert_eq!(me["account"]["slug"], "harbor");
    // Nobody of acme has invited him, so acme's issuer claims nobody.
    let real = app.token_with(OF_ACME, "the real bob", "bob@acme.example");
    app.get("/me").bearer(&real).refused(401, "UNAUTHORIZED", BAD).await;
    assert_eq!(app.invite(&app.admin, "bob@acme.example", "editor").await, bob);
    let me = app.get("/me").bearer(&real).expect(200).await.data();
    assert_eq!((&me["account"]["slug"], &me["user"]["role"]), (&json!("acme"), &json!("editor")));
    app.get("/deals").bearer(&real).expect(200).await;
    // Each reaches its own account and sees no other, whichever came first.
    for (token, own, other) in [(&real, "acme", "harbor"), (&taken, "harbor", "acme")] {
        let all = app.get("/me/accounts").bearer(token).expect(200).await.data();
        assert_eq!(all["accounts"].as_array().unwrap().len(), 1, "{all}");
        assert_eq!(all["accounts"][0]["slug"], own);
        app.get("/deals").bearer(token).header("x-active-account", other).expect(403).await;
    }
}

#[tokio::test]
async fn nor_does_it_keep_an_issuer_that_speaks_for_all() {
    let app = TestApp::of_tenants(Link::Invitation).await;
    let bob = app.invite(&app.stranger, "bob@acme.example", "viewer").await;
    let taken = app.token_with(OF_HARBOR, "the harbor's bob", "bob@acme.example");
    app.get("/me").bearer(&taken).expect(200).await;
    app.invite(&app.admin, "bob@acme.example", "editor").await;
    let real = app.token_with(ISSUER, "the real bob", "bob@acme.example");
    app.get("/deals").bearer(&real).header("x-active-account", "acme").expect(200).await;
    assert_eq!(app.roles_of(bob), [("acme".to_owned(), "editor"), ("harbor".to_owned(), "viewer")]);
    // What the one that speaks for all has said counts for everybody: a second invitation hands him to no other issuer.
    let attacker = app.token_with(OF_ACME, "attacker", "bob@acme.example");
    app.get("/me").bearer(&attacker).refused(401, "UNAUTHORIZED", BAD).await;
}

/// F9, spoilt: whoever invites besides chooses for nobody.
#[tokio::test]
async fn of_several_open_invitations_a_token_accepts_none_by_itself() {
    let app = TestApp::of_tenants(Link::Invitation).await;
    let carol = app.invite(&app.admin, "carol@acme.example", "editor").await;
    app.invite(&app.stranger, "carol@acme.example", "viewer").await;
    let token = app.token_with(ISSUER, "carol", "carol@acme.example");
    for _ in 0..2 {
        let me = app.get("/me").bearer(&token).expect(200).await.data();
        assert_eq!(me["available_accounts"], json!([]), "she is known, and a member of none");
        app.get("/deals").bearer(&token).refused(400, "BAD_REQUEST", REQUIRED).await;
    }
    assert_eq!(app.roles_of(carol), []);
    let links = "SELECT detail ->> '$.joined_accounts' FROM audit WHERE action = 'user.link'";
    assert_eq!(rows_of(&app.database(), links), ["[]"], "one link, and nothing joined");
    // When one is left, it is hers to accept.
    app.delete(&format!("/account/team/{carol}")).by(&app.stranger).expect(200).await;
    let me = app.get("/me").bearer(&token).expect(200).await.data();
    assert_eq!((&me["account"]["slug"], &me["user"]["role"]), (&json!("acme"), &json!("editor")));
    assert_eq!(app.roles_of(carol), [("acme".to_owned(), "editor")]);
}

#[tokio::test]
async fn an_invitation_into_another_account_does_not_spoil_the_one_that_the_issuer_speaks_for() {
    let app = TestApp::of_tenants(Link::Invitation).await;
    let carol = app.invite(&app.admin, "carol@acme.example", "editor").await;
    app.invite(&app.stranger, "carol@acme.example", "admin").await;
    let token = app.token_with(OF_ACME, "carol", "carol@acme.example");
    app.get("/deals").bearer(&token).expect(200).await;
    assert_eq!(app.roles_of(carol), [("acme".to_owned(), "editor")], "and the other one stays open");
    let open = app.get("/account/team").by(&app.stranger).expect(200).await.data();
    let still = open
        .as_array()
        .unwrap()
        .iter()
        .any(|one| one["email"] == "carol@acme.example" && one["status"] == "invited");
    assert!(still, "{open}");
}

/// F13: who is outside its accounts is to a confined issuer what an unknown address is.
#[tokio::test]
async fn a_confined_issuer_neither_claims_nor_learns_of_people_outside_its_accounts() {
    let app = TestApp::of_tenants(Link::VerifiedEmail).await;
    let ask = async |email: &str| {
        let token = app.token_with(OF_HARBOR, email, email);
        app.get("/me").bearer(&token).send().await
    };
    let links = || rows_of(&app.database(), "SELECT count(*) FROM identities");
    let same = |foreign: &Answer, unknown: &Answer| {
        assert_eq!((foreign.status.as_u16(), foreign.without_id()), (401, unknown.without_id()));
        let headers = |answer: &Answer| {
            let mut names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
            names.sort_unstable();
            (names, answer.header("www-authenticate").map(str::to_owned))
        };
        assert_eq!(headers(foreign), headers(unknown));
    };
    let unknown = ask("nobody@acme.example").await;
    same(&ask("editor@acme.example").await, &unknown);
    // Inviting them says nothing of them either, be they of another account or known here without one.
    app.invite(&app.stranger, "editor@acme.example", "viewer").await;
    same(&ask("editor@acme.example").await, &unknown);
    let ada = CreateUser {
        uuid: "9a7d1c1e-0000-4000-8000-000000000001".to_owned(),
        email: "ada@acme.example".to_owned(),
        first_name: "Ada".to_owned(),
        last_name: String::new(),
        title: None,
        password_hash: None,
    };
    app.operate(ada).await;
    app.invite(&app.stranger, "ada@acme.example", "viewer").await;
    same(&ask("ada@acme.example").await, &unknown);
    assert_eq!(links(), ["0"]);
    // Its own people: a member, one who is a member elsewhere too, and whom its account alone has invited.
    for email in ["stranger@acme.example", "both@acme.example"] {
        let me = ask(email).await;
        assert_eq!(
            (me.status.as_u16(), me.data()["account"]["slug"].take()),
            (200, json!("harbor")),
            "{email}"
        );
    }
    app.invite(&app.stranger, "new@acme.example", "viewer").await;
    assert_eq!(ask("new@acme.example").await.status, 200);
    assert_eq!(links(), ["3"]);
}

#[tokio::test]
async fn who_has_left_the_accounts_of_a_confined_issuer_is_nobody_to_it() {
    let app = TestApp::of_tenants(Link::VerifiedEmail).await;
    let token = app.token_with(OF_HARBOR, "both", "both@acme.example");
    app.get("/deals").bearer(&token).expect(200).await;
    app.operate(RemoveMember { account: app.harbor, user: app.both.user }).await;
    let gone = app.get("/me").bearer(&token).refused(401, "UNAUTHORIZED", BAD).await;
    let unknown = app.get("/me").bearer(&app.token_with(OF_HARBOR, "x", "x@acme.example")).send().await;
    assert_eq!(gone.without_id(), unknown.without_id());
    // In acme everything is as it was, and inviting somebody of acme again says nothing of them.
    app.get("/deals").by(&app.both).expect(200).await;
    app.invite(&app.stranger, "both@acme.example", "viewer").await;
    app.get("/me").bearer(&token).refused(401, "UNAUTHORIZED", BAD).await;
    // Who is in no other account comes back by a new invitation.
    let fay = app.invite(&app.stranger, "fay@acme.example", "viewer").await;
    let token = app.token_with(OF_HARBOR, "fay", "fay@acme.example");
    app.get("/deals").bearer(&token).expect(200).await;
    app.delete(&format!("/account/team/{fay}")).by(&app.stranger).expect(200).await;
    app.get("/me").bearer(&token).refused(401, "UNAUTHORIZED", BAD).await;
    app.invite(&app.stranger, "fay@acme.example", "editor").await;
    app.get("/deals").bearer(&token).expect(200).await;
}

/// Of one the page says that it comes with the password. Those that came since it was shown, or were changed, did not.
#[tokio::test]
async fn the_welcome_page_accepts_the_invitation_that_it_showed_and_none_that_came_since() {
    let app = TestApp::new().await;
    let dora = app.invite(&app.admin, "dora@acme.example", "viewer").await;
    let path = app.link_of(dora, LinkKind::Invitation, 1).await;
    let mut browser = Browser::new(&app);
    let page = browser.get(&path).await.text();
    assert!(
        page.contains("you join") && page.contains("Acme Capital") && !page.contains("checkbox"),
        "{page}"
    );
    let form = form_to(&page, "/welcome").with("password", PASSWORD);
    app.invite(&app.stranger, "dora@acme.example", "admin").await;
    assert_eq!(browser.send(&form).await.status, 303);
    assert_eq!(app.roles_of(dora), [("acme".to_owned(), "viewer")]);

    let eve = app.invite(&app.admin, "eve@acme.example", "viewer").await;
    let path = app.link_of(eve, LinkKind::Invitation, 2).await;
    let form = form_to(&browser.get(&path).await.text(), "/welcome").with("password", PASSWORD);
    app.patch(&format!("/account/team/{eve}"))
        .by(&app.admin)
        .json(json!({ "role": "admin" }))
        .expect(200)
        .await;
    assert_eq!(browser.send(&form).await.status, 303, "she has a password");
    assert_eq!(app.roles_of(eve), [], "and has not seen this role");
    browser.sign_in("eve", "/console").await;
    let shown = browser.get("/console").await.text();
    let form = form_to(&shown, "/console/invitations/acme/accept");
    assert_eq!(browser.send(&form).await.status, 303);
    assert_eq!(app.roles_of(eve), [("acme".to_owned(), "admin")], "in the console she has");
}

#[tokio::test]
async fn of_several_the_welcome_page_accepts_those_that_its_person_chooses() {
    let app = TestApp::new().await;
    for (seed, chosen, joined) in [
        (1, vec![], vec![]),
        (2, vec!["harbor viewer"], vec![("harbor", "viewer")]),
        (3, vec!["acme editor", "harbor viewer"], vec![("acme", "editor"), ("harbor", "viewer")]),
        // What was not offered is not to be had by asking.
        (4, vec!["harbor admin", "nowhere viewer", "acme", ""], vec![]),
    ] {
        let name = format!("several{seed}");
        let email = format!("{name}@acme.example");
        let user = app.invite(&app.admin, &email, "editor").await;
        app.invite(&app.stranger, &email, "viewer").await;
        let path = app.link_of(user, LinkKind::Invitation, seed).await;
        let mut browser = Browser::new(&app);
        let page = browser.get(&path).await.text();
        assert_eq!(page.matches("type=\"checkbox\" name=\"invitation\"").count(), 2, "{page}");
        assert!(!page.contains(" checked"), "none is chosen for the person");
        let mut form = form_to(&page, "/welcome").with("password", "short");
        form.hidden.extend(chosen.iter().map(|value| ("invitation".to_owned(), (*value).to_owned())));
        // What was chosen is there still, when the password was not good enough.
        let again = browser.send(&form).await;
        assert_eq!((again.status.as_u16(), again.text().matches(" checked").count()), (422, joined.len()));
        let mut form = form_to(&again.text(), "/welcome").with("password", PASSWORD);
        form.hidden.extend(chosen.iter().map(|value| ("invitation".to_owned(), (*value).to_owned())));
        assert_eq!(browser.send(&form).await.status, 303);
        let expected: Vec<_> = joined.iter().map(|(slug, role)| ((*slug).to_owned(), *role)).collect();
        assert_eq!(app.roles_of(user), expected, "{chosen:?}");
        // Those that were left out wait in the console.
        browser.sign_in(&name, "/console").await;
        let to =
            if joined.is_empty() { "/console".to_owned() } else { format!("/console/{}/keys", joined[0].0) };
        let page = browser.get(&to).await.text();
        let waiting = forms(&page).iter().filter(|form| form.action.ends_with("/accept")).count();
        assert_eq!(waiting, 2 - joined.len(), "{page}");
    }
}

#[tokio::test]
async fn the_console_accepts_an_invitation_with_the_role_that_it_showed() {
    let app = TestApp::new().await;
    app.invite(&app.stranger, "editor@acme.example", "viewer").await;
    let mut browser = Browser::new(&app);
    browser.sign_in("editor", "/console").await;
    let accept = "/console/invitations/harbor/accept";
    let form = form_to(&browser.get("/console/acme/keys").await.text(), accept);
    app.invite(&app.stranger, "editor@acme.example", "admin").await;
    let refused = browser.send(&form).await;
    assert_eq!(refused.status, 403, "{}", refused.text());
    assert_eq!(app.roles_of(app.editor.user), [("acme".to_owned(), "editor")]);
    let form = form_to(&browser.get("/console/acme/keys").await.text(), accept);
    assert_eq!(browser.send(&form).await.status, 303);
    assert_eq!(app.roles_of(app.editor.user).len(), 2);
}

/// A token of our own issuer is an application's, and accepts nothing.
#[tokio::test]
async fn an_application_accepts_no_invitation() {
    let app = TestApp::new().await;
    let granted = crate::browser::tokens(&app, "editor", &[]).await;
    app.invite(&app.stranger, "editor@acme.example", "viewer").await;
    let token = crate::browser::text(&granted, "access_token").to_owned();
    app.get("/me").bearer(&token).expect(200).await;
    let path = format!("{BASE}/me");
    assert_eq!(
        app.request(http::Method::GET, &path).bearer(&token).send().await.status,
        400,
        "without its name"
    );
    assert_eq!(app.roles_of(app.editor.user), [("acme".to_owned(), "editor")]);
    let value: Value = app.get("/me/accounts").bearer(&token).expect(200).await.data();
    assert_eq!(value["accounts"].as_array().unwrap().len(), 1);
}

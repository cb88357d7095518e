//! Signing out from an application (OpenID Connect RP-Initiated Logout 1.0).
//!
//! | mistake | test |
//! | --- | --- |
//! | a link signs anybody out | `only_an_id_token_of_the_user_signs_out_without_asking` |
//! | a link leads anybody anywhere | `people_are_sent_to_addresses_of_the_client_and_nowhere_else` |

use crate::browser::{Browser, ORIGIN, code, encoded, fields, form_to, redeem, text, tokens};
use crate::support::{Answer, TestApp};
use http::Method;
use serde_json::json;

const BYE: &str = "https://app.example/bye";

fn at(pairs: &[(&str, &str)]) -> String {
    format!("/oauth/end-session?{}", encoded(&fields(pairs)))
}

async fn id_token(app: &TestApp, name: &str, client: &str) -> String {
    if client == "app" {
        return text(&tokens(app, name, &[("scope", "openid")]).await, "id_token").to_owned();
    }
    let code = code(app, name, &[("scope", "openid"), ("client_id", client)]).await;
    let pairs = [
        ("grant_type", "authorization_code"),
        ("client_id", client),
        ("code", code.as_str()),
        ("code_verifier", crate::browser::VERIFIER),
    ];
    text(&crate::browser::call(app, "/oauth/token", &pairs).await.json(), "id_token").to_owned()
}

async fn signed_in<'a>(app: &'a TestApp, name: &str) -> Browser<'a> {
    let mut browser = Browser::new(app);
    assert_eq!(browser.sign_in(name, "/console").await.status, 303);
    browser
}

async fn is_signed_in(browser: &mut Browser<'_>) -> bool {
    let console = browser.get("/console").await;
    !console.header("location").is_some_and(|to| to.contains("/sign-in"))
}

fn leads_to(answer: &Answer) -> (u16, Option<&str>) {
    (answer.status.as_u16(), answer.header("location"))
}

#[tokio::test]
async fn an_application_signs_its_user_out_and_has_it_back() {
    let app = TestApp::new().await;
    let hint = id_token(&app, "admin", "app").await;
    // An ID token is a hint however old it is.
    app.clock.advance(7 * 3600);
    let mut browser = signed_in(&app, "admin").await;
    let asked = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", BYE), ("state", "a b")];
    let gone = browser.get(&at(&asked)).await;
    assert_eq!(leads_to(&gone), (303, Some("https://app.example/bye?state=a+b")));
    assert!(!browser.cookies.contains_key("keyward_session"), "{:?}", browser.cookies);
    assert!(!is_signed_in(&mut browser).await);
    // Who is signed out already is sent on too.
    assert_eq!(leads_to(&browser.get(&at(&asked)).await), (303, Some("https://app.example/bye?state=a+b")));
    // Without an address the sign-in page is what comes next.
    let mut browser = signed_in(&app, "admin").await;
    let gone = browser.get(&at(&[("id_token_hint", &hint)])).await;
    assert_eq!(leads_to(&gone), (303, Some("http://keyward.test/sign-in")));
    assert!(!is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn the_grant_stays_until_its_client_gives_it_up() {
    let app = TestApp::new().await;
    let code = code(&app, "admin", &[("scope", "openid deals:read")]).await;
    let granted = redeem(&app, &code).await.json();
    let mut browser = signed_in(&app, "admin").await;
    browser.get(&at(&[("id_token_hint", text(&granted, "id_token"))])).await;
    assert!(!is_signed_in(&mut browser).await);
    app.get("/deals").bearer(text(&granted, "access_token")).expect(200).await;
}

#[tokio::test]
async fn only_an_id_token_of_the_user_signs_out_without_asking() {
    let app = TestApp::new().await;
    let (of_editor, access) = (
        id_token(&app, "editor", "app").await,
        text(&tokens(&app, "admin", &[("scope", "openid")]).await, "access_token").to_owned(),
    );
    for hint in ["", of_editor.as_str(), access.as_str(), "x.y.z"] {
        let mut browser = signed_in(&app, "admin").await;
        let asked = [("id_token_hint", hint), ("client_id", "app"), ("post_logout_redirect_uri", BYE)];
        let asked: Vec<(&str, &str)> = asked.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let page = browser.get(&at(&asked)).await;
        assert_eq!(page.status, 200, "{hint}");
        assert!(page.text().contains("The application"), "it names who asks");
        assert!(is_signed_in(&mut browser).await, "{hint}");
        // The person says so, once; another browser cannot send the form.
        let form = form_to(&page.text(), "/oauth/end-session").with("decision", "sign_out");
        let mut other = signed_in(&app, "admin").await;
        assert_eq!(other.send(&form).await.status, 403);
        let gone = browser.send(&form).await;
        assert_eq!(leads_to(&gone), (303, Some(BYE)), "{}", gone.text());
        assert!(!is_signed_in(&mut browser).await && is_signed_in(&mut other).await);
    }
    // Another site cannot have it done in the background.
    let mut browser = signed_in(&app, "admin").await;
    let hint = id_token(&app, "admin", "app").await;
    let hidden = app
        .request(Method::GET, &at(&[("id_token_hint", &hint)]))
        .header("accept", "text/html")
        .header("cookie", &browser.cookie())
        .header("sec-fetch-site", "cross-site")
        .header("sec-fetch-mode", "no-cors")
        .header("sec-fetch-dest", "image");
    assert_eq!(hidden.send().await.status, 403);
    assert!(is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn people_are_sent_to_addresses_of_the_client_and_nowhere_else() {
    let app = TestApp::new().await;
    let hint = id_token(&app, "admin", "app").await;
    for foreign in [
        "https://evil.example/",
        "https://app.example@evil.example/",
        "https://app.example:8443/",
        "http://app.example/",
        "javascript:alert(1)",
    ] {
        let mut browser = signed_in(&app, "admin").await;
        let asked = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", foreign)];
        let answer = browser.get(&at(&asked)).await;
        assert_eq!(leads_to(&answer), (400, None), "{foreign}");
        assert!(is_signed_in(&mut browser).await, "a wrong request ends nothing: {foreign}");
    }
    let mut browser = Browser::new(&app);
    let unnamed = browser.get(&at(&[("post_logout_redirect_uri", BYE)])).await;
    assert_eq!(leads_to(&unnamed), (400, None), "of no client");
    let two = [("id_token_hint", hint.as_str()), ("client_id", "keyward-cli")];
    assert_eq!(leads_to(&browser.get(&at(&two)).await), (400, None), "of two clients");
    // A client that made itself known shows by an ID token that it knows the user who is signed in.
    let body = json!({ "client_name": "Stranger", "redirect_uris": [crate::browser::CALLBACK] });
    let registered = app.request(Method::POST, "/oauth/register").json(body).send().await.json();
    let id = text(&registered, "client_id");
    let asked = [("client_id", id), ("post_logout_redirect_uri", BYE)];
    assert_eq!(leads_to(&browser.get(&at(&asked)).await), (303, Some("http://keyward.test/sign-in")));
    let hint = id_token(&app, "admin", id).await;
    let asked = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", BYE)];
    let nobody = browser.get(&at(&asked)).await;
    assert_eq!(
        leads_to(&nobody),
        (303, Some("http://keyward.test/sign-in")),
        "anyone has a token of their own"
    );
    let mut other = signed_in(&app, "editor").await;
    let page = other.get(&at(&asked)).await;
    assert!(
        page.status == 200 && !page.text().contains("form-action 'self' "),
        "another user is asked, and stays here"
    );
    let mut own = signed_in(&app, "admin").await;
    assert_eq!(leads_to(&own.get(&at(&asked)).await), (303, Some(BYE)));
}

#[tokio::test]
async fn a_form_of_the_application_asks_as_its_link_does() {
    let app = TestApp::new().await;
    let hint = id_token(&app, "admin", "app").await;
    let mut browser = signed_in(&app, "admin").await;
    let asked = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", BYE), ("logout_hint", "x")];
    let sent = browser.post("/oauth/end-session", &fields(&asked)).await;
    let to = sent.header("location").unwrap().to_owned();
    assert!(sent.status == 303 && to.starts_with(&format!("{ORIGIN}/oauth/end-session?")), "{to}");
    assert!(is_signed_in(&mut browser).await);
    assert_eq!(leads_to(&browser.get(&to).await), (303, Some(BYE)));
    assert!(!is_signed_in(&mut browser).await);
}

//! Pages of other sites: what they have their visitor's browser send or load is refused before anybody is charged for it, so no
//! page uses up what the people at its visitor's address, or the visitor's account, may do.

use crate::browser::Browser;
use crate::support::{Answer, TestApp};
use http::Method;
use keyward::config::LimitsConfig;
use keyward::reload::Reloadable;
use keyward_core::limits::{Overrides, Rate};
use keyward_core::write::limits::SetLimits;
use std::collections::BTreeSet;
use std::time::Duration;

/// `Sec-Fetch-Site`, `Sec-Fetch-Mode` and `Sec-Fetch-Dest`, as a browser sends them; nothing of a client that is none.
type Origin = Option<[&'static str; 3]>;

const OWN_FORM: Origin = Some(["same-origin", "navigate", "document"]);
const LINK: Origin = Some(["cross-site", "navigate", "document"]);
const CORS: Origin = Some(["cross-site", "cors", "empty"]);
const SIBLING_FORM: Origin = Some(["same-site", "navigate", "document"]);
const NO_CORS: Origin = Some(["cross-site", "no-cors", "empty"]);
const SIBLING_FETCH: Origin = Some(["same-site", "no-cors", "empty"]);
const IMAGE: Origin = Some(["cross-site", "no-cors", "image"]);
const SIBLING_IMAGE: Origin = Some(["same-site", "no-cors", "image"]);
const FRAME: Origin = Some(["cross-site", "navigate", "iframe"]);

/// How a route is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// By a form of ours.
    Form,
    /// By a link, or by an application that has somebody sign in.
    Page,
    /// By OAuth clients: programs, and pages of any origin that follow the CORS protocol.
    Client,
}

impl Kind {
    const fn refused(self) -> &'static [Origin] {
        match self {
            // The form of another site looks like a link.
            Self::Form => &[LINK, SIBLING_FORM, CORS, NO_CORS, SIBLING_FETCH],
            Self::Page => &[IMAGE, SIBLING_IMAGE, FRAME, CORS, NO_CORS],
            Self::Client => &[LINK, SIBLING_FORM, NO_CORS, SIBLING_FETCH, FRAME],
        }
    }

    const fn taken(self) -> &'static [Origin] {
        match self {
            Self::Form => &[OWN_FORM, Some(["none", "navigate", "document"]), None],
            Self::Page => &[LINK, SIBLING_FORM, OWN_FORM, None],
            Self::Client => &[CORS, Some(["same-site", "cors", "empty"]), None],
        }
    }
}

/// The cookies of a visitor.
#[derive(Clone, Copy, Debug)]
enum Visitor {
    Nobody,
    /// Somebody has signed in with the browser before.
    Known,
    SignedIn,
}

/// Each operation without a credential of the API that charges somebody, and how it is called.
const CHARGED: &[(&str, Kind, &str, &[Visitor])] = {
    use Kind::{Client, Form, Page};
    use Visitor::{Known, Nobody, SignedIn};
    &[
        ("signIn", Form, "/sign-in", &[Nobody, Known]),
        ("signOut", Form, "/sign-out", &[Nobody, SignedIn]),
        ("showWelcome", Page, "/welcome?token=x", &[Nobody]),
        ("choosePassword", Form, "/welcome", &[Nobody]),
        ("showKeys", Page, "/console/acme/keys", &[SignedIn]),
        ("createKeyInConsole", Form, "/console/acme/keys", &[SignedIn]),
        ("rotateKeyInConsole", Form, "/console/acme/keys/1/rotate", &[SignedIn]),
        ("revokeKeyInConsole", Form, "/console/acme/keys/1/revoke", &[SignedIn]),
        ("showApplications", Page, "/console/acme/applications", &[SignedIn]),
        ("disconnectApplication", Form, "/console/acme/applications/disconnect", &[SignedIn]),
        ("disconnectApplicationAlone", Form, "/console/applications/disconnect", &[SignedIn]),
        ("acceptInvitation", Form, "/console/invitations/harbor/accept", &[Nobody, SignedIn]),
        // It is charged before it turns out that no document can have this address.
        ("showConsent", Page, "/oauth/authorize?client_id=https://x/1", &[Nobody, SignedIn]),
        ("consent", Form, "/oauth/authorize", &[Nobody, SignedIn]),
        ("issueToken", Client, "/oauth/token", &[Nobody]),
        ("revokeToken", Client, "/oauth/revoke", &[Nobody]),
        ("registerClient", Client, "/oauth/register", &[Nobody]),
        ("getUserInfo", Client, "/oauth/userinfo", &[Nobody]),
        ("showEndSession", Page, "/oauth/end-session", &[Nobody, SignedIn]),
        ("endSession", Form, "/oauth/end-session", &[Nobody, SignedIn]),
    ]
};
/// The others, which charge nobody.
const FREE: [&str; 5] =
    ["showSignIn", "showConsole", "showApplicationsAlone", "getIssuerMetadata", "getSigningKeys"];

/// Every operation without a credential of the API, from where its routes are.
fn operations() -> BTreeSet<&'static str> {
    let sources = [include_str!("../../src/console/mod.rs"), include_str!("../../src/oauth/mod.rs")];
    let rows = sources.into_iter().flat_map(|source| source.split("Open::").skip(1));
    rows.filter_map(|row| row.split_once("(\"")?.1.split('"').next()).collect()
}

async fn send(app: &TestApp, row: (Kind, &str), from: &str, cookie: &str, origin: Origin) -> Answer {
    let (kind, path) = row;
    let ask = app.request(if kind == Kind::Page { Method::GET } else { Method::POST }, path).from(from);
    let ask = if kind == Kind::Client { ask } else { ask.header("accept", "text/html") };
    let ask = if cookie.is_empty() { ask } else { ask.header("cookie", cookie) };
    let names = ["sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest"];
    let said = origin.into_iter().flat_map(|origin| names.into_iter().zip(origin));
    let ask = said.fold(ask, |ask, (name, value)| ask.header(name, value));
    if kind == Kind::Page {
        return ask.send().await;
    }
    ask.header("content-type", "application/x-www-form-urlencoded")
        .raw("grant_type=x&client_id=x")
        .send()
        .await
}

/// An app in which everybody may do each thing once a minute.
async fn once_a_minute() -> TestApp {
    let app = TestApp::new().await;
    let once = Rate::PerMinute(1);
    let mut limits = LimitsConfig {
        sign_in_per_minute: 1,
        links_per_minute: 1,
        register_per_minute: 1,
        forms_per_minute: 1,
        failed_auth_per_minute: 1,
        ..LimitsConfig::default()
    };
    (limits.tiers.free.reads, limits.tiers.free.writes) = (once, once);
    app.app.current.replace(Reloadable { limits, ..Reloadable::default() });
    let overrides = Overrides { reads: Some(once), writes: Some(once), keys: None };
    app.operate(SetLimits { account: app.acme, overrides }).await;
    app
}

#[tokio::test]
async fn nobody_is_charged_for_what_a_page_of_another_site_sends_or_loads() {
    let named = CHARGED.iter().map(|(operation, ..)| *operation).chain(FREE);
    assert_eq!(named.collect::<BTreeSet<_>>(), operations(), "each operation is charged, or charges nobody");
    let app = once_a_minute().await;
    let mut known = Browser::new(&app);
    assert_eq!(known.sign_in("admin", "/console").await.status, 303);
    known.cookies.retain(|name, _| name == "keyward_known");
    let (mut number, mut wrong) = (0, Vec::new());
    for (operation, kind, path, visitors) in CHARGED {
        let cases = visitors.iter().flat_map(|visitor| kind.taken().iter().map(move |by| (visitor, *by)));
        for (visitor, taken) in cases {
            number += 1;
            let from = format!("192.0.2.{number}");
            app.clock.pass(Duration::from_secs(60));
            let cookie = match visitor {
                Visitor::Nobody => String::new(),
                Visitor::Known => known.cookie(),
                // Of its own, as one of the cases ends it.
                Visitor::SignedIn => {
                    let mut browser = Browser::new(&app);
                    assert_eq!(browser.sign_in("admin", "/console").await.status, 303);
                    browser.cookie()
                }
            };
            let ask = async |by| send(&app, (*kind, path), &from, &cookie, by).await.status.as_u16();
            let (mut refused, status) = (Vec::new(), if *kind == Kind::Client { 400 } else { 403 });
            for by in kind.refused() {
                refused.push(ask(*by).await);
            }
            let own = ask(taken).await;
            // The own one is charged, so it is not refused as that of another site is. A known browser has a bucket besides.
            let (_, last) = (ask(taken).await, ask(taken).await);
            if refused.iter().any(|answer| *answer != status) || own == 429 || last != 429 {
                wrong.push(format!(
                    "{operation} of {visitor:?}: {refused:?} to another site, {own} and then {last} by {taken:?}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_form_of_another_site_is_told_apart_from_a_bad_call_of_a_client() {
    let app = TestApp::new().await;
    for path in ["/oauth/token", "/oauth/revoke", "/oauth/register"] {
        let refused = send(&app, (Kind::Client, path), "192.0.2.1", "", LINK).await.json();
        assert_eq!(refused["error"], "invalid_request", "{path}");
        assert!(refused["error_description"].as_str().unwrap().contains("cors"), "{path}: {refused}");
        for by in Kind::Client.taken() {
            let taken = send(&app, (Kind::Client, path), "192.0.2.1", "", *by).await.json();
            assert_ne!(taken["error_description"], refused["error_description"], "{path} by {by:?}");
        }
    }
}

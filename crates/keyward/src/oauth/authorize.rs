//! `/oauth/authorize`: the person signs in, chooses an account, is told what the application wants, and says yes or no.
//!
//! Nothing is kept between the pages but what the browser sends again; all of it is judged again each time. A code is made only
//! in the answer to the consent form, which is bound to this browser and session and can be sent once.

use super::AuthorizationServer;
use super::answer::refuse;
use super::request::{Addressed, Request, handed_on};
use crate::browser::views::{Choice, ChooseAccount, Consent, Frame};
use crate::browser::{Pairs, Visit};
use crate::problem::Problem;
use axum::body::Body;
use http::{Response, StatusCode};
use keyward_core::denial::{Denial, OAuthDenial};
use keyward_core::id::AccountId;
use keyward_core::oauth::{Client, ClientOrigin, changes, redirect, sees};
use keyward_core::opaque::{TokenKind, mint};
use keyward_core::permit::{ManageSignIns, check};
use keyward_core::principal::{Caller, Credential, Principal};
use keyward_core::write::grant::GiveConsent;
use url::form_urlencoded;

const HERE: &str = "/oauth/authorize";

/// Where the account is asked for, and its answer: the account's slug, and how far it reaches.
struct Place {
    account: Option<AccountId>,
    name: Option<String>,
    role: Option<&'static str>,
    bound: bool,
}

/// `GET`: as far as it can go without the person's word.
pub(super) async fn ask(visit: Visit) -> Response<Body> {
    let pairs = visit.query.clone();
    visit.respond(steps(&visit, &pairs).await)
}

async fn steps(visit: &Visit, pairs: &Pairs) -> Result<Response<Body>, Problem> {
    let server = visit.oauth().ok_or(Denial::RouteUnknown)?;
    let addressed = Addressed::read(visit, server, pairs).await?;
    let request = match Request::read(server, pairs) {
        Ok(request) => request,
        Err(problem) => return unasked(visit, server, &addressed, problem),
    };
    if request.prompt.none {
        // The answer is always no, since a person is asked each time: that this client was let in before says nothing of who sends
        // its name now.
        let no = match visit.session {
            None => OAuthDenial::LoginRequired,
            Some(_) => OAuthDenial::ConsentRequired,
        };
        return unasked(visit, server, &addressed, Denial::OAuth(no).into());
    }
    let Some(caller) = &visit.session else {
        let next = here(pairs);
        // Its sign-in is to count as the one that is asked for, so that nobody has to do it twice.
        let asked = request.prompt.login || request.max_age.is_some();
        return Ok(if asked { visit.to_sign_in_again(&next) } else { visit.to_sign_in(&next) });
    };
    if must_sign_in_again(visit, &request, pairs) {
        return Ok(visit.to_sign_in_again(&here(pairs)));
    }
    match place(visit, caller, pairs)? {
        None => choose_account(visit, caller, &addressed, pairs),
        Some(place) => consent(visit, caller, (&addressed, &request), pairs, place, None),
    }
}

/// The answer to a request of which no person was asked anything: it makes no sense, or it asks for that (`prompt=none`). To a client
/// that made itself known the browser is sent only if its person has let that client in, and still does. For anybody else the
/// request is a link to wherever a stranger likes, under our name, whether or not somebody is signed in (RFC 9700 §4.11.2).
fn unasked(
    visit: &Visit,
    server: &AuthorizationServer,
    addressed: &Addressed,
    problem: Problem,
) -> Result<Response<Body>, Problem> {
    if addressed.client.is_by_itself() && !has_let_in(visit, &addressed.client) {
        return Err(problem);
    }
    sent_back(visit, server, addressed, problem)
}

/// Whether whoever is signed in lets this client act, since some time before.
fn has_let_in(visit: &Visit, client: &Client) -> bool {
    let Some(caller) = &visit.session else { return false };
    let live = visit.shared.directory.read();
    live.grants_of(caller.user, visit.shared.clock.now()).any(|grant| grant.client == client.id)
}

/// Whether the application wants its person to have signed in later than it has.
fn must_sign_in_again(visit: &Visit, request: &Request, pairs: &Pairs) -> bool {
    let wanted = request.prompt.login || request.max_age.is_some_and(|age| visit.signed_in_before(age));
    wanted && !visit.signed_in_since(pairs.get("login"))
}

/// The address of this request, to come back to.
fn here(pairs: &Pairs) -> String {
    at(&handed_on(pairs))
}

fn at(pairs: &[(String, String)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs);
    format!("{HERE}?{}", query.finish())
}

/// What the pages of one request hand on: what the application has said, and when its person was asked to sign in for it.
fn carried(pairs: &Pairs) -> Vec<(String, String)> {
    let mut all = handed_on(pairs);
    all.extend(pairs.get("login").map(|mark| ("login".to_owned(), mark.to_owned())));
    all
}

fn sent_back(
    visit: &Visit,
    server: &AuthorizationServer,
    addressed: &Addressed,
    problem: Problem,
) -> Result<Response<Body>, Problem> {
    let Problem::Denied(Denial::OAuth(denial)) = problem else { return Err(problem) };
    let to = addressed.back(server, &[("error", denial.error()), ("error_description", denial.message())]);
    Ok(visit.elsewhere(&to, denial.word()))
}

/// The account that is chosen; `None`: it is still to be.
fn place(visit: &Visit, caller: &Caller, pairs: &Pairs) -> Result<Option<Place>, Problem> {
    let live = visit.shared.directory.read();
    let own: Vec<_> = live.accounts_of(caller.user).collect();
    let named = pairs.get("account");
    let chosen = match (named, own.as_slice()) {
        (_, []) => return Ok(Some(Place { account: None, name: None, role: None, bound: true })),
        (Some(slug), own) => {
            own.iter().find(|(account, _)| account.slug == slug).ok_or(Denial::AccountForeign)?
        }
        (None, [only]) => only,
        (None, _) => return Ok(None),
    };
    // Whoever has one account was not asked how far it reaches, so nobody else says it.
    let bound = own.len() == 1 || pairs.get("reach") != Some("all");
    let (account, role) = chosen;
    let name = if bound {
        account.name.clone()
    } else {
        format!("all your accounts, beginning with {}", account.name)
    };
    Ok(Some(Place { account: Some(account.id), name: Some(name), role: Some(role.name()), bound }))
}

fn choose_account(
    visit: &Visit,
    caller: &Caller,
    addressed: &Addressed,
    pairs: &Pairs,
) -> Result<Response<Body>, Problem> {
    let accounts = {
        let live = visit.shared.directory.read();
        live.accounts_of(caller.user).map(|(account, role)| Choice::of(account, role)).collect()
    };
    let frame = Frame::new("Choose an account", visit)?;
    let client = addressed.client.name.clone();
    visit.page(200, &ChooseAccount { frame, client, fields: carried(pairs), accounts, mixed: true })
}

fn consent(
    visit: &Visit,
    caller: &Caller,
    (addressed, request): (&Addressed, &Request),
    pairs: &Pairs,
    place: Place,
    error: Option<String>,
) -> Result<Response<Body>, Problem> {
    let several = visit.shared.directory.read().accounts_of(caller.user).nth(1).is_some();
    let client = &addressed.client;
    let mut fields = carried(pairs);
    for name in ["account", "reach"] {
        fields.extend(pairs.get(name).map(|value| (name.to_owned(), value.to_owned())));
    }
    let identity = [
        (request.asked.openid, "know who you are"),
        (request.asked.profile, "know your name and see your picture"),
        (request.asked.email, "know your e-mail address"),
    ];
    let document = (client.origin == ClientOrigin::Document).then(|| redirect::host(&client.id));
    let page = Consent {
        frame: Frame::new("Allow access", visit)?,
        error,
        client: client.name.clone(),
        host: redirect::host(&addressed.redirect_uri),
        document,
        // Any program on this machine can wait there, by whatever name: also by that of the built-in client.
        loopback: redirect::loopback(&addressed.redirect_uri).is_some(),
        account: place.name,
        role: place.role.map(str::to_owned),
        identity: identity.into_iter().filter(|(asked, _)| *asked).map(|(_, words)| words).collect(),
        sees: sees(request.asked.scopes),
        changes: changes(request.asked.scopes),
        offline: request.asked.offline || client.refreshes,
        fields,
        form: visit.form_token(HERE)?,
        read_only: visit.form.get("read_only").is_some(),
        elsewhere: several.then(|| at(&carried(pairs))),
    };
    let mut response = visit.page(200, &page)?;
    // A browser holds the way on after a form against this too: only there, and where that place may send it on to.
    if let Some((scheme, _)) = addressed.redirect_uri.split_once(':') {
        visit.allow_form_to(&mut response, scheme);
    }
    Ok(response)
}

/// `POST`: the person's word.
pub(super) async fn answer(mut visit: Visit) -> Response<Body> {
    let outcome = async {
        let charged = visit.charge_person()?;
        visit.read_form(charged).await?;
        answered(&visit).await
    };
    let outcome = outcome.await;
    match outcome {
        Ok(response) => response,
        // Of another site's form nothing is read that could be shown again.
        Err(problem @ Problem::Denied(Denial::FormUnusable))
            if visit.wants_html() && !visit.is_from_elsewhere() =>
        {
            again(&visit, problem).await
        }
        Err(problem @ Problem::Denied(Denial::OAuth(OAuthDenial::ClientUnknown))) => visit.problem(problem),
        Err(problem) if visit.wants_html() => visit.problem(problem),
        Err(problem) => refuse(&visit, problem),
    }
}

/// The page again, for a form that was sent twice, by a double click for one, or waited too long: its person can still answer.
async fn again(visit: &Visit, problem: Problem) -> Response<Body> {
    let shown = async {
        let server = visit.oauth().ok_or(Denial::RouteUnknown)?;
        let pairs = &visit.form;
        let caller = visit.session.as_ref().ok_or(Denial::SessionEnded)?;
        let addressed = Addressed::read(visit, server, pairs).await?;
        let request = Request::read(server, pairs)?;
        let place = place(visit, caller, pairs)?.ok_or(Denial::AccountRequired)?;
        let said = Some(problem.message());
        let mut page = consent(visit, caller, (&addressed, &request), pairs, place, said)?;
        *page.status_mut() = StatusCode::FORBIDDEN;
        Ok(visit.refused(page, &problem))
    };
    visit.respond(shown.await)
}

async fn answered(visit: &Visit) -> Result<Response<Body>, Problem> {
    let server = visit.oauth().ok_or(Denial::RouteUnknown)?;
    let pairs = &visit.form;
    let Some(caller) = &visit.session else { return Ok(visit.to_sign_in_again(&here(pairs))) };
    let form = visit.form_number(HERE)?;
    let addressed = Addressed::read(visit, server, pairs).await?;
    let request = match Request::read(server, pairs) {
        Ok(request) => request,
        Err(problem) => return sent_back(visit, server, &addressed, problem),
    };
    if pairs.get("decision") != Some("allow") {
        return sent_back(visit, server, &addressed, Denial::OAuth(OAuthDenial::ConsentRefused).into());
    }
    if must_sign_in_again(visit, &request, pairs) {
        return Ok(visit.to_sign_in_again(&here(pairs)));
    }
    let place = place(visit, caller, pairs)?.ok_or(Denial::AccountRequired)?;
    let asked = if pairs.get("read_only").is_some() { request.asked.read_only() } else { request.asked };
    let (code, digest) = mint(TokenKind::Code, &*visit.shared.random)?;
    let mut nonce = [0; 16];
    visit.shared.random.fill(&mut nonce)?;
    let effect = GiveConsent {
        client: addressed.client.clone(),
        asked,
        resources: request.resources,
        account: place.account,
        bound: place.bound,
        redirect_uri: addressed.redirect_uri.clone(),
        challenge: request.challenge,
        oidc_nonce: request.nonce,
        form,
        code: digest,
        nonce,
        // Until the code is redeemed, it lives as long as a token without a refresh would.
        lives: server.lives().1,
    };
    let permit = check::<ManageSignIns>(in_person(caller))?;
    visit.commit(effect, permit).await?;
    Ok(visit.elsewhere(&addressed.back(server, &[("code", code.expose())]), "consent_given"))
}

/// Whoever is there, in no account.
fn in_person(caller: &Caller) -> Principal {
    debug_assert!(matches!(caller.credential, Credential::Session(_)));
    Principal::of(caller.clone())
}

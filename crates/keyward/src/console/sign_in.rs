//! Signing in by address and password, and signing out.

use crate::browser::Visit;
use crate::browser::views::{Frame, Person, Shown, SignIn};
use crate::problem::Problem;
use axum::body::Body;
use http::Response;
use keyward_core::denial::Denial;
use keyward_core::opaque::{TokenKind, mint};
use keyward_core::password;
use keyward_core::permit::{self, ManageSignIns, Presented, check};
use keyward_core::principal::Principal;
use keyward_core::rate_limit::{Bucket, Purpose};
use keyward_core::secret::Secret;
use keyward_core::session::{EndSession, StartSession};
use sha2::{Digest, Sha256};
use std::net::Ipv6Addr;
use url::form_urlencoded;

const HERE: &str = "/sign-in";
/// So many times what one address may try can be tried for one e-mail address, so that no address alone shuts its person out.
const GUESSERS: u32 = 5;

/// Where a person may be sent after signing in: to pages of ours that begin something.
fn next(text: Option<&str>) -> String {
    let local = |text: &&str| {
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        plain
            && (text.starts_with("/oauth/authorize?") || *text == "/console" || text.starts_with("/console/"))
    };
    text.filter(local).unwrap_or("/console").to_owned()
}

pub(super) async fn show(visit: Visit) -> Response<Body> {
    let next = next(visit.query.get("next"));
    let again = next.contains("login=");
    if visit.session.is_some() && !again {
        return visit.to(&next);
    }
    let chosen = matches!(visit.shown(), Some(Shown::PasswordSet))
        .then(|| "Your password is set. Sign in with it.".to_owned());
    match page(&visit, 200, next, String::new(), None, chosen) {
        Ok(page) => visit.without_shown(page),
        Err(problem) => visit.problem(problem),
    }
}

fn page(
    visit: &Visit,
    status: u16,
    next: String,
    email: String,
    error: Option<String>,
    notice: Option<String>,
) -> Result<Response<Body>, Problem> {
    let people = visit.oauth().map(|server| server.people.as_slice()).unwrap_or_default();
    let people = people.iter().map(|person| Person {
        name: person.name.clone(),
        email: person.email.clone(),
        password: person.password.expose().to_owned(),
        places: person.places.clone(),
    });
    let client = next.strip_prefix("/oauth/authorize?").and_then(|query| {
        let id = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "client_id")?.1;
        visit.app.directory().read().client(&id).map(|client| client.name.clone())
    });
    let frame = Frame { who: None, ..Frame::new("Sign in", visit)? };
    let page = SignIn {
        frame,
        form: visit.form_token(HERE)?,
        client,
        people: people.collect(),
        next,
        email,
        error,
        notice,
    };
    visit.page(status, &page)
}

pub(super) async fn sign_in(mut visit: Visit) -> Response<Body> {
    let read = visit.read_form().await;
    let next = next(visit.form.get("next"));
    let email = visit.form.get("email").unwrap_or_default().trim().to_ascii_lowercase();
    let outcome = match read {
        Ok(()) => enter(&visit, &email).await,
        Err(problem) => Err(problem),
    };
    match outcome {
        Ok(token) => {
            leave(&visit).await;
            visit.with_session(visit.to(&next), Some(&token))
        }
        Err(problem @ Problem::Denied(Denial::PasswordWrong | Denial::FormUnusable)) => {
            let status = if matches!(problem, Problem::Denied(Denial::PasswordWrong)) { 401 } else { 403 };
            let again = page(&visit, status, next, email, Some(problem.message()), None);
            again.map(|page| visit.refused(page, &problem)).unwrap_or_else(|problem| visit.problem(problem))
        }
        Err(problem) => visit.problem(problem),
    }
}

async fn enter(visit: &Visit, email: &str) -> Result<Secret, Problem> {
    visit.form_number(HERE)?;
    visit.charge(Purpose::SignIn)?;
    // Also whoever guesses from many addresses. Nobody learns from it whether the address is known.
    visit.charge_to(of_email(email), Purpose::SignIn, GUESSERS)?;
    let server = visit.oauth().ok_or(Denial::RouteUnknown)?;
    let password = Secret::new(visit.form.get("password").unwrap_or_default().to_owned());
    if password.expose().len() > 4 * *password::LENGTHS.end() {
        return Err(Denial::PasswordWrong.into());
    }
    let kept = visit.app.store.password_of(email.to_owned()).await?;
    let verify = move || password::verify(&password, kept.as_ref().map(|(user, hash)| (*user, hash)));
    let proof = server.hashing.run(verify).await?.ok_or(Denial::PasswordWrong)?;
    let (token, digest) = mint(TokenKind::Session, &*visit.app.random)?;
    visit.commit(StartSession { proof, digest }, permit::present(Presented::Password)).await?;
    Ok(token)
}

/// Ends the session that this browser had before: its cookie is replaced, and nobody could end it any more.
pub(super) async fn leave(visit: &Visit) {
    let Some(before) = visit.session.clone() else { return };
    if let Ok(permit) = check::<ManageSignIns>(Principal::of(before)) {
        // The new session holds all the same.
        let _ = visit.commit(EndSession, permit).await;
    }
}

/// The bucket of an e-mail address that is tried, whether anybody has it or not. Anyone can invent them, so it is one of those that there
/// is only so much room for: those of network addresses, in a block that is nobody's (0100::/8, RFC 4291 §4).
fn of_email(email: &str) -> Bucket {
    let hash = Sha256::digest(email.as_bytes());
    let network = hash.iter().take(7).fold(1_u64, |number, byte| number << 8 | u64::from(*byte));
    Bucket::address(Ipv6Addr::from_bits(u128::from(network) << 64).into(), Purpose::SignIn)
}

pub(super) async fn sign_out(mut visit: Visit) -> Response<Body> {
    if let Err(problem) = visit.read_form().await {
        return visit.problem(problem);
    }
    let Some(caller) = visit.session.clone() else {
        // A form of another site brings no cookie along, and takes none away.
        let over = visit.has_session_cookie();
        return if over { visit.with_session(visit.to(HERE), None) } else { visit.to(HERE) };
    };
    // A page may have been open for long, and whoever leaves must not stay for that: that it comes from here is enough.
    let ours = visit
        .form_number("/sign-out")
        .map(drop)
        .or_else(|denial| if visit.is_from_here() { Ok(()) } else { Err(denial) });
    let leaving = match ours.and_then(|()| check::<ManageSignIns>(Principal::of(caller))) {
        Ok(permit) => visit.commit(EndSession, permit).await,
        Err(denial) => Err(denial.into()),
    };
    match leaving {
        Ok(_) => visit.with_session(visit.to(HERE), None),
        Err(problem) => visit.problem(problem),
    }
}

#[cfg(test)]
mod tests {
    use super::next;

    #[test]
    fn nobody_is_sent_elsewhere_after_signing_in() {
        for good in ["/console", "/console/acme/keys", "/oauth/authorize?client_id=x"] {
            assert_eq!(next(Some(good)), good);
        }
        for bad in [
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/console\\x",
            "/consolex",
            "/oauth/token",
            "",
            "/platform",
        ] {
            assert_eq!(next(Some(bad)), "/console", "{bad}");
        }
    }
}

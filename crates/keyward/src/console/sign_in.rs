//! Signing in by address and password, and signing out.

use super::earlier_session;
use crate::browser::Visit;
use crate::browser::views::{Frame, Person, Shown, SignIn};
use crate::oauth::AuthorizationServer;
use crate::oauth::tries::failure;
use crate::problem::Problem;
use axum::body::Body;
use http::Response;
use keyward_core::denial::Denial;
use keyward_core::id::UserId;
use keyward_core::known_browser::Mark;
use keyward_core::opaque::{TokenKind, mint};
use keyward_core::password::{self, HashMemory, Proof};
use keyward_core::permit::{self, EndSignIns, Presented, check};
use keyward_core::principal::Principal;
use keyward_core::rate_limit::Purpose;
use keyward_core::secret::Secret;
use keyward_core::write::session::{EndSession, StartSession};
use url::form_urlencoded;

const HERE: &str = "/sign-in";

/// Where a person may be sent after signing in: to pages of ours that begin something.
fn next(text: Option<&str>) -> String {
    let local = |text: &&str| {
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        plain
            && (text.starts_with("/oauth/authorize?") || *text == "/console" || text.starts_with("/console/"))
    };
    // Absent: what is no page of ours leads to the console.
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
    let page = page(&visit, 200, next, String::new(), None, chosen);
    visit.respond(page.map(|page| visit.without_shown(page)))
}

fn page(
    visit: &Visit,
    status: u16,
    next: String,
    email: String,
    error: Option<String>,
    notice: Option<String>,
) -> Result<Response<Body>, Problem> {
    // Absent: nobody is offered.
    let people = visit.oauth().map(|server| server.people.as_slice()).unwrap_or_default();
    let people = people.iter().map(|person| Person {
        name: person.name.clone(),
        email: person.email.clone(),
        password: person.password.expose().to_owned(),
        places: person.places.clone(),
    });
    let client = next.strip_prefix("/oauth/authorize?").and_then(|query| {
        let id = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "client_id")?.1;
        visit.shared.directory.read().client(&id).map(|client| client.name.clone())
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
    let charged = visit.charge_sign_in();
    let (read, known) = match charged {
        Ok((charged, mark)) => (visit.read_form(charged).await, mark.is_some()),
        Err(denial) => (Err(denial.into()), false),
    };
    let next = next(visit.form.get("next"));
    // Absent: nobody has an empty address.
    let email = visit.form.get("email").unwrap_or_default().trim().to_ascii_lowercase();
    let outcome = match read {
        Ok(()) => enter(&visit, &email, known).await,
        Err(problem) => Err(problem),
    };
    match outcome {
        Ok((token, proof)) => {
            earlier_session::end(&visit).await;
            let response = visit.with_session(visit.to(&next), Some(&token));
            visit.with_mark(response, proof.user(), proof.hash())
        }
        Err(problem @ Problem::Denied(Denial::PasswordWrong | Denial::FormUnusable)) => {
            let status = if matches!(problem, Problem::Denied(Denial::PasswordWrong)) { 401 } else { 403 };
            let again = page(&visit, status, next, email, Some(problem.message()), None);
            visit.respond(again.map(|page| visit.refused(page, &problem)))
        }
        Err(problem) => visit.problem(problem),
    }
}

/// `known`: a known browser was charged, and not its address.
async fn enter(visit: &Visit, email: &str, known: bool) -> Result<(Secret, Proof), Problem> {
    visit.form_number(HERE)?;
    let server = visit.oauth().ok_or(Denial::RouteUnknown)?;
    // Absent: nobody has an empty password.
    let password = Secret::new(visit.form.get("password").unwrap_or_default().to_owned());
    if password.expose().len() > 4 * *password::LENGTHS.end() {
        return Err(Denial::PasswordWrong.into());
    }
    let kept = visit.web.store.password_of(email.to_owned()).await?;
    let mark = kept.as_ref().filter(|_| known).and_then(|(user, hash)| visit.mark_of(*user, hash));
    if known && mark.is_none() {
        // It is known to somebody else.
        visit.charge(Purpose::SignIn)?;
    }
    let user = kept.as_ref().map(|(user, _)| *user);
    let proof = prove(visit, server, email, (mark, password, kept)).await.inspect_err(|problem| {
        if let Problem::Denied(denial) = problem
            && let Some(failure) = failure(denial)
        {
            server.tries.failed.note(user, failure, visit.address, visit.id);
        }
    })?;
    let (token, digest) = mint(TokenKind::Session, &*visit.shared.random)?;
    let started = StartSession { proof: proof.clone(), digest };
    visit.commit(started, permit::present(Presented::Password)).await?;
    Ok((token, proof))
}

/// Verifies the password, when its turn has come. The answer does not show whether the e-mail address is known.
async fn prove(
    visit: &Visit,
    server: &AuthorizationServer,
    email: &str,
    (mark, password, kept): (Option<Mark>, Secret, Option<(UserId, Secret)>),
) -> Result<Proof, Problem> {
    let begun = server.tries.begin(email, mark, visit.address, visit.shared.clock.elapsed())?;
    let verify = move |memory: &mut HashMemory| {
        memory.verify(&password, kept.as_ref().map(|(user, hash)| (*user, hash)))
    };
    match server.hashing.run(begun.asker, verify).await {
        Ok(Some(proof)) => {
            server.hashing.forgive(begun.asker);
            begun.succeeded();
            Ok(proof)
        }
        Ok(None) => Err(Denial::PasswordWrong.into()),
        Err(problem) => {
            begun.was_not_made();
            Err(problem)
        }
    }
}

pub(super) async fn sign_out(mut visit: Visit) -> Response<Body> {
    let read = match visit.charge_form(Purpose::Forms) {
        Ok(charged) => visit.read_form(charged).await,
        Err(denial) => Err(denial.into()),
    };
    if let Err(problem) = read {
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
    let leaving = match ours.and_then(|()| check::<EndSignIns>(Principal::of(caller))) {
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

//! Choosing a password, by a link that the operator's command printed.

use super::sign_in::leave;
use crate::browser::Visit;
use crate::browser::views::{Choice, Frame, Shown, Welcome};
use crate::problem::Problem;
use axum::body::Body;
use http::Response;
use keyward_core::denial::Denial;
use keyward_core::id::UserId;
use keyward_core::opaque::TokenDigest;
use keyward_core::password::{self, LENGTHS};
use keyward_core::permit::{self, Presented};
use keyward_core::rate_limit::Purpose;
use keyward_core::secret::Secret;
use keyward_core::session::{ChoosePassword, LinkKind};
use std::sync::Arc;

const HERE: &str = "/welcome";

pub(super) async fn show(visit: Visit) -> Response<Body> {
    let token = visit.query.get("token").unwrap_or_default().to_owned();
    let shown = match found(&visit, &token).await {
        Ok(of) => page(&visit, 200, token, of, None),
        Err(problem) => Err(problem),
    };
    shown.unwrap_or_else(|problem| visit.problem(problem))
}

/// Whose link this is.
async fn found(visit: &Visit, token: &str) -> Result<(UserId, LinkKind), Problem> {
    visit.charge(Purpose::SignIn)?;
    let found = visit.app.store.link(TokenDigest::of(token), visit.app.clock.now()).await?;
    let live = visit.app.directory().read();
    let usable = found.filter(|(user, _)| live.user(*user).is_some_and(|user| !user.disabled));
    Ok(usable.ok_or(Denial::LinkUnusable)?)
}

fn page(
    visit: &Visit,
    status: u16,
    token: String,
    (user, kind): (UserId, LinkKind),
    error: Option<String>,
) -> Result<Response<Body>, Problem> {
    let (email, accounts) = {
        let live = visit.app.directory().read();
        let open = live.invitations_of(user, visit.app.clock.now());
        let accounts = open.map(|(account, role)| Choice::of(account, role)).collect::<Vec<_>>();
        (live.user(user).map(|user| user.email.clone()).unwrap_or_default(), accounts)
    };
    let reset = kind == LinkKind::Reset;
    let page = Welcome {
        frame: Frame {
            who: None,
            ..Frame::new(if reset { "Choose a new password" } else { "Welcome" }, visit)?
        },
        form: visit.form_token(HERE)?,
        accounts: if reset { Vec::new() } else { accounts },
        token,
        email,
        error,
        reset,
    };
    visit.page(status, &page)
}

pub(super) async fn choose(mut visit: Visit) -> Response<Body> {
    let read = visit.read_form().await;
    let outcome = match read {
        Ok(()) => chosen(&mut visit).await,
        Err(problem) => Err(problem),
    };
    outcome.unwrap_or_else(|problem| visit.problem(problem))
}

async fn chosen(visit: &mut Visit) -> Result<Response<Body>, Problem> {
    visit.form_number(HERE)?;
    let token = visit.form.get("token").unwrap_or_default().to_owned();
    let of = found(visit, &token).await?;
    let password = Secret::new(visit.form.get("password").unwrap_or_default().to_owned());
    if !LENGTHS.contains(&password.expose().chars().count()) {
        let error = format!("A password has {} to {} characters", LENGTHS.start(), LENGTHS.end());
        return page(visit, 422, token, of, Some(error));
    }
    let server = visit.oauth().ok_or(Denial::RouteUnknown)?;
    let random = Arc::clone(&visit.app.random);
    let hash = server.hashing.run(move || password::hash(&password, &*random)).await?;
    let hash = hash.map_err(|_| Denial::Overloaded)?;
    let effect = ChoosePassword { link: TokenDigest::of(&token), hash };
    visit.commit(effect, permit::present(Presented::Link)).await?;
    leave(visit).await;
    visit.session = None;
    Ok(visit.with_session(visit.with_notice(visit.to("/sign-in"), &Shown::PasswordSet), None))
}

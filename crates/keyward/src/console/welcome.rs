//! Choosing a password, by a link that the operator's command printed.

use super::earlier_session;
use crate::browser::Visit;
use crate::browser::views::{Choice, Frame, Offer, Shown, Welcome};
use crate::oauth::Asker;
use crate::problem::Problem;
use axum::body::Body;
use http::Response;
use keyward_core::denial::Denial;
use keyward_core::id::UserId;
use keyward_core::opaque::TokenDigest;
use keyward_core::password::{self, HashMemory, Weakness};
use keyward_core::permit::{self, Presented};
use keyward_core::rate_limit::Purpose;
use keyward_core::secret::Secret;
use keyward_core::session::{LinkKind, ShownInvitation};
use keyward_core::write::link::ChoosePassword;
use std::sync::Arc;

const HERE: &str = "/welcome";
/// The field of the form that names an invitation: the account's slug and the role, once for each that is accepted.
const INVITATION: &str = "invitation";

pub(super) async fn show(visit: Visit) -> Response<Body> {
    // Absent: no link has an empty token.
    let token = visit.query.get("token").unwrap_or_default().to_owned();
    let shown = async {
        visit.charge_page(Purpose::Links)?;
        let of = found(&visit, &token).await?;
        page(&visit, 200, token, of, None)
    };
    visit.respond(shown.await)
}

/// Whose link this is.
async fn found(visit: &Visit, token: &str) -> Result<(UserId, LinkKind), Problem> {
    let passed = visit.shared.directory.clock().passed(visit.shared.clock.now());
    let found = visit.web.store.link(TokenDigest::of(token), passed).await?;
    let live = visit.shared.directory.read();
    let usable = found.filter(|(user, _)| live.user(*user).is_some_and(|user| !user.disabled));
    let of = usable.ok_or(Denial::LinkUnusable)?;
    live.clock().judges_ends()?;
    Ok(of)
}

fn page(
    visit: &Visit,
    status: u16,
    token: String,
    (user, kind): (UserId, LinkKind),
    error: Option<String>,
) -> Result<Response<Body>, Problem> {
    let email = {
        let live = visit.shared.directory.read();
        live.user(user).ok_or(Denial::LinkUnusable)?.email.clone()
    };
    let reset = kind == LinkKind::Reset;
    let page = Welcome {
        frame: Frame {
            who: None,
            ..Frame::new(if reset { "Choose a new password" } else { "Welcome" }, visit)?
        },
        form: visit.form_token(HERE)?,
        invitations: if reset { Vec::new() } else { offers(visit, user) },
        token,
        email,
        error,
        reset,
    };
    visit.page(status, &page)
}

/// The open invitations, and which of them were chosen.
fn offers(visit: &Visit, user: UserId) -> Vec<Offer> {
    let live = visit.shared.directory.read();
    let open = live.invitations_of(user, visit.shared.clock.now());
    let offer = |into: Choice| Offer { chosen: is_chosen(visit, &into), into };
    open.map(|(account, role)| offer(Choice::of(account, role))).collect()
}

/// Whether the form names an invitation as the page has shown it.
fn is_chosen(visit: &Visit, into: &Choice) -> bool {
    visit
        .form
        .all(INVITATION)
        .any(|named| named.split_once(' ') == Some((into.slug.as_str(), into.role.as_str())))
}

/// The invitations that the form names, of those that are open.
fn chosen_invitations(visit: &Visit, user: UserId) -> Vec<ShownInvitation> {
    let live = visit.shared.directory.read();
    let open = live.invitations_of(user, visit.shared.clock.now());
    let chosen = open.filter(|(account, role)| is_chosen(visit, &Choice::of(account, *role)));
    chosen.map(|(account, role)| ShownInvitation { account: account.id, role }).collect()
}

pub(super) async fn choose(mut visit: Visit) -> Response<Body> {
    let outcome = async {
        let charged = visit.charge_form(Purpose::Links)?;
        visit.read_form_with(charged, &[INVITATION]).await?;
        chosen(&mut visit).await
    };
    let outcome = outcome.await;
    visit.respond(outcome)
}

async fn chosen(visit: &mut Visit) -> Result<Response<Body>, Problem> {
    visit.form_number(HERE)?;
    // Absent: no link has an empty token.
    let token = visit.form.get("token").unwrap_or_default().to_owned();
    let of = found(visit, &token).await?;
    // Absent: an empty password is too short to be chosen.
    let password = Secret::new(visit.form.get("password").unwrap_or_default().to_owned());
    let hash = match judged_and_hashed(visit, of.0, password).await? {
        Ok(hash) => hash,
        Err(weakness) => return page(visit, 422, token, of, Some(weakness.to_string())),
    };
    let accept = chosen_invitations(visit, of.0);
    let effect = ChoosePassword { link: TokenDigest::of(&token), hash: hash.clone(), accept };
    let chosen = visit.commit(effect, permit::present(Presented::Link)).await?;
    earlier_session::end(visit).await;
    visit.session = None;
    let response = visit.with_notice(visit.to("/sign-in"), &Shown::PasswordSet);
    let response = visit.with_session(response, None);
    // Its person is there, and signs in next, whatever strangers try meanwhile.
    Ok(visit.with_mark(response, chosen.user, &hash))
}

/// Judging costs about as much as hashing, so both are done in one turn. A person with a link has
/// a place beside the known browsers.
async fn judged_and_hashed(
    visit: &Visit,
    user: UserId,
    password: Secret,
) -> Result<Result<Secret, Weakness>, Problem> {
    let server = visit.oauth().ok_or(Denial::RouteUnknown)?;
    let (words, random) = (words_of(visit, user), Arc::clone(&visit.shared.random));
    let work = move |memory: &mut HashMemory| {
        password::judge(&password, &words).map(|()| memory.hash(&password, &*random))
    };
    match server.hashing.run(Asker::Known(user), work).await? {
        Ok(hash) => Ok(Ok(hash.map_err(|_| Denial::Overloaded)?)),
        Err(weakness) => Ok(Err(weakness)),
    }
}

/// What a guesser knows of a user: the name, the e-mail address, the accounts.
fn words_of(visit: &Visit, user: UserId) -> Vec<String> {
    let live = visit.shared.directory.read();
    let Some(person) = live.user(user) else { return Vec::new() };
    let own = [person.known_as(), person.email.clone(), person.first_name.clone(), person.last_name.clone()];
    let joined = live.accounts_of(user).chain(live.invitations_of(user, visit.shared.clock.now()));
    let accounts = joined.flat_map(|(account, _)| [account.name.clone(), account.slug.clone()]);
    own.into_iter().chain(accounts).filter(|word| !word.is_empty()).collect()
}

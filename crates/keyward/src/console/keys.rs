//! API keys: the list, a new one, rotation, revocation. The same effects as on the API, once for each form.

use super::inside::{enter, enter_to_end, frame, moment, readable};
use crate::api::api_keys::create::take;
use crate::browser::Visit;
use crate::browser::views::{Choice, Frame, Invited, KeyRow, Keys, Made, NewKey, ScopeChoice, Shown};
use crate::problem::{Problem, status};
use crate::store::Store;
use axum::body::Body;
use http::Response;
use keyward_core::api_key::{ApiKey, Wanted};
use keyward_core::denial::Denial;
use keyward_core::effect::{Answer, Commit, Ended, Repeatable};
use keyward_core::id::KeyId;
use keyward_core::idempotency::{Claim, Fingerprint, Scope as ClaimScope};
use keyward_core::input::Fields;
use keyward_core::json::Json;
use keyward_core::list::{From, SortKey, Window};
use keyward_core::made_by::MadeBy;
use keyward_core::oauth::{changes, sees};
use keyward_core::permit::{ManageKeys, Permit, ReadAccount, check, check_or_itself};
use keyward_core::principal::Principal;
use keyward_core::rate_limit::Purpose;
use keyward_core::scope::{Scope, ScopeSet};
use keyward_core::store::KeysOf;
use keyward_core::write::key::{CreateKey, RevokeKey, RotateKey};
use serde_json::Value;
use std::time::Duration;
use tokio::time::sleep;
use uuid::Uuid;

/// The keys of a page.
const MOST: u32 = 100;
/// How often, and how many milliseconds apart, it is looked whether the same form is still being executed.
const LOOKS: (u32, u64) = (100, 50);

/// The scopes that something here asks for.
const OFFERED: &[Scope] =
    &[Scope::AccountRead, Scope::AccountWrite, Scope::DealsRead, Scope::DealsWrite, Scope::PipelinesRead];

/// `/console`: the keys of the first account, or the invitations of whoever is in none.
pub(super) async fn home(visit: Visit) -> Response<Body> {
    let Some(caller) = visit.session.clone() else { return visit.to_sign_in("/console") };
    let first = {
        let live = visit.shared.directory.read();
        live.accounts_of(caller.user).next().map(|(account, _)| account.slug.clone())
    };
    match first {
        Some(slug) => visit.to(&format!("/console/{slug}/keys")),
        None => visit.respond(nowhere(&visit)),
    }
}

/// The console of whoever is in no account.
fn nowhere(visit: &Visit) -> Result<Response<Body>, Problem> {
    let page = Keys {
        frame: Frame::new("Console", visit)?,
        made: None,
        error: None,
        notice: Some("You are in no account yet.".to_owned()),
        keys: Vec::new(),
        everyone: false,
        may_see_everyone: false,
        new: blank(visit, "")?,
        invitations: invitations(visit)?,
        ceiling: String::new(),
        newer: None,
        older: None,
    };
    visit.page(200, &page)
}

pub(super) async fn show(visit: Visit) -> Response<Body> {
    let shown = match enter(&visit, Purpose::Reads) {
        Ok((who, _)) => page(&visit, 200, who, None, None).await,
        Err(problem) => Err(problem),
    };
    visit.respond(shown)
}

fn slug(visit: &Visit) -> &str {
    // Absent: no account has an empty slug, so nobody is let in there.
    visit.path_ids.first().map_or("", String::as_str)
}

fn create_at(visit: &Visit) -> String {
    format!("/console/{}/keys", slug(visit))
}

fn at_key(visit: &Visit, id: &str, verb: &str) -> String {
    format!("/console/{}/keys/{id}/{verb}", slug(visit))
}

/// What was filled in, to be shown again.
fn blank(visit: &Visit, action: &str) -> Result<NewKey, Problem> {
    let form = &visit.form;
    // Absent: the field is empty again.
    let text = |name| form.get(name).unwrap_or_default().to_owned();
    // Absent: what the empty form offers; the person sees it, and what is sent without it has scopes alone.
    let permission = form.get("permission").unwrap_or("full_access").to_owned();
    let scopes = OFFERED.iter().map(|scope| {
        let only = ScopeSet::NONE.with(*scope);
        // Absent: its name stands there anyway.
        let words = sees(only).into_iter().chain(changes(only)).next().unwrap_or_default();
        ScopeChoice { name: scope.name(), words, checked: form.all("scope").any(|name| name == scope.name()) }
    });
    Ok(NewKey {
        form: visit.form_token(action)?,
        label: text("label"),
        permission,
        scopes: scopes.collect(),
        expires: text("expires"),
        addresses: text("addresses"),
    })
}

fn invitations(visit: &Visit) -> Result<Vec<Invited>, Problem> {
    let Some(caller) = &visit.session else { return Ok(Vec::new()) };
    let open: Vec<Choice> = {
        let live = visit.shared.directory.read();
        let open = live.invitations_of(caller.user, visit.shared.clock.now());
        open.map(|(account, role)| Choice::of(account, role)).collect()
    };
    let each = open.into_iter().map(|into| {
        let form = visit.form_token(&format!("/console/invitations/{}/accept", into.slug))?;
        Ok(Invited { into, form })
    });
    each.collect()
}

async fn page(
    visit: &Visit,
    status: u16,
    who: Principal,
    error: Option<String>,
    filled: Option<NewKey>,
) -> Result<Response<Body>, Problem> {
    let frame = frame(visit, &who, "API keys", "keys")?;
    let new = match filled {
        Some(filled) => filled,
        None => blank(visit, &create_at(visit))?,
    };
    let everyone = who.is_admin() && visit.query.get("all").is_some();
    let permit = check::<ReadAccount>(who.clone())?;
    let of = if everyone { KeysOf::Account } else { KeysOf::Caller };
    // Absent: what is no number begins with the newest.
    let beyond = visit.query.get("beyond").and_then(|text| text.parse().ok()).unwrap_or(0_u32);
    let newest_first = vec![SortKey { field: "id", descending: true }];
    let window = Window { limit: MOST, from: From::Offset(newest_first, beyond) };
    let listed = visit.web.store.list_keys(&permit, of, None, window).await?;
    let keys = listed.items.iter().map(|key| row(visit, &who, key)).collect::<Result<Vec<_>, Problem>>()?;
    let at = |beyond: u32| {
        let all = if everyone { "&all=true" } else { "" };
        format!("{}?beyond={beyond}{all}", create_at(visit))
    };
    let (made, notice) = match visit.shown() {
        Some(Shown::Made(made)) => (Some(made), None),
        Some(Shown::Revoked) => (None, Some("The key is revoked.".to_owned())),
        Some(Shown::Disconnected | Shown::PasswordSet) | None => (None, None),
    };
    let page = Keys {
        frame,
        made,
        error,
        notice,
        keys,
        everyone,
        may_see_everyone: who.is_admin(),
        new,
        invitations: invitations(visit)?,
        ceiling: ceiling(visit, &who),
        newer: (beyond > 0).then(|| at(beyond.saturating_sub(MOST))),
        older: listed.has_more.then(|| at(beyond.saturating_add(MOST))),
    };
    Ok(visit.without_shown(visit.page(status, &page)?))
}

fn ceiling(visit: &Visit, who: &Principal) -> String {
    let most = visit.web.charger.of_caller(who).keys;
    let live = visit.shared.directory.read();
    let now = visit.shared.clock.now();
    // Absent: who is in no account has no key there.
    let count = who.member.map_or(0, |member| live.live_keys(member.account, now));
    format!("{count} of {most} keys in this account")
}

fn row(visit: &Visit, who: &Principal, key: &ApiKey) -> Result<KeyRow, Problem> {
    let id = key.id.to_string();
    let (rotate_form, form) =
        (visit.form_token(&at_key(visit, &id, "rotate"))?, visit.form_token(&at_key(visit, &id, "revoke"))?);
    let live = visit.shared.directory.read();
    // Absent: whose user has no role there may do nothing.
    let scopes = live.role(key.account, key.user).map(|role| key.grant.under(role)).unwrap_or_default();
    let rights = match key.grant.permission() {
        Some("full_access") => "full access".to_owned(),
        Some(_) => "read only".to_owned(),
        None if scopes.iter().count() == 1 => "1 scope".to_owned(),
        None => format!("{} scopes", scopes.iter().count()),
    };
    // Absent: a user who is gone has no name.
    let user = live.user(key.user).map(|user| user.known_as()).unwrap_or_default();
    Ok(KeyRow {
        id: key.id.0,
        label: key.label.clone(),
        prefix: key.prefix.clone(),
        user,
        own: key.user == who.user,
        rights,
        listed: key.grant.permission().is_none(),
        scopes: scopes.names(),
        created: moment(key.created_at),
        made_by: key.made_by.map(MadeBy::words),
        last_used: key.last_used_at.map(moment),
        expires: key.expires_at.map(moment),
        addresses: key.allowed_ips.iter().flat_map(|ranges| ranges.iter().map(ToString::to_string)).collect(),
        form,
        rotate_form,
    })
}

/// The form as the body that the API would take, so that it is judged by the same rules.
fn body(visit: &Visit) -> Json {
    let form = &visit.form;
    let text = |text: &str| Json::String(text.to_owned());
    // Absent: null, which is no label.
    let mut members =
        vec![("label".to_owned(), form.get("label").map_or(Json::Null, |label| text(label.trim())))];
    match form.get("permission") {
        Some("scopes") | None => {
            members.push(("scopes".to_owned(), Json::Array(form.all("scope").map(text).collect())));
        }
        Some(permission) => members.push(("permission".to_owned(), text(permission))),
    }
    // Absent: no end, as the hint at the field says.
    let expires = form.get("expires").map_or(Json::Null, |day| text(&format!("{day}T23:59:59Z")));
    members.push(("expires_at".to_owned(), expires));
    // Absent: from everywhere, as the hint at the field says.
    let ranges: Vec<Json> = form.get("addresses").unwrap_or_default().split_whitespace().map(text).collect();
    let ranges = if ranges.is_empty() { Json::Null } else { Json::Array(ranges) };
    members.push(("allowed_ips".to_owned(), ranges));
    Json::Object(members)
}

/// The claim of a form: sent twice, it is done once.
fn claim(
    visit: &Visit,
    who: &Principal,
    (form, action): (Uuid, &str),
    body: Option<&Json>,
) -> Result<Claim, Problem> {
    let scope = ClaimScope { account: who.member.map(|member| member.account), user: who.user };
    let fingerprint = Fingerprint::of("POST", action, "", body);
    Ok(visit.shared.claims.claim(scope, form, fingerprint, &*visit.shared.random)?)
}

pub(super) async fn create(mut visit: Visit) -> Response<Body> {
    let outcome = async {
        let (who, charged) = enter(&visit, Purpose::Writes)?;
        visit.read_form_with(charged, &["scope"]).await?;
        created(&visit, who).await
    };
    match outcome.await {
        Ok(response) => response,
        // Who is not let in has nothing to fill in, and 429 is told with its header.
        Err(
            problem @ Problem::Denied(Denial::SessionEnded | Denial::RateLimited(..) | Denial::TooManyBodies),
        ) => visit.problem(problem),
        // A page that another site has asked for is nobody's to read, and would be shown without being charged.
        Err(problem @ Problem::Denied(_)) if !visit.is_from_elsewhere() => again(&visit, problem).await,
        Err(problem) => visit.problem(problem),
    }
}

/// What is wrong, with the fields as the form calls them. It is judged as a body of the API, which has names of its own for them.
fn as_labelled(message: String) -> String {
    let names = [
        ("expires_at", "Last day"),
        ("allowed_ips", "Addresses"),
        ("label", "Name"),
        ("scopes", "What it may do"),
    ];
    let named = names.iter().find_map(|(field, name)| Some((name, message.strip_prefix(field)?)));
    // A field is named at the beginning, and not as the beginning of another word.
    match named {
        Some((name, rest)) if !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_') => {
            format!("{name}{rest}")
        }
        // Absent: a message that names no field stands as it is.
        _ => message,
    }
}

/// The page again, with what was filled in and what is wrong with it.
async fn again(visit: &Visit, problem: Problem) -> Response<Body> {
    let shown = async {
        let caller = visit.session.clone().ok_or(Denial::SessionEnded)?;
        let who = visit.shared.directory.read().act_in(caller, Some(slug(visit).as_bytes()), true)?;
        let mut filled = blank(visit, &create_at(visit))?;
        if let (Problem::Denied(Denial::IdempotencyInProgress), Some(form)) =
            (&problem, visit.form.get("form"))
        {
            // It may have been done by now: with its own number it is not done again.
            form.clone_into(&mut filled.form);
        }
        let said = match &problem {
            // Sent, changed and sent again: the number of the form is used up.
            Problem::Denied(Denial::IdempotencyKeyReused) => Denial::FormUnusable.message(),
            problem => as_labelled(problem.message()),
        };
        let page = page(visit, status(problem.code()).as_u16(), who, Some(said), Some(filled)).await?;
        Ok(visit.refused(page, &problem))
    };
    visit.respond(shown.await)
}

async fn created(visit: &Visit, who: Principal) -> Result<Response<Body>, Problem> {
    let action = create_at(visit);
    let number = visit.form_number(&action)?;
    let body = body(visit);
    let mut fields = Fields::of(&body).map_err(Denial::Invalid)?;
    let (label, wanted): (Option<String>, Wanted) = take(&mut fields);
    fields.finish().map_err(Denial::Invalid)?;
    let label = label.ok_or_else(|| Denial::invalid("label", "label is required"))?;
    let answer = settled(visit, || {
        let claim = claim(visit, &who, (number, &action), Some(&body))?;
        let secret = visit.shared.ring.mint(&*visit.shared.random)?;
        let effect = CreateKey { label: label.clone(), wanted: wanted.clone(), secret };
        Ok((effect, check::<ManageKeys>(who.clone())?, claim))
    });
    shown_once(visit, answer.await?, false)
}

/// The answer to a form, which is executed once. By a double click it comes twice at once, and a browser waits for the second: that one
/// has the answer of the first, and with it the secret.
async fn settled<E: Repeatable>(
    visit: &Visit,
    make: impl Fn() -> Result<(E, Permit<E::Action>, Claim), Problem>,
) -> Result<Answer, Problem>
where
    dyn Store: Commit<E>,
{
    let (looks, apart) = LOOKS;
    for _ in 0..looks {
        let (effect, permit, claim) = make()?;
        match visit.commit_once(effect, permit, claim).await? {
            Ended::Done(_, answer) | Ended::Replayed(answer) => return Ok(answer),
            Ended::Refused(Denial::IdempotencyInProgress) => sleep(Duration::from_millis(apart)).await,
            Ended::Refused(denial) => return Err(denial.into()),
        }
    }
    Err(Denial::IdempotencyInProgress.into())
}

/// Back to the list, which shows the secret this once.
fn shown_once(visit: &Visit, answer: Answer, rotated: bool) -> Result<Response<Body>, Problem> {
    let body: Value = serde_json::from_slice(&answer.body).map_err(|_| Problem::Panicked)?;
    let text = |name: &str| body.pointer(&format!("/data/{name}")).and_then(Value::as_str).map(str::to_owned);
    let made = Made {
        label: text("label").ok_or(Problem::Panicked)?,
        secret: text("api_key").ok_or(Problem::Panicked)?,
        rotated,
        previous_until: text("previous_secret_expires_at").map(|end| readable(&end)),
    };
    visit.with_shown(visit.to(&create_at(visit)), &Shown::Made(made))
}

fn key_id(visit: &Visit) -> String {
    // Absent: no key has an empty id.
    visit.path_ids.get(1).cloned().unwrap_or_default()
}

pub(super) async fn rotate(mut visit: Visit) -> Response<Body> {
    let outcome = async {
        let (who, charged) = enter(&visit, Purpose::Writes)?;
        visit.read_form(charged).await?;
        rotated(&visit, who).await
    };
    let outcome = outcome.await;
    visit.respond(outcome)
}

async fn rotated(visit: &Visit, who: Principal) -> Result<Response<Body>, Problem> {
    // Absent: none, so the old secret ends at once.
    let (id, grace) = (key_id(visit), visit.form.get("grace_seconds").unwrap_or("0"));
    let action = at_key(visit, &id, "rotate");
    let number = visit.form_number(&action)?;
    let Ok(grace_seconds @ 0..=604_800) = grace.parse::<i64>() else {
        let wrong = "grace_seconds must be an integer from 0 to 604800";
        return Err(Denial::invalid("grace_seconds", wrong).into());
    };
    let body = Json::String(grace.to_owned());
    let answer = settled(visit, || {
        let claim = claim(visit, &who, (number, &action), Some(&body))?;
        let secret = visit.shared.ring.mint(&*visit.shared.random)?;
        let effect = RotateKey { key: KeyId::parse(&id), as_sent: id.clone(), grace_seconds, secret };
        Ok((effect, check::<ManageKeys>(who.clone())?, claim))
    });
    shown_once(visit, answer.await?, true)
}

pub(super) async fn revoke(mut visit: Visit) -> Response<Body> {
    let outcome = async {
        let (who, charged) = enter_to_end(&visit)?;
        visit.read_form(charged).await?;
        revoked(&visit, who).await
    };
    match outcome.await {
        Ok(()) => {
            // Back to the list that it was on.
            let all = if visit.form.get("all").is_some() { "?all=true" } else { "" };
            visit.with_notice(visit.to(&format!("{}{all}", create_at(&visit))), &Shown::Revoked)
        }
        Err(problem) => visit.problem(problem),
    }
}

async fn revoked(visit: &Visit, who: Principal) -> Result<(), Problem> {
    let id = key_id(visit);
    visit.form_number(&at_key(visit, &id, "revoke"))?;
    let permit = check_or_itself(who, None)?;
    visit.commit(RevokeKey { key: KeyId::parse(&id), as_sent: id, descendants: false }, permit).await?;
    Ok(())
}

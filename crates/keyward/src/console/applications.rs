//! Connected applications, and open invitations.

use super::inside::{enter, enter_to_end, frame, moment};
use crate::browser::Visit;
use crate::browser::views::{Application, Applications, Frame, Shown};
use crate::problem::Problem;
use axum::body::Body;
use http::Response;
use keyward_core::denial::Denial;
use keyward_core::oauth::{changes, sees};
use keyward_core::permit::{EndSignIns, ManageSignIns, check};
use keyward_core::principal::Principal;
use keyward_core::rate_limit::Purpose;
use keyward_core::scope::ScopeSet;
use keyward_core::session::ShownInvitation;
use keyward_core::write::grant::Disconnect;
use keyward_core::write::invitation::AcceptInvitation;
use std::collections::{BTreeMap, BTreeSet};

pub(super) async fn show(visit: Visit) -> Response<Body> {
    let shown = enter(&visit, Purpose::Reads).and_then(|(who, _)| {
        let frame = frame(&visit, &who, TITLE, "applications")?;
        page(&visit, &who, frame)
    });
    visit.respond(shown)
}

/// For whoever is in no account: what was let in before, or knows only who its person is.
pub(super) async fn show_alone(visit: Visit) -> Response<Body> {
    let shown = match visit.session.clone() {
        Some(caller) => {
            Frame::new(TITLE, &visit).and_then(|frame| page(&visit, &Principal::of(caller), frame))
        }
        None => Err(Denial::SessionEnded.into()),
    };
    visit.respond(shown)
}

const TITLE: &str = "Connected applications";

/// Where the applications are: in an account's part of the console, or outside.
fn here(visit: &Visit) -> String {
    match visit.path_ids.first() {
        Some(slug) => format!("/console/{slug}/applications"),
        None => "/console/applications".to_owned(),
    }
}

fn disconnect_at(visit: &Visit) -> String {
    format!("{}/disconnect", here(visit))
}

fn page(visit: &Visit, who: &Principal, frame: Frame) -> Result<Response<Body>, Problem> {
    let now = visit.shared.clock.now();
    let mut applications: BTreeMap<String, (Application, ScopeSet, BTreeSet<String>)> = BTreeMap::new();
    {
        let live = visit.shared.directory.read();
        for grant in live.grants_of(who.user, now) {
            let account = match (grant.bound, grant.account.and_then(|account| live.account(account))) {
                (true, Some(account)) => account.name.clone(),
                (true, None) => "no account".to_owned(),
                (false, _) => "all your accounts".to_owned(),
            };
            let used = grant.last_used_at.map(moment);
            // Several sign-ins of one application are one line: they are disconnected together.
            let (known, scopes, accounts) =
                applications.entry(grant.client.to_string()).or_insert_with(|| {
                    let application = Application {
                        client: grant.client.to_string(),
                        name: grant.client_name.clone(),
                        account: String::new(),
                        sees: Vec::new(),
                        changes: Vec::new(),
                        since: moment(grant.created_at),
                        last_used: None,
                        form: String::new(),
                    };
                    (application, ScopeSet::NONE, BTreeSet::new())
                });
            accounts.insert(account);
            *scopes = grant.scopes.iter().fold(*scopes, ScopeSet::with);
            known.last_used = known.last_used.take().max(used);
        }
    }
    let action = disconnect_at(visit);
    let applications = applications.into_values().map(|(application, scopes, accounts)| {
        let form = visit.form_token(&action)?;
        let account = accounts.into_iter().collect::<Vec<_>>().join(", ");
        Ok(Application { account, sees: sees(scopes), changes: changes(scopes), form, ..application })
    });
    let applications = applications.collect::<Result<_, Problem>>()?;
    let notice = matches!(visit.shown(), Some(Shown::Disconnected))
        .then(|| "The application is disconnected.".to_owned());
    Ok(visit
        .without_shown(visit.page(200, &Applications { frame, notice, applications, disconnect: action })?))
}

pub(super) async fn disconnect(mut visit: Visit) -> Response<Body> {
    let outcome = async {
        let (who, charged) = enter_to_end(&visit)?;
        visit.read_form(charged).await?;
        disconnected(&visit, who).await
    };
    match outcome.await {
        Ok(()) => visit.with_notice(visit.to(&here(&visit)), &Shown::Disconnected),
        Err(problem) => visit.problem(problem),
    }
}

async fn disconnected(visit: &Visit, who: Principal) -> Result<(), Problem> {
    visit.form_number(&disconnect_at(visit))?;
    let client = visit.form.get("client").ok_or(Denial::FormUnusable)?;
    visit.commit(Disconnect { client: client.into() }, check::<EndSignIns>(who)?).await?;
    Ok(())
}

pub(super) async fn accept(mut visit: Visit) -> Response<Body> {
    let outcome = async {
        let charged = visit.charge_person()?;
        visit.read_form(charged).await?;
        accepted(&visit).await
    };
    match outcome.await {
        Ok(slug) => visit.to(&format!("/console/{slug}/keys")),
        Err(problem) => visit.problem(problem),
    }
}

async fn accepted(visit: &Visit) -> Result<String, Problem> {
    let caller = visit.session.clone().ok_or(Denial::SessionEnded)?;
    let slug = visit.path_ids.first().cloned().ok_or(Denial::RouteUnknown)?;
    visit.form_number(&format!("/console/invitations/{slug}/accept"))?;
    let open = {
        let live = visit.shared.directory.read();
        let mut open = live.invitations_of(caller.user, visit.shared.clock.now());
        let found = open.find(|(account, _)| account.slug == slug);
        if found.is_none() && live.accounts_of(caller.user).any(|(account, _)| account.slug == slug) {
            // Pressed twice.
            return Ok(slug);
        }
        found.map(|(account, role)| ShownInvitation { account: account.id, role })
    };
    let open = open.ok_or_else(|| Denial::not_found_by("Invitation", "slug", &slug))?;
    // Who has seen another role has not said yes to this one.
    if visit.form.get("role") != Some(open.role.name()) {
        return Err(Denial::FormUnusable.into());
    }
    visit.commit(AcceptInvitation(open), check::<ManageSignIns>(Principal::of(caller))?).await?;
    Ok(slug)
}

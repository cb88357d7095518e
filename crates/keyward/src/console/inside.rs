//! Being in an account's part of the console.

use crate::browser::views::{Choice, Frame, Tabs};
use crate::browser::{Charged, Visit};
use crate::problem::Problem;
use keyward_core::clock::Timestamp;
use keyward_core::denial::Denial;
use keyward_core::principal::Principal;
use keyward_core::rate_limit::Purpose;

/// Whoever is signed in, in the account of the path. It counts as a read or a write of that account, as on the API.
pub(super) fn enter(visit: &Visit, purpose: Purpose) -> Result<(Principal, Charged), Problem> {
    let caller = visit.session.clone().ok_or(Denial::SessionEnded)?;
    let slug = visit.path_ids.first().ok_or(Denial::RouteUnknown)?;
    let principal = visit.shared.directory.read().act_in(caller, Some(slug.as_bytes()), true)?;
    let charged = visit.charge_caller(&principal, purpose)?;
    Ok((principal, charged))
}

/// The same for whoever ends something: it counts as a write of the person alone, so that a key that writes as much as it can does not
/// keep its owner from revoking it.
pub(super) fn enter_to_end(visit: &Visit) -> Result<(Principal, Charged), Problem> {
    let caller = visit.session.clone().ok_or(Denial::SessionEnded)?;
    let alone = Principal::of(caller.clone());
    let charged = visit.charge_caller(&alone, Purpose::Writes)?;
    match visit.path_ids.first() {
        Some(slug) => {
            Ok((visit.shared.directory.read().act_in(caller, Some(slug.as_bytes()), true)?, charged))
        }
        None => Ok((alone, charged)),
    }
}

/// The frame of a page in an account.
pub(super) fn frame(
    visit: &Visit,
    who: &Principal,
    title: &str,
    current: &'static str,
) -> Result<Frame, Problem> {
    let mut frame = Frame::new(title, visit)?;
    let live = visit.shared.directory.read();
    let here = who.member.map(|member| member.account);
    let mut tabs = Tabs {
        slug: String::new(),
        account: String::new(),
        role: String::new(),
        others: Vec::new(),
        current,
    };
    for (account, role) in live.accounts_of(who.user) {
        let Choice { slug, name, role } = Choice::of(account, role);
        if Some(account.id) == here {
            (tabs.slug, tabs.account, tabs.role) = (slug, name, role);
        } else {
            tabs.others.push(Choice { slug, name, role });
        }
    }
    frame.tabs = Some(tabs);
    Ok(frame)
}

/// A moment, for people.
pub(super) fn moment(at: Timestamp) -> String {
    readable(&at.to_string())
}

/// A moment as the API writes it, for people.
pub(super) fn readable(text: &str) -> String {
    match text.split_once('T').and_then(|(day, time)| Some((day, time.get(..5)?))) {
        Some((day, time)) => format!("{day} {time} UTC"),
        None => text.to_owned(),
    }
}

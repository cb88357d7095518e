//! What each template shows.

use super::Visit;
use crate::problem::Problem as Fault;
use askama::Template;
use keyward_core::account::Account;
use keyward_core::role::Role;

/// The frame of every page.
pub(crate) struct Frame {
    pub(crate) title: String,
    pub(crate) who: Option<Who>,
    pub(crate) tabs: Option<Tabs>,
}

/// Who is signed in.
pub(crate) struct Who {
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) form: String,
}

/// The menu of the console.
pub(crate) struct Tabs {
    pub(crate) slug: String,
    pub(crate) account: String,
    pub(crate) role: String,
    pub(crate) others: Vec<Choice>,
    pub(crate) current: &'static str,
}

/// An account to choose.
pub(crate) struct Choice {
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) role: String,
}

impl Choice {
    pub(crate) fn of(account: &Account, role: Role) -> Self {
        Self { slug: account.slug.clone(), name: account.name.clone(), role: role.name().to_owned() }
    }
}

impl Frame {
    /// With whoever is signed in.
    pub(crate) fn new(title: &str, visit: &Visit) -> Result<Self, Fault> {
        let who = match &visit.session {
            None => None,
            Some(caller) => {
                let form = visit.form_token("/sign-out")?;
                let live = visit.shared.directory.read();
                live.user(caller.user).map(|user| Who {
                    name: user.known_as(),
                    email: user.email.clone(),
                    form,
                })
            }
        };
        Ok(Self { title: title.to_owned(), who, tabs: None })
    }
}

#[derive(Template)]
#[template(path = "app/sign_in.html")]
pub(crate) struct SignIn {
    pub(crate) frame: Frame,
    pub(crate) next: String,
    pub(crate) form: String,
    pub(crate) email: String,
    pub(crate) error: Option<String>,
    pub(crate) notice: Option<String>,
    pub(crate) client: Option<String>,
    pub(crate) people: Vec<Person>,
}

/// Somebody of the demo.
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) password: String,
    pub(crate) places: String,
}

#[derive(Template)]
#[template(path = "app/choose_account.html")]
pub(crate) struct ChooseAccount {
    pub(crate) frame: Frame,
    pub(crate) client: String,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) accounts: Vec<Choice>,
    pub(crate) mixed: bool,
}

#[derive(Template)]
#[template(path = "app/consent.html")]
pub(crate) struct Consent {
    pub(crate) frame: Frame,
    pub(crate) error: Option<String>,
    pub(crate) client: String,
    pub(crate) host: String,
    pub(crate) document: Option<String>,
    pub(crate) loopback: bool,
    pub(crate) account: Option<String>,
    pub(crate) role: Option<String>,
    pub(crate) identity: Vec<&'static str>,
    pub(crate) sees: Vec<&'static str>,
    pub(crate) changes: Vec<&'static str>,
    pub(crate) offline: bool,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) form: String,
    /// Whether it was sent with this choice.
    pub(crate) read_only: bool,
    pub(crate) elsewhere: Option<String>,
}

#[derive(Template)]
#[template(path = "app/end_session.html")]
pub(crate) struct EndSession {
    pub(crate) frame: Frame,
    /// The application that asks for it.
    pub(crate) client: Option<String>,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) form: String,
}

#[derive(Template)]
#[template(path = "app/welcome.html")]
pub(crate) struct Welcome {
    pub(crate) frame: Frame,
    pub(crate) token: String,
    pub(crate) form: String,
    pub(crate) email: String,
    pub(crate) error: Option<String>,
    /// The open invitations, none of several chosen for its person.
    pub(crate) invitations: Vec<Offer>,
    pub(crate) reset: bool,
}

#[derive(Template)]
#[template(path = "app/problem.html")]
pub(crate) struct Problem {
    pub(crate) frame: Frame,
    pub(crate) heading: String,
    pub(crate) text: String,
    pub(crate) request_id: String,
    pub(crate) back: Option<Link>,
}

/// Where to go on.
pub(crate) struct Link {
    pub(crate) href: String,
    pub(crate) text: String,
}

#[derive(Template)]
#[template(path = "app/keys.html")]
pub(crate) struct Keys {
    pub(crate) frame: Frame,
    pub(crate) made: Option<Made>,
    pub(crate) error: Option<String>,
    pub(crate) notice: Option<String>,
    pub(crate) keys: Vec<KeyRow>,
    pub(crate) everyone: bool,
    pub(crate) may_see_everyone: bool,
    pub(crate) new: NewKey,
    pub(crate) invitations: Vec<Invited>,
    pub(crate) ceiling: String,
    /// Where the keys before and after these are.
    pub(crate) newer: Option<String>,
    pub(crate) older: Option<String>,
}

/// What a page is told by the form before it, and shows this once.
#[derive(serde::Serialize, serde::Deserialize)]
pub(crate) enum Shown {
    Made(Made),
    Revoked,
    Disconnected,
    PasswordSet,
}

/// A secret that is shown this once.
#[derive(serde::Serialize, serde::Deserialize)]
pub(crate) struct Made {
    pub(crate) label: String,
    pub(crate) secret: String,
    pub(crate) rotated: bool,
    pub(crate) previous_until: Option<String>,
}

/// A key in the list.
pub(crate) struct KeyRow {
    pub(crate) id: i64,
    pub(crate) label: String,
    pub(crate) prefix: String,
    pub(crate) user: String,
    pub(crate) own: bool,
    pub(crate) rights: String,
    /// Whether its scopes are a list of their own, and not what its person may do.
    pub(crate) listed: bool,
    pub(crate) scopes: Vec<&'static str>,
    pub(crate) created: String,
    /// `None`: made before this was recorded.
    pub(crate) made_by: Option<String>,
    pub(crate) last_used: Option<String>,
    pub(crate) expires: Option<String>,
    pub(crate) addresses: Vec<String>,
    pub(crate) form: String,
    pub(crate) rotate_form: String,
}

/// The form of a new key, as it was filled in.
pub(crate) struct NewKey {
    pub(crate) form: String,
    pub(crate) label: String,
    pub(crate) permission: String,
    pub(crate) scopes: Vec<ScopeChoice>,
    pub(crate) expires: String,
    pub(crate) addresses: String,
}

/// A scope to choose.
pub(crate) struct ScopeChoice {
    pub(crate) name: &'static str,
    pub(crate) words: &'static str,
    pub(crate) checked: bool,
}

/// An invitation that comes with a new password.
pub(crate) struct Offer {
    pub(crate) into: Choice,
    pub(crate) chosen: bool,
}

/// An open invitation.
pub(crate) struct Invited {
    pub(crate) into: Choice,
    pub(crate) form: String,
}

#[derive(Template)]
#[template(path = "app/applications.html")]
pub(crate) struct Applications {
    pub(crate) frame: Frame,
    pub(crate) notice: Option<String>,
    pub(crate) applications: Vec<Application>,
    /// Where one is disconnected.
    pub(crate) disconnect: String,
}

/// A connected application.
pub(crate) struct Application {
    pub(crate) client: String,
    pub(crate) name: String,
    pub(crate) account: String,
    pub(crate) sees: Vec<&'static str>,
    pub(crate) changes: Vec<&'static str>,
    pub(crate) since: String,
    pub(crate) last_used: Option<String>,
    pub(crate) form: String,
}

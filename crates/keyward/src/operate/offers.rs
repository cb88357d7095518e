//! What the orders that show a secret once show, and what waits for it. Everything that can be wrong is found before anything is
//! shown.

use super::carry_out::{account_named, plain, role_named, said, user_named};
use super::desk::Desk;
use super::if_absent;
use super::keys;
use super::order::Order;
use super::shown_once::{Offer, Pending};
use crate::cli::{CliError, Exit};
use keyward_core::api_key::base62;
use keyward_core::denial::Denial;
use keyward_core::id::{KeyId, UserId};
use keyward_core::oauth::{Client, ClientOrigin};
use keyward_core::opaque::{TokenKind, mint};
use keyward_core::password;
use keyward_core::random::uuid4;
use keyward_core::session::LinkKind;
use keyward_core::write::invitation::InviteByOperator;
use keyward_core::write::link::IssueLink;
use keyward_core::write::user::{AddUser, CreateUser, ReserveUser};
use serde_json::{Value, json};

impl Order {
    /// Whether its answer may show a secret once.
    pub(crate) fn shows_secret(&self) -> bool {
        if let Self::IfAbsent { of, .. } = self {
            return of.shows_secret();
        }
        matches!(
            self,
            Self::KeyCreate(_)
                | Self::KeyRotate { .. }
                | Self::UserCreate { .. }
                | Self::ClientCreate { .. }
                | Self::UserInvite { .. }
                | Self::UserResetPassword { .. }
        )
    }
}

/// Looks at such an order.
pub(crate) async fn offer(desk: &Desk, order: Order) -> Result<Offer, CliError> {
    match order {
        Order::IfAbsent { of, .. } => if_absent::offered(desk, *of).await,
        Order::KeyCreate(new) => keys::offer(desk, new).await,
        Order::KeyRotate { key, grace_seconds } => rotation(desk, KeyId(key), grace_seconds).await,
        Order::UserCreate { email, first_name, last_name, member } => {
            user(desk, email.to_lowercase(), (first_name, last_name), member).await
        }
        Order::ClientCreate { name, redirect_uris, confidential } => {
            client(desk, name, redirect_uris, confidential)
        }
        Order::UserInvite { email, account, role } => invitation(desk, &email, (&account, &role)).await,
        Order::UserResetPassword { email } => {
            let user = user_named(&desk.operator(), &email)?;
            let (link, url, until) = link(desk, user, LinkKind::Reset)?;
            let shows = json!({ "id": user, "email": email, "link": url, "until": until });
            Ok(Offer { shows, pending: Pending::Link { link, invited: false } })
        }
        // Absent: nothing is done.
        _ => Err(said("this order shows no secret")),
    }
}

fn refused(denial: &Denial) -> CliError {
    CliError::Ended(Exit::of_denial(denial), denial.message())
}

fn failed(error: impl std::fmt::Display) -> CliError {
    said(error.to_string())
}

async fn rotation(desk: &Desk, key: KeyId, grace_seconds: i64) -> Result<Offer, CliError> {
    let now = desk.clock.now();
    let found = desk.store.key(key).await?.filter(|key| key.revoked_at.is_none());
    let found = found.ok_or_else(|| refused(&Denial::not_found("API key", &key.to_string())))?;
    if !found.is_live(now) {
        return Err(said("key_id names a key that has expired; create a new one"));
    }
    let secret = desk.operator().mint()?;
    // It is the end that is shown which holds, however long that takes.
    let previous_until = (grace_seconds > 0).then(|| now.plus_seconds(grace_seconds));
    let text = secret.secret.expose();
    let shows = json!({ "id": key, "api_key": text, "previous_secret_expires_at": previous_until });
    Ok(Offer { shows, pending: Pending::Rotation { key, previous_until, secret } })
}

async fn user(
    desk: &Desk,
    email: String,
    (first_name, last_name): (String, String),
    member: Option<(String, String)>,
) -> Result<Offer, CliError> {
    let operator = &desk.operator();
    if !email.contains('@') || email.contains(char::is_whitespace) {
        return Err(said("a user is named by an e-mail address"));
    }
    plain("an e-mail address", &email)?;
    for name in [&first_name, &last_name].into_iter().filter(|name| !name.is_empty()) {
        plain("a name", name)?;
    }
    let place = match member {
        Some((account, role)) => Some((account_named(operator, &account)?, role_named(&role)?)),
        None => None,
    };
    let password = operator.password()?;
    let hash = password::hash(&password, &*desk.random).map_err(failed)?;
    let uuid = uuid4(&*desk.random).map_err(failed)?.to_string();
    let reserved = operator.commit(ReserveUser { uuid: uuid.clone(), email: email.clone() }).await;
    let id = reserved.map_err(taken)?;
    let shows = json!({ "id": id, "email": email, "password": password.expose() });
    let user = CreateUser { uuid, email, first_name, last_name, title: None, password_hash: Some(hash) };
    Ok(Offer { shows, pending: Pending::User(AddUser { id, user, place }) })
}

/// The one reason for which an address is refused.
fn taken(error: CliError) -> CliError {
    match error {
        CliError::Ended(Exit::Refused, text) => CliError::already_exists(text),
        other => other,
    }
}

fn client(desk: &Desk, name: String, uris: Vec<String>, confidential: bool) -> Result<Offer, CliError> {
    plain("a name", &name)?;
    uris.iter().try_for_each(|uri| redirect_uri(desk, uri))?;
    let secret =
        if confidential { Some(mint(TokenKind::ClientSecret, &*desk.random).map_err(failed)?) } else { None };
    let client = Client {
        id: format!("kw_app_{}", base62(&*desk.random, 22).map_err(failed)?).into(),
        name,
        redirect_uris: uris.into(),
        origin: ClientOrigin::Operator,
        secret: secret.as_ref().map(|(_, digest)| *digest),
        refreshes: true,
        created_at: desk.clock.now(),
    };
    let mut shows =
        json!({ "client_id": &*client.id, "name": client.name, "redirect_uris": &*client.redirect_uris });
    if let (Some((secret, _)), Some(members)) = (secret, shows.as_object_mut()) {
        members.insert("client_secret".to_owned(), json!(secret.expose()));
    }
    Ok(Offer { shows, pending: Pending::Client(client) })
}

/// Refuses what no person could be sent back to.
fn redirect_uri(desk: &Desk, uri: &str) -> Result<(), CliError> {
    if !desk.redirect_schemes.are_fit(uri) {
        return Err(said(format!(
            "{uri}: a redirect URI is https, http on loopback, or of a native application's scheme: one with a dot in it, one that is \
             well known, or one that [oauth] redirect_schemes names"
        )));
    }
    if uri.contains('*') {
        return Err(said(format!(
            "{uri}: redirect URIs are compared to the letter, and * stands for nothing else; name each address by a --redirect-uri of \
             its own"
        )));
    }
    Ok(())
}

async fn invitation(desk: &Desk, email: &str, (account, role): (&str, &str)) -> Result<Offer, CliError> {
    let operator = &desk.operator();
    let email = email.to_lowercase();
    if !email.contains('@') || email.contains(char::is_whitespace) {
        return Err(said("a user is named by an e-mail address"));
    }
    plain("an e-mail address", &email)?;
    let (id, role) = (account_named(operator, account)?, role_named(role)?);
    let uuid = uuid4(&*desk.random).map_err(failed)?.to_string();
    let invite = InviteByOperator { uuid, email: email.clone(), account: id, role };
    let (user, ..) = operator.commit(invite).await?;
    let mut shows = json!({ "id": user, "email": email, "account": account, "role": role.name() });
    let mut tell = |name: &str, value: Value| {
        if let Some(members) = shows.as_object_mut() {
            members.insert(name.to_owned(), value);
        }
    };
    // Who comes with an outside issuer's token is let in by the invitation alone.
    if !desk.sign_in_enabled {
        return Ok(Offer { shows, pending: Pending::Nothing });
    }
    let stands = |error: CliError| error.in_part("the invitation stands");
    if desk.store.has_password(user).await.map_err(|error| stands(error.into()))? {
        tell("accept_at", json!(format!("{}/console", desk.public_url)));
        return Ok(Offer { shows, pending: Pending::Nothing });
    }
    let (link, url, until) = link(desk, user, LinkKind::Invitation).map_err(stands)?;
    tell("link", json!(url));
    tell("until", until);
    Ok(Offer { shows, pending: Pending::Link { link, invited: true } })
}

/// A link for a user, its address, and until when it can be used at least.
fn link(desk: &Desk, user: UserId, kind: LinkKind) -> Result<(IssueLink, String, Value), CliError> {
    if !desk.sign_in_enabled {
        return Err(said(
            "nobody signs in at this server ([oauth] enabled = false), so a link leads nowhere",
        ));
    }
    // Absent: a user that is not known is refused as a disabled one is.
    if desk.operator().live().user(user).is_none_or(|user| user.disabled) {
        return Err(refused(&Denial::not_found("User", &user.to_string())));
    }
    let (token, digest) = mint(TokenKind::Link, &*desk.random).map_err(failed)?;
    let until = json!(desk.clock.now().plus_seconds(kind.seconds()));
    let url = format!("{}/welcome?token={}", desk.public_url, token.expose());
    Ok((IssueLink { user, kind, digest }, url, until))
}

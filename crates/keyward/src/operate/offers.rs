//! What the orders that show a secret once show, and what waits for it. Everything that can be wrong is found before anything is
//! shown.

use super::desk::Desk;
use super::error::AdminError;
use super::if_absent::{there, with_word};
use super::keys;
use super::named::{account_named, plain, role_named, user_named};
use super::offer::{Offer, Pending};
use super::order::Order;
use crate::exit::Exit;
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
pub(crate) async fn offer(desk: &Desk, order: Order) -> Result<Offer, AdminError> {
    match order {
        Order::IfAbsent { of, .. } => {
            if let Some(shows) = there(desk, &of, false).await? {
                return Ok(Offer { shows, pending: Pending::Nothing });
            }
            let Offer { shows, pending } = Box::pin(offer(desk, *of)).await?;
            Ok(Offer { shows: with_word(shows, true), pending })
        }
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
        _ => Err(AdminError::refused("this order shows no secret")),
    }
}

/// Carries such an order out for a command of an earlier version, which does not say what became of the secret.
pub(super) async fn at_once(desk: &Desk, order: Order) -> Result<Value, AdminError> {
    let Offer { shows, pending } = offer(desk, order).await?;
    pending.settle(desk).await?;
    Ok(shows)
}

async fn rotation(desk: &Desk, key: KeyId, grace_seconds: i64) -> Result<Offer, AdminError> {
    let now = desk.clock.now();
    let found = desk.store.key(key).await?.filter(|key| key.revoked_at.is_none());
    let found = found.ok_or_else(|| AdminError::Denied(Denial::not_found("API key", &key.to_string())))?;
    if !found.is_live(now) {
        return Err(AdminError::refused("key_id names a key that has expired; create a new one"));
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
) -> Result<Offer, AdminError> {
    let operator = &desk.operator();
    if !email.contains('@') || email.contains(char::is_whitespace) {
        return Err(AdminError::refused("a user is named by an e-mail address"));
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
    let hash = password::hash(&password, &*desk.random).map_err(AdminError::failed)?;
    let uuid = uuid4(&*desk.random).map_err(AdminError::failed)?.to_string();
    let reserved = operator.commit(ReserveUser { uuid: uuid.clone(), email: email.clone() }).await;
    let id = reserved.map_err(taken)?;
    let shows = json!({ "id": id, "email": email, "password": password.expose() });
    let user = CreateUser { uuid, email, first_name, last_name, title: None, password_hash: Some(hash) };
    Ok(Offer { shows, pending: Pending::User(AddUser { id, user, place }) })
}

/// The one reason for which an address is refused.
fn taken(error: AdminError) -> AdminError {
    match error {
        AdminError::Denied(_) | AdminError::Store(_) if error.exit() == Exit::Refused => {
            AdminError::conflict(error.to_string())
        }
        other => other,
    }
}

fn client(desk: &Desk, name: String, uris: Vec<String>, confidential: bool) -> Result<Offer, AdminError> {
    plain("a name", &name)?;
    uris.iter().try_for_each(|uri| redirect_uri(desk, uri))?;
    let secret = if confidential {
        Some(mint(TokenKind::ClientSecret, &*desk.random).map_err(AdminError::failed)?)
    } else {
        None
    };
    let client = Client {
        id: format!("kw_app_{}", base62(&*desk.random, 22).map_err(AdminError::failed)?).into(),
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
fn redirect_uri(desk: &Desk, uri: &str) -> Result<(), AdminError> {
    if !desk.redirect_schemes.are_fit(uri) {
        return Err(AdminError::refused(format!(
            "{uri}: a redirect URI is https, http on loopback, or of a native application's scheme: one with a dot in it, one that is \
             well known, or one that [oauth] redirect_schemes names"
        )));
    }
    if uri.contains('*') {
        return Err(AdminError::refused(format!(
            "{uri}: redirect URIs are compared to the letter, and * stands for nothing else; name each address by a --redirect-uri of \
             its own"
        )));
    }
    Ok(())
}

async fn invitation(desk: &Desk, email: &str, (account, role): (&str, &str)) -> Result<Offer, AdminError> {
    let operator = &desk.operator();
    let email = email.to_lowercase();
    if !email.contains('@') || email.contains(char::is_whitespace) {
        return Err(AdminError::refused("a user is named by an e-mail address"));
    }
    plain("an e-mail address", &email)?;
    let (id, role) = (account_named(operator, account)?, role_named(role)?);
    let uuid = uuid4(&*desk.random).map_err(AdminError::failed)?.to_string();
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
    let stands = |error: AdminError| error.in_part("the invitation stands");
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
fn link(desk: &Desk, user: UserId, kind: LinkKind) -> Result<(IssueLink, String, Value), AdminError> {
    if !desk.sign_in_enabled {
        return Err(AdminError::refused(
            "nobody signs in at this server ([oauth] enabled = false), so a link leads nowhere",
        ));
    }
    // Absent: a user that is not known is refused as a disabled one is.
    if desk.operator().live().user(user).is_none_or(|user| user.disabled) {
        return Err(AdminError::Denied(Denial::not_found("User", &user.to_string())));
    }
    let (token, digest) = mint(TokenKind::Link, &*desk.random).map_err(AdminError::failed)?;
    let until = json!(desk.clock.now().plus_seconds(kind.seconds()));
    let url = format!("{}/welcome?token={}", desk.public_url, token.expose());
    Ok((IssueLink { user, kind, digest }, url, until))
}

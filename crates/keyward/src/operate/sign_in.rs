//! Orders about signing in: OAuth clients, links, signing keys.

use super::carry_out::{account_named, plain, role_named, said, user_named};
use super::desk::Desk;
use super::order::Order;
use crate::cli::CliError;
use keyward_core::api_key::base62;
use keyward_core::id::UserId;
use keyward_core::oauth::{Client, ClientOrigin, CreateClient, DeleteClient, redirect};
use keyward_core::opaque::{TokenKind, mint};
use keyward_core::random::uuid4;
use keyward_core::session::{InviteByOperator, IssueLink, LinkKind};
use keyward_core::signing::{AddSigningKey, PUBLISHED_SECONDS, signs};
use serde_json::{Value, json};

pub(super) async fn about_sign_in(desk: &Desk, order: Order) -> Result<Value, CliError> {
    let operator = &desk.operator();
    match order {
        Order::ClientCreate { name, redirect_uris, confidential } => {
            create(desk, name, redirect_uris, confidential).await
        }
        Order::ClientList => {
            let live = operator.live();
            let mut clients: Vec<&Client> = live.clients().collect();
            clients.sort_by_key(|client| (client.created_at, client.id.clone()));
            let shown = clients.into_iter().map(|client| {
                json!({
                    "client_id": &*client.id,
                    "name": client.name,
                    "redirect_uris": &*client.redirect_uris,
                    "origin": client.origin.name(),
                    "confidential": client.secret.is_some(),
                    "created_at": client.created_at,
                })
            });
            Ok(Value::Array(shown.collect()))
        }
        Order::ClientDelete { client_id } => {
            let done = operator.commit(DeleteClient { id: client_id.as_str().into() }).await?;
            Ok(json!({ "client_id": client_id, "deleted": done.row.is_some(), "grants_ended": done.grants }))
        }
        Order::UserInvite { email, account, role } => {
            let email = email.to_lowercase();
            if !email.contains('@') || email.contains(char::is_whitespace) {
                return Err(said("a user is named by an e-mail address"));
            }
            plain("an e-mail address", &email)?;
            let (id, role) = (account_named(operator, &account)?, role_named(&role)?);
            let uuid = uuid4(&*desk.random).map_err(said_of)?.to_string();
            let (user, ..) =
                operator.commit(InviteByOperator { uuid, email: email.clone(), account: id, role }).await?;
            let has_password = desk.store.has_password(user).await?;
            if has_password {
                let console = format!("{}/console", desk.public_url);
                return Ok(
                    json!({ "id": user, "email": email, "account": account, "role": role.name(), "accept_at": console }),
                );
            }
            let (link, until) = link(desk, user, LinkKind::Invitation).await?;
            Ok(
                json!({ "id": user, "email": email, "account": account, "role": role.name(), "link": link, "until": until }),
            )
        }
        Order::UserResetPassword { email } => {
            let user = user_named(operator, &email)?;
            let (link, until) = link(desk, user, LinkKind::Reset).await?;
            Ok(json!({ "id": user, "email": email, "link": link, "until": until }))
        }
        Order::SigningKeyRotate { now } => {
            let moment = desk.clock.now();
            let waiting =
                desk.store.directory().read().signing_keys().iter().any(|key| key.signs_from > moment);
            if waiting && !now {
                return Err(said("the next key is published already; see keyward signing-key list"));
            }
            let from = if now { moment } else { moment.plus_seconds(PUBLISHED_SECONDS) };
            let key = desk.signing().made(from).await.map_err(said_of)?;
            operator.commit(AddSigningKey { key, alone: now }).await?;
            Ok(keys(desk))
        }
        Order::SigningKeyList => Ok(keys(desk)),
        // Absent: nothing is done.
        _ => Err(said("this order is not about signing in")),
    }
}

fn said_of(error: impl std::fmt::Display) -> CliError {
    said(error.to_string())
}

async fn create(desk: &Desk, name: String, uris: Vec<String>, confidential: bool) -> Result<Value, CliError> {
    plain("a name", &name)?;
    if let Some(unfit) = uris.iter().find(|uri| !redirect::is_fit(uri)) {
        return Err(said(format!(
            "{unfit}: a redirect URI is https, http on loopback, or of a native application's scheme"
        )));
    }
    let secret = if confidential {
        Some(mint(TokenKind::ClientSecret, &*desk.random).map_err(said_of)?)
    } else {
        None
    };
    let client = Client {
        id: format!("kw_app_{}", base62(&*desk.random, 22).map_err(said_of)?).into(),
        name,
        redirect_uris: uris.into(),
        origin: ClientOrigin::Operator,
        secret: secret.as_ref().map(|(_, digest)| *digest),
        refreshes: true,
        created_at: desk.clock.now(),
    };
    let (_, client) = desk.operator().commit(CreateClient(client)).await?;
    let mut shown =
        json!({ "client_id": &*client.id, "name": client.name, "redirect_uris": &*client.redirect_uris });
    if let (Some((secret, _)), Some(members)) = (secret, shown.as_object_mut()) {
        members.insert("client_secret".to_owned(), json!(secret.expose()));
    }
    Ok(shown)
}

/// A link for a user, and until when it can be used.
async fn link(desk: &Desk, user: UserId, kind: LinkKind) -> Result<(String, Value), CliError> {
    if !desk.sign_in_enabled {
        return Err(said(
            "nobody signs in at this server ([oauth] enabled = false), so a link leads nowhere",
        ));
    }
    let (token, digest) = mint(TokenKind::Link, &*desk.random).map_err(said_of)?;
    let (.., until) = desk.operator().commit(IssueLink { user, kind, digest }).await?;
    Ok((format!("{}/welcome?token={}", desk.public_url, token.expose()), json!(until)))
}

fn keys(desk: &Desk) -> Value {
    let live = desk.store.directory().read();
    let (keys, now) = (live.signing_keys(), desk.clock.now());
    let current = signs(&keys, now).map(|key| key.id);
    let shown = keys.iter().map(|key| {
        let state = match current {
            Some(id) if id == key.id => "signs",
            _ if key.signs_from > now => "published",
            // Absent: it signed before, and what it signed may still hold.
            _ => "verifies",
        };
        json!({ "kid": &*key.kid, "state": state, "created_at": key.created_at, "signs_from": key.signs_from })
    });
    Value::Array(shown.collect())
}

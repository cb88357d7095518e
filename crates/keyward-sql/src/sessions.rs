//! The SQL of browsers that are signed in, and of choosing a password.

use crate::accounts::{add_user, join};
use crate::driver::Row;
use crate::error::is_of_a_row;
use crate::grant_endings::end;
use crate::journal::{Ended, hex, row_name};
use crate::params;
use crate::store::{Backend, Store};
use crate::tx::Tx;
use crate::{rows, to_end};
use keyward_core::BoxFuture;
use keyward_core::clock::Timestamp;
use keyward_core::denial::Denial;
use keyward_core::effect::{Execute, Stop};
use keyward_core::id::{AccountId, UserId};
use keyward_core::live::Change;
use keyward_core::made_by::MadeBy;
use keyward_core::oauth::{GrantEnd, GrantId, Grants};
use keyward_core::opaque::TokenDigest;
use keyward_core::permit::{Administer, EndSignIns, ManageSignIns, Permit, Present};
use keyward_core::principal::Credential;
use keyward_core::role::Role;
use keyward_core::secret::Secret;
use keyward_core::session::{LinkKind, SESSION_SECONDS, Session, ShownInvitation, accepted};
use keyward_core::store::{Over, SignInReads, StoreError};
use keyward_core::team::{Invitee, OpenInvitation};
use keyward_core::write::invitation::{AcceptInvitation, InviteByOperator};
use keyward_core::write::link::{ChoosePassword, IssueLink, PasswordChosen};
use keyward_core::write::session::{EndSession, NoteFailedSignIns, StartSession};
use keyward_core::write::user::CreateUser;

impl<B: Backend> SignInReads for Store<B> {
    fn password_of(&self, email: String) -> BoxFuture<'_, Result<Option<(UserId, Secret)>, StoreError>> {
        let sql = "SELECT id, password_hash FROM users
                   WHERE email = ?1 AND password_hash IS NOT NULL AND disabled_at IS NULL";
        let read = |row: &Row<'_>| {
            Ok((UserId(rows::get(row, "id")?), Secret::new(rows::get(row, "password_hash")?)))
        };
        Box::pin(self.read_for_stranger(move |reads| reads.first(sql, [email], read)))
    }

    fn link(
        &self,
        digest: TokenDigest,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Option<(UserId, LinkKind)>, StoreError>> {
        let sql = "SELECT user_id, kind FROM password_links WHERE digest = ?1 AND expires_at > ?2
                   AND typeof(expires_at) = 'integer'";
        Box::pin(
            self.read_for_stranger(move |reads| {
                reads.first(sql, params![digest.as_bytes(), now.unix()], link)
            }),
        )
    }

    fn nonce_to_end(&self, grant: GrantId) -> BoxFuture<'_, Result<Option<[u8; 16]>, StoreError>> {
        let sql = "SELECT nonce FROM oauth_grants WHERE id = ?1 AND typeof(ended_at) <> 'integer'";
        let nonce = |row: &Row<'_>| Ok(to_end::bytes(row, "nonce"));
        Box::pin(self.read_for_stranger(move |reads| Ok(reads.first(sql, [grant.0], nonce)?.flatten())))
    }

    fn knows_code(&self, digest: TokenDigest) -> BoxFuture<'_, Result<bool, StoreError>> {
        let sql = "SELECT 1 FROM oauth_codes WHERE digest = ?1";
        Box::pin(
            self.read_for_stranger(move |reads| {
                Ok(reads.first(sql, [digest.as_bytes()], |_| Ok(()))?.is_some())
            }),
        )
    }
}

fn link(row: &Row<'_>) -> Result<(UserId, LinkKind), StoreError> {
    let kind = LinkKind::parse(&rows::get::<String>(row, "kind")?);
    let wrong = || StoreError::Corrupt { table: "password_links", what: "kind".to_owned() };
    Ok((UserId(rows::get(row, "user_id")?), kind.ok_or_else(wrong)?))
}

impl Execute<StartSession> for Tx<'_> {
    fn execute(&mut self, e: &StartSession, _: &Permit<Present>, now: Timestamp) -> Result<Session, Stop> {
        let user = e.proof.user();
        // Since the password was proved, another one may have been chosen, to shut out whoever has the one before.
        let still = "SELECT 1 FROM users WHERE id = ?1 AND password_hash = ?2 AND disabled_at IS NULL";
        let proved = params![user.0, e.proof.hash().expose()];
        self.first(still, proved, |_| Ok(()))?.ok_or(Denial::PasswordWrong)?;
        self.judges_ends()?;
        let ends_at = now.plus_seconds(SESSION_SECONDS);
        let id = self.insert(
            "INSERT INTO sessions (digest, user_id, created_at, ends_at) VALUES (?1, ?2, ?3, ?4)",
            params![e.digest.as_bytes(), user.0, now.unix(), ends_at.unix()],
        )?;
        self.change("UPDATE users SET last_login_at = ?2 WHERE id = ?1", params![user.0, now.unix()])?;
        crate::accounts::publish_user(self, user)?;
        let over = "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE ends_at <= ?1 LIMIT 100) RETURNING id";
        let before = Over::SignIn.before(self.clock().settled);
        for gone in self.all(over, [before.unix()], |row| rows::get(row, "id"))? {
            self.publish(Change::SessionGone(gone));
        }
        let session = Session { id, digest: e.digest, user, created_at: now, ends_at };
        self.publish(Change::Session(session));
        Ok(session)
    }
}

impl Execute<NoteFailedSignIns> for Tx<'_> {
    /// The audit row is all of it.
    fn execute(
        &mut self,
        e: &NoteFailedSignIns,
        _: &Permit<Administer>,
        _: Timestamp,
    ) -> Result<NoteFailedSignIns, Stop> {
        Ok(*e)
    }
}

impl Execute<EndSession> for Tx<'_> {
    fn execute(&mut self, _: &EndSession, permit: &Permit<EndSignIns>, _: Timestamp) -> Result<UserId, Stop> {
        let who = permit.principal()?;
        let Credential::Session(session) = &who.credential else { return Err(Denial::InPersonOnly.into()) };
        self.change("DELETE FROM sessions WHERE id = ?1", [session.id])?;
        self.publish(Change::SessionGone(session.id));
        Ok(who.user)
    }
}

/// Ends every session, grant and link of a user, in memory also those whose rows say since that they are another's.
pub(crate) fn sign_out_everywhere(
    tx: &mut Tx<'_>,
    user: UserId,
    why: GrantEnd,
    now: Timestamp,
) -> Result<(), StoreError> {
    let own = "DELETE FROM sessions WHERE user_id = ?1 RETURNING id";
    for gone in tx.all(own, [user.0], |row| rows::get(row, "id"))? {
        tx.publish(Change::SessionGone(gone));
    }
    tx.publish(Change::SessionsGone(user));
    let links = "DELETE FROM password_links WHERE user_id = ?1 RETURNING digest";
    for gone in tx.all(links, [user.0], |row| Ok(to_end::bytes::<32>(row, "digest")))?.into_iter().flatten() {
        tx.note(Ended::Link(hex(&gone)));
    }
    end(tx, Grants::OfUser(user), why, now)?;
    Ok(())
}

impl Execute<IssueLink> for Tx<'_> {
    fn execute(
        &mut self,
        e: &IssueLink,
        _: &Permit<Administer>,
        now: Timestamp,
    ) -> Result<(UserId, LinkKind, Timestamp), Stop> {
        let user = "SELECT 1 FROM users WHERE id = ?1 AND disabled_at IS NULL";
        let user = self.first(user, [e.user.0], |_| Ok(()))?;
        user.ok_or_else(|| Denial::not_found("User", &e.user.to_string()))?;
        let until = now.plus_seconds(e.kind.seconds());
        let over = "DELETE FROM password_links WHERE user_id = ?1 OR expires_at <= ?2 RETURNING digest";
        let before = Over::SignIn.before(self.clock().settled);
        let over =
            self.all(over, params![e.user.0, before.unix()], |row| Ok(to_end::bytes::<32>(row, "digest")))?;
        over.into_iter().flatten().for_each(|digest| self.note(Ended::Link(hex(&digest))));
        self.change(
            "INSERT INTO password_links (digest, user_id, kind, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![e.digest.as_bytes(), e.user.0, e.kind.name(), now.unix(), until.unix()],
        )?;
        Ok((e.user, e.kind, until))
    }
}

impl Execute<InviteByOperator> for Tx<'_> {
    fn execute(
        &mut self,
        e: &InviteByOperator,
        permit: &Permit<Administer>,
        now: Timestamp,
    ) -> Result<(UserId, AccountId, Role), Stop> {
        let known = self.first("SELECT id FROM users WHERE email = ?1", [&e.email], |row| {
            Ok(UserId(rows::get(row, "id")?))
        })?;
        let user = match known {
            Some(user) => user,
            None => {
                let (uuid, email) = (e.uuid.clone(), e.email.clone());
                let (first_name, last_name) = (String::new(), String::new());
                add_user(
                    self,
                    &CreateUser { uuid, email, first_name, last_name, title: None, password_hash: None },
                    now,
                )?
            }
        };
        let member = "SELECT 1 FROM memberships WHERE account_id = ?1 AND user_id = ?2";
        let is_member = self.first(member, params![e.account.0, user.0], |_| Ok(()))?.is_some();
        // The operator's invitations have no ceiling.
        let invitee = if is_member { Invitee::Member } else { Invitee::Nobody };
        invitee.may_be_invited(0)?;
        let invitation = OpenInvitation::new(e.role, now);
        self.change(
            "INSERT INTO invitations (account_id, user_id, role, created_at, expires_at, made_by)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (account_id, user_id) DO UPDATE
             SET role = ?3, invited_by = NULL, created_at = ?4, expires_at = ?5, made_by = ?6",
            params![
                e.account.0,
                user.0,
                e.role.name(),
                now.unix(),
                invitation.ends_at.unix(),
                permit.made_by().map(MadeBy::text),
            ],
        )?;
        self.publish(Change::Invited(e.account, user, Some(invitation)));
        Ok((user, e.account, e.role))
    }
}

/// The open invitations of a user.
fn open(tx: &Tx<'_>, user: UserId, now: Timestamp) -> Result<Vec<ShownInvitation>, StoreError> {
    let open = tx.all(
        "SELECT i.account_id, i.role FROM invitations i JOIN accounts a ON a.id = i.account_id
         WHERE i.user_id = ?1 AND i.expires_at > ?2 AND typeof(i.expires_at) = 'integer'
         AND a.disabled_at IS NULL ORDER BY i.account_id",
        params![user.0, now.unix()],
        invitation,
    )?;
    Ok(open.into_iter().flatten().collect())
}

/// One that cannot be read gives nothing, and keeps nobody from a new password.
fn invitation(row: &Row<'_>) -> Result<Option<ShownInvitation>, StoreError> {
    let account = AccountId(rows::get(row, "account_id")?);
    match rows::role(row) {
        Err(error) if is_of_a_row(&error) => {
            tracing::error!(%account, %error, "an invitation cannot be read, and is not accepted");
            Ok(None)
        }
        role => Ok(Some(ShownInvitation { account, role: role? })),
    }
}

impl Execute<ChoosePassword> for Tx<'_> {
    fn execute(
        &mut self,
        e: &ChoosePassword,
        _: &Permit<Present>,
        now: Timestamp,
    ) -> Result<PasswordChosen, Stop> {
        let sql = "SELECT l.user_id, l.kind FROM password_links l JOIN users u ON u.id = l.user_id
                   WHERE l.digest = ?1 AND l.expires_at > ?2 AND typeof(l.expires_at) = 'integer' AND u.disabled_at IS NULL";
        let (user, kind) = self
            .first(sql, params![e.link.as_bytes(), self.clock().passed.unix()], link)?
            .ok_or(Denial::LinkUnusable)?;
        self.judges_ends()?;
        to_end::set_of_user(self, "password_hash", user, e.hash.expose())?;
        let whose = row_name(self, "users", user.0);
        self.note(Ended::Password(whose));
        // The link was sent to the address.
        to_end::set_of_user(self, "email_verified_at", user, now.unix())?;
        self.publish(Change::EmailVerified(user));
        sign_out_everywhere(self, user, GrantEnd::PasswordChanged, now)?;
        let mut joined = Vec::new();
        if kind.accepts_invitations() {
            for ShownInvitation { account, role } in accepted(&open(self, user, now)?, &e.accept) {
                if join(self, account, user, role, now)? {
                    joined.push(account);
                }
            }
        }
        Ok(PasswordChosen { user, joined })
    }
}

impl Execute<AcceptInvitation> for Tx<'_> {
    fn execute(
        &mut self,
        e: &AcceptInvitation,
        permit: &Permit<ManageSignIns>,
        now: Timestamp,
    ) -> Result<(UserId, AccountId, Role), Stop> {
        let user = permit.principal()?.user;
        let AcceptInvitation(wanted) = e;
        let shown = open(self, user, self.clock().passed)?.into_iter().find(|one| one == wanted);
        let gone = || Denial::not_found("Invitation", &wanted.account.to_string());
        let ShownInvitation { account, role } = shown.ok_or_else(gone)?;
        self.judges_ends()?;
        join(self, account, user, role, now)?;
        Ok((user, account, role))
    }
}

//! The SQL of an account's team: its list, and what its admins do with it.

use crate::accounts::{add_user, remove_member};
use crate::driver::Row;
use crate::params;
use crate::store::{Backend, Store};
use crate::strangers::forget_stranger;
use crate::tx::Tx;
use crate::{Named, Reads, rows, to_end};
use keyward_core::BoxFuture;
use keyward_core::authority::may_give_role;
use keyward_core::clock::Timestamp;
use keyward_core::denial::Denial;
use keyward_core::effect::{Execute, Replay, Stop};
use keyward_core::id::{AccountId, UserId};
use keyward_core::list::{From, Listed, Window};
use keyward_core::live::Change;
use keyward_core::made_by::MadeBy;
use keyward_core::permit::{ManageTeam, Permit, ReadAccount};
use keyward_core::role::Role;
use keyward_core::store::{StoreError, TeamReads};
use keyward_core::team::{Invitee, OpenInvitation, TeamMember, may_give_up_an_admin};
use keyward_core::write::team::{Dismiss, Dismissed, Invite, TeamChanged};
use keyward_core::write::user::CreateUser;

/// The members of account ?1 and those with an open invitation at ?2, each user once: of `t`.
const TEAM: &str = "(SELECT user_id, role, made_by, 0 AS invited FROM memberships WHERE account_id = ?1
    UNION ALL SELECT user_id, role, made_by, 1 AS invited FROM invitations WHERE account_id = ?1 AND expires_at > ?2) t
    JOIN users u ON u.id = t.user_id";

impl<B: Backend> TeamReads for Store<B> {
    fn list_team<'a>(
        &'a self,
        permit: &'a Permit<ReadAccount>,
        window: Window,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Listed<TeamMember>, StoreError>> {
        Box::pin(async move {
            let (Ok(who), Ok(member)) = (permit.principal(), permit.member()) else {
                return Ok(Listed::empty());
            };
            let (account, user) = (member.account.0, who.user.0);
            let read = move |reads: &Reads<'_>| {
                // The members of an account that the user belongs to; of any other account there are none.
                let visible = format!(
                    "FROM {TEAM} WHERE EXISTS
                        (SELECT 1 FROM memberships own WHERE own.account_id = ?1 AND own.user_id = ?3)"
                );
                let total = reads.first(
                    &format!("SELECT count(*) AS n {visible}"),
                    params![account, now.unix(), user],
                    |row| rows::get::<i64>(row, "n"),
                )?;
                let after = match window.from {
                    From::After(after) => after,
                    From::Offset(..) => 0,
                };
                let sql = format!(
                    "SELECT t.user_id, t.role, t.made_by, t.invited, u.* {visible} AND u.id > ?4 ORDER BY u.id LIMIT ?5 + 1"
                );
                let params = params![account, now.unix(), user, after, window.limit];
                let found = reads.readable(("users", ID), &sql, params, team_member)?;
                // Absent: a count always has its row.
                Ok(Listed::readable(found, total.unwrap_or(0), window.limit))
            };
            self.read_for(permit, read).await
        })
    }
}

const ID: Named = &["id"];

/// Looks at every row that the lists of keys and of teams can show.
///
/// # Errors
/// [`StoreError`] of a query.
pub fn look_through(reads: &Reads<'_>) -> Result<(), StoreError> {
    let keys = format!("SELECT {} FROM api_keys WHERE revoked_at IS NULL", rows::KEY);
    reads.look_at(("api_keys", ID), &keys, rows::key)?;
    let members = "SELECT t.role, t.made_by, t.invited, u.* FROM
        (SELECT user_id, role, made_by, 0 AS invited FROM memberships
         UNION ALL SELECT user_id, role, made_by, 1 AS invited FROM invitations) t JOIN users u ON u.id = t.user_id";
    reads.look_at(("users", ID), members, team_member)
}

fn team_member(row: &Row<'_>) -> Result<TeamMember, StoreError> {
    let user = rows::user(row)?;
    let invited = rows::get(row, "invited")?;
    let member = TeamMember {
        user: user.id,
        first_name: Some(user.first_name),
        last_name: Some(user.last_name),
        email: user.email,
        role: rows::role(row)?,
        photo_url: user.photo_url,
        made_by: rows::made_by(row, if invited { "invitations" } else { "memberships" }, user.id.0)?,
        invited,
    };
    Ok(member.as_the_team_sees_it())
}

fn find(
    tx: &Tx<'_>,
    account: AccountId,
    user: UserId,
    now: Timestamp,
) -> Result<Option<TeamMember>, StoreError> {
    let sql = format!("SELECT t.user_id, t.role, t.made_by, t.invited, u.* FROM {TEAM} WHERE u.id = ?3");
    tx.first(&sql, params![account.0, now.unix(), user.0], team_member)
}

/// The role of someone on the team, as far as it can be read, and whether it is only invited. Nothing else is read of who goes.
pub(crate) fn place(
    tx: &Tx<'_>,
    account: AccountId,
    user: UserId,
    now: Timestamp,
) -> Result<Option<(Option<Role>, bool)>, StoreError> {
    let sql = "SELECT role, 0 AS invited FROM memberships WHERE account_id = ?1 AND user_id = ?2
               UNION ALL SELECT role, 1 AS invited FROM invitations
                         WHERE account_id = ?1 AND user_id = ?2
                         AND (expires_at > ?3 OR typeof(expires_at) <> 'integer')";
    tx.first(sql, params![account.0, user.0, now.unix()], |row| {
        let role = to_end::text(row, "role").as_deref().and_then(Role::parse);
        Ok((role, rows::get(row, "invited")?))
    })
}

/// Whoever is named must be on the team, or invited to it.
pub(crate) fn on_team(
    tx: &Tx<'_>,
    account: AccountId,
    user: Option<UserId>,
    as_sent: &str,
    now: Timestamp,
) -> Result<TeamMember, Stop> {
    let found = match user {
        Some(user) => find(tx, account, user, now)?,
        None => None,
    };
    Ok(found.ok_or_else(|| Denial::not_found("Team member", as_sent))?)
}

/// An account keeps an admin who can sign in.
pub(crate) fn keep_an_admin(
    tx: &Tx<'_>,
    account: AccountId,
    without: UserId,
    field: &str,
) -> Result<(), Stop> {
    let other = tx.first(
        "SELECT 1 FROM memberships m JOIN users u ON u.id = m.user_id
         WHERE m.account_id = ?1 AND m.role = 'admin' AND m.user_id <> ?2 AND u.disabled_at IS NULL LIMIT 1",
        params![account.0, without.0],
        |_| Ok(()),
    )?;
    Ok(may_give_up_an_admin(other.is_some(), field)?)
}

/// How many open invitations an account has.
fn open_invitations(tx: &Tx<'_>, account: AccountId, now: Timestamp) -> Result<i64, StoreError> {
    let open = tx.first(
        "SELECT count(*) AS n FROM invitations WHERE account_id = ?1 AND expires_at > ?2",
        params![account.0, now.unix()],
        |row| rows::get::<i64>(row, "n"),
    )?;
    // Absent: no count, so no room.
    Ok(open.unwrap_or(i64::MAX))
}

impl Execute<Invite> for Tx<'_> {
    fn execute(
        &mut self,
        e: &Invite,
        permit: &Permit<ManageTeam>,
        now: Timestamp,
    ) -> Result<TeamChanged, Stop> {
        let (account, inviter) = (permit.member()?.account, permit.principal()?.user);
        may_give_role(permit.principal()?, e.role)?;
        let known: Option<UserId> =
            self.first("SELECT id FROM users WHERE email = ?1", [&e.email], |row| {
                Ok(UserId(rows::get(row, "id")?))
            })?;
        let user = match known {
            Some(user) => user,
            None => add_user(self, &person(e), now)?,
        };
        let invitee = match find(self, account, user, now)? {
            Some(member) if !member.invited => Invitee::Member,
            Some(_) => Invitee::Invited,
            None => Invitee::Nobody,
        };
        invitee.may_be_invited(open_invitations(self, account, now)?)?;
        let invitation = OpenInvitation::new(e.role, now);
        self.change(
            "INSERT INTO invitations (account_id, user_id, role, invited_by, created_at, expires_at, made_by)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (account_id, user_id) DO UPDATE
             SET role = ?3, invited_by = ?4, created_at = ?5, expires_at = ?6, made_by = ?7",
            params![
                account.0,
                user.0,
                e.role.name(),
                inviter.0,
                now.unix(),
                invitation.ends_at.unix(),
                permit.made_by().map(MadeBy::text),
            ],
        )?;
        self.publish(Change::Invited(account, user, Some(invitation)));
        let member = on_team(self, account, Some(user), "", now)?;
        Ok(TeamChanged { account, member, before: None, now: true })
    }
}

impl Replay<Invite> for Tx<'_> {
    fn may_replay(&mut self, _: &Invite, _: i64, _: &Permit<ManageTeam>, _: Timestamp) -> Result<(), Stop> {
        // Its answer tells what an admin of the account may know, and the permit says that it is one, now.
        Ok(())
    }
}

/// A user of whom nothing but the address is known. Without a password nobody signs in as it.
fn person(e: &Invite) -> CreateUser {
    CreateUser {
        uuid: e.uuid.clone(),
        email: e.email.clone(),
        first_name: String::new(),
        last_name: String::new(),
        title: None,
        password_hash: None,
    }
}

impl Execute<Dismiss> for Tx<'_> {
    fn execute(
        &mut self,
        e: &Dismiss,
        permit: &Permit<ManageTeam>,
        now: Timestamp,
    ) -> Result<Dismissed, Stop> {
        let account = permit.member()?.account;
        let absent = || Denial::not_found("Team member", &e.as_sent);
        let user = e.user.ok_or_else(absent)?;
        let (role, invited) = place(self, account, user, now)?.ok_or_else(absent)?;
        if invited {
            self.change(
                "DELETE FROM invitations WHERE account_id = ?1 AND user_id = ?2",
                params![account.0, user.0],
            )?;
            self.publish(Change::Invited(account, user, None));
            forget_stranger(self, user, now)?;
        } else {
            if role == Some(Role::Admin) {
                keep_an_admin(self, account, user, "body")?;
            }
            remove_member(self, account, user, now)?;
        }
        Ok(Dismissed { account, user, role, invited })
    }
}

impl Replay<Dismiss> for Tx<'_> {
    fn may_replay(&mut self, _: &Dismiss, _: i64, _: &Permit<ManageTeam>, _: Timestamp) -> Result<(), Stop> {
        Ok(())
    }
}

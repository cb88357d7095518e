//! The SQL of changing a role on an account's team. Lowering one reads nothing of the member but whose place it is: what it takes away
//! does not live on because a row cannot be read.

use crate::accounts::change_role;
use crate::error::is_of_a_row;
use crate::params;
use crate::team::{keep_an_admin, on_team, place};
use crate::tx::Tx;
use crate::{rows, to_end};
use keyward_core::authority::may_give_role;
use keyward_core::clock::Timestamp;
use keyward_core::denial::Denial;
use keyward_core::effect::{Execute, Replay, Stop};
use keyward_core::id::{AccountId, UserId};
use keyward_core::live::Change;
use keyward_core::made_by::MadeBy;
use keyward_core::permit::{ManageTeam, Permit};
use keyward_core::role::Role;
use keyward_core::store::StoreError;
use keyward_core::team::{RoleChange, TeamMember};
use keyward_core::write::team::{ChangeRole, TeamChanged};

impl Execute<ChangeRole> for Tx<'_> {
    fn execute(
        &mut self,
        e: &ChangeRole,
        permit: &Permit<ManageTeam>,
        now: Timestamp,
    ) -> Result<TeamChanged, Stop> {
        let account = permit.member()?.account;
        let absent = || Denial::not_found("Team member", &e.as_sent);
        let user = e.user.ok_or_else(absent)?;
        let (before, invited) = place(self, account, user, now)?.ok_or_else(absent)?;
        let RoleChange { changes, raises, takes_an_admin } = RoleChange::of(before, e.role);
        // What is given is given to somebody who can be read.
        if raises {
            may_give_role(permit.principal()?, e.role)?;
            on_team(self, account, e.user, &e.as_sent, now)?;
        }
        if changes && invited {
            offer(self, (account, user), e.role, raises)?;
            if raises {
                take_over(self, (account, user), permit)?;
            }
        } else if changes {
            if takes_an_admin {
                keep_an_admin(self, account, user, "role")?;
            }
            change_role(self, (account, user), (e.role, permit.made_by()), now)?;
        }
        let member = shown(self, (account, user), e.role, invited)?.ok_or_else(absent)?;
        Ok(TeamChanged { account, member, before, now: changes })
    }
}

impl Replay<ChangeRole> for Tx<'_> {
    fn may_replay(
        &mut self,
        _: &ChangeRole,
        _: i64,
        _: &Permit<ManageTeam>,
        _: Timestamp,
    ) -> Result<(), Stop> {
        Ok(())
    }
}

/// Changes the role that is offered to somebody.
fn offer(
    tx: &mut Tx<'_>,
    (account, user): (AccountId, UserId),
    role: Role,
    raises: bool,
) -> Result<(), StoreError> {
    let who = params![account.0, user.0, role.name()];
    let sql =
        "UPDATE invitations SET role = ?3 WHERE account_id = ?1 AND user_id = ?2 RETURNING role, expires_at";
    match tx.first(sql, who, rows::invitation) {
        // SQLite changes no row that holds a value of another type than its column's, and an invitation whose end cannot be read
        // has ended: such a row is taken away.
        Err(error) if !raises && is_of_a_row(&error) => {
            tracing::error!(%account, %user, %error, "the row of an invitation cannot be changed, and is taken away");
            let gone = "DELETE FROM invitations WHERE account_id = ?1 AND user_id = ?2";
            tx.change(gone, params![account.0, user.0])?;
            tx.publish(Change::Invited(account, user, None));
        }
        offered => tx.publish(Change::Invited(account, user, offered?)),
    }
    Ok(())
}

/// An invitation to more than was offered is that of who raised it, as one that is sent again is: it ends with the raiser's right to
/// invite, and with the credential.
fn take_over(
    tx: &Tx<'_>,
    (account, user): (AccountId, UserId),
    permit: &Permit<ManageTeam>,
) -> Result<(), Stop> {
    let (by, made_by) = (permit.principal()?.user, permit.made_by().map(MadeBy::text));
    let sql = "UPDATE invitations SET invited_by = ?3, made_by = ?4 WHERE account_id = ?1 AND user_id = ?2";
    tx.change(sql, params![account.0, user.0, by.0, made_by])?;
    Ok(())
}

/// How somebody on the team is shown who has this role now: what can be read of the user.
fn shown(
    tx: &Tx<'_>,
    (account, user): (AccountId, UserId),
    role: Role,
    invited: bool,
) -> Result<Option<TeamMember>, StoreError> {
    let place = if invited { "invitations" } else { "memberships" };
    let sql = format!(
        "SELECT first_name, last_name, email, photo_url,
         (SELECT made_by FROM {place} p WHERE p.account_id = ?2 AND p.user_id = ?1) AS made_by FROM users WHERE id = ?1"
    );
    tx.first(&sql, params![user.0, account.0], |row| {
        let member = TeamMember {
            user,
            first_name: to_end::text(row, "first_name"),
            last_name: to_end::text(row, "last_name"),
            // Absent: shown as nothing, since the answer always has an address.
            email: to_end::text(row, "email").unwrap_or_default(),
            role,
            photo_url: to_end::text(row, "photo_url"),
            // Absent: shown as not recorded.
            made_by: to_end::text(row, "made_by").as_deref().and_then(MadeBy::parse),
            invited,
        };
        Ok(member.as_the_team_sees_it())
    })
}

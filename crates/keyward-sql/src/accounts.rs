//! The SQL of accounts, users and memberships.

use crate::error::is_constraint;
use crate::grant_endings::end;
use crate::invitation_endings::{Invitations, end_invitations};
use crate::journal::{Ended, row_name};
use crate::key_endings::revoke_all_of;
use crate::params;
use crate::sessions::sign_out_everywhere;
use crate::tx::Tx;
use crate::{rows, to_end};
use keyward_core::account::{Account, User};
use keyward_core::clock::Timestamp;
use keyward_core::denial::Denial;
use keyward_core::effect::{Execute, Stop};
use keyward_core::id::{AccountId, UserId};
use keyward_core::limits::Overrides;
use keyward_core::live::Change;
use keyward_core::made_by::MadeBy;
use keyward_core::oauth::{GrantEnd, Grants};
use keyward_core::permit::{Administer, Permit};
use keyward_core::role::Role;
use keyward_core::secret::Secret;
use keyward_core::store::StoreError;
use keyward_core::team::RoleChange;
use keyward_core::write::account::{CreateAccount, SetTier};
use keyward_core::write::disabling::SetUserDisabled;
use keyward_core::write::limits::SetLimits;
use keyward_core::write::member::{AddMember, RemoveMember, SetRole};
use keyward_core::write::user::CreateUser;

impl Execute<CreateAccount> for Tx<'_> {
    fn execute(
        &mut self,
        e: &CreateAccount,
        _: &Permit<Administer>,
        now: Timestamp,
    ) -> Result<AccountId, Stop> {
        if self.first("SELECT 1 FROM accounts WHERE slug = ?1", [&e.slug], |_| Ok(()))?.is_some() {
            return Err(Denial::invalid("slug", "slug is already in use").into());
        }
        let id = AccountId(self.insert(
            "INSERT INTO accounts (slug, name, account_type, tier, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![e.slug, e.name, e.account_type, e.tier.name(), now.unix()],
        )?);
        self.publish(Change::Account(Account {
            id,
            slug: e.slug.clone(),
            name: e.name.clone(),
            account_type: e.account_type.clone(),
            tier: e.tier,
            overrides: Overrides::default(),
            disabled: false,
        }));
        Ok(id)
    }
}

impl Execute<CreateUser> for Tx<'_> {
    fn execute(&mut self, e: &CreateUser, _: &Permit<Administer>, now: Timestamp) -> Result<UserId, Stop> {
        let known = self.first("SELECT id FROM users WHERE email = ?1", [&e.email], |row| {
            Ok(UserId(rows::get(row, "id")?))
        })?;
        match known {
            None => Ok(add_user(self, e, now)?),
            Some(user) if is_nobody(self, user)? => Ok(become_known(self, user, e)?),
            Some(_) => Err(Denial::invalid("email", "email is already in use").into()),
        }
    }
}

/// Whether nothing but an address is known of a user: somebody was invited and never came. An address that one account
/// invites must stay free for the person whose it is.
pub(crate) fn is_nobody(tx: &Tx<'_>, user: UserId) -> Result<bool, StoreError> {
    let somebody = tx.first(
        "SELECT 1 FROM users u WHERE u.id = ?1 AND (u.password_hash IS NOT NULL
            OR EXISTS (SELECT 1 FROM memberships m WHERE m.user_id = u.id)
            OR EXISTS (SELECT 1 FROM identities i WHERE i.user_id = u.id)
            OR EXISTS (SELECT 1 FROM api_keys k WHERE k.user_id = u.id))",
        [user.0],
        |_| Ok(()),
    )?;
    Ok(somebody.is_none())
}

/// Gives a user of whom nothing but the address was known what is known now. Invitations stay open.
pub(crate) fn become_known(tx: &mut Tx<'_>, user: UserId, e: &CreateUser) -> Result<UserId, StoreError> {
    tx.change(
        "UPDATE users SET first_name = ?2, last_name = ?3, title = ?4, password_hash = ?5 WHERE id = ?1",
        params![user.0, e.first_name, e.last_name, e.title, e.password_hash.as_ref().map(Secret::expose)],
    )?;
    if let Some(known) = self::user(tx, user)? {
        tx.publish(Change::User(known));
    }
    Ok(user)
}

/// Adds a user whose address is free.
pub(crate) fn add_user(tx: &mut Tx<'_>, e: &CreateUser, now: Timestamp) -> Result<UserId, StoreError> {
    insert_user(tx, None, e, now)
}

/// The same, with this id; `None`: with the next one.
pub(crate) fn insert_user(
    tx: &mut Tx<'_>,
    id: Option<UserId>,
    e: &CreateUser,
    now: Timestamp,
) -> Result<UserId, StoreError> {
    let id = UserId(tx.insert(
        "INSERT INTO users (uuid, email, first_name, last_name, title, password_hash, created_at, id)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            e.uuid,
            e.email,
            e.first_name,
            e.last_name,
            e.title,
            e.password_hash.as_ref().map(Secret::expose),
            now.unix(),
            id.map(|id| id.0)
        ],
    )?);
    tx.publish(Change::User(User {
        id,
        uuid: e.uuid.clone(),
        email: e.email.clone(),
        email_verified: false,
        first_name: e.first_name.clone(),
        last_name: e.last_name.clone(),
        title: e.title.clone(),
        photo_url: None,
        last_login_at: None,
        disabled: false,
    }));
    Ok(id)
}

impl Execute<AddMember> for Tx<'_> {
    fn execute(
        &mut self,
        e: &AddMember,
        permit: &Permit<Administer>,
        now: Timestamp,
    ) -> Result<AddMember, Stop> {
        if !place(self, (e.account, e.user), e.role, permit.made_by(), now)? {
            return Err(Denial::invalid("user_id", "user_id is not a user, or is a member already").into());
        }
        Ok(*e)
    }
}

/// Gives a user the place in an account that an invitation offers; `false`: it has one.
pub(crate) fn join(
    tx: &mut Tx<'_>,
    account: AccountId,
    user: UserId,
    role: Role,
    now: Timestamp,
) -> Result<bool, StoreError> {
    place(tx, (account, user), role, None, now)
}

/// Gives a user a place in an account, made by this, or by what made the invitation; `false`: it has one, or there is no such
/// user or account. Who is a member has no invitation any more.
pub(crate) fn place(
    tx: &mut Tx<'_>,
    (account, user): (AccountId, UserId),
    role: Role,
    made_by: Option<MadeBy>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let added = tx.change(
        "INSERT INTO memberships (account_id, user_id, role, created_at, made_by)
         SELECT a.id, u.id, ?3, ?4, coalesce(?5, (SELECT made_by FROM invitations i WHERE i.account_id = ?1
                                                  AND i.user_id = ?2 AND typeof(i.made_by) = 'text'))
         FROM accounts a, users u WHERE a.id = ?1 AND u.id = ?2
         ON CONFLICT DO NOTHING",
        params![account.0, user.0, role.name(), now.unix(), made_by.map(MadeBy::text)],
    )?;
    tx.change("DELETE FROM invitations WHERE account_id = ?1 AND user_id = ?2", params![account.0, user.0])?;
    tx.publish(Change::Invited(account, user, None));
    if added > 0 {
        tx.publish(Change::Member(account, user, Some(role)));
    }
    Ok(added > 0)
}

/// Takes a member's place away, with its keys and grants in the account; `false`: it had none.
pub(crate) fn remove_member(
    tx: &mut Tx<'_>,
    account: AccountId,
    user: UserId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let of = params![account.0, user.0];
    if tx.change("DELETE FROM memberships WHERE account_id = ?1 AND user_id = ?2", of)? == 0 {
        return Ok(false);
    }
    revoke_all_of(tx, account, user, now)?;
    end_invitations(tx, Invitations::By(user, Some(account)), now)?;
    end(tx, Grants::BoundTo(user, account), GrantEnd::MemberRemoved, now)?;
    tx.publish(Change::Member(account, user, None));
    Ok(true)
}

/// Changes a member's role; `false`: there is no such member. An invitation ends with its inviter's right to invite.
pub(crate) fn set_role(
    tx: &mut Tx<'_>,
    account: AccountId,
    user: UserId,
    role: Role,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let place = params![account.0, user.0, role.name()];
    let sql = "UPDATE memberships SET role = ?3 WHERE account_id = ?1 AND user_id = ?2";
    let changed = match tx.change(sql, place) {
        // SQLite changes no row that holds a value of another type than its column's: another takes its place.
        Err(error) if is_constraint(&error) => {
            let sql =
                "REPLACE INTO memberships (account_id, user_id, role, created_at) VALUES (?1, ?2, ?3, 0)";
            tx.change(sql, place)?
        }
        changed => changed?,
    };
    if changed > 0 {
        tx.publish(Change::Member(account, user, Some(role)));
    }
    if role != Role::Admin {
        end_invitations(tx, Invitations::By(user, Some(account)), now)?;
    }
    Ok(changed > 0)
}

impl Execute<RemoveMember> for Tx<'_> {
    fn execute(
        &mut self,
        e: &RemoveMember,
        _: &Permit<Administer>,
        now: Timestamp,
    ) -> Result<RemoveMember, Stop> {
        if !remove_member(self, e.account, e.user, now)? {
            return Err(Denial::not_found("Member", &e.user.to_string()).into());
        }
        Ok(*e)
    }
}

/// Changes a member's role, by this. What raises it is recorded; `false`: there is no such member.
pub(crate) fn change_role(
    tx: &mut Tx<'_>,
    (account, user): (AccountId, UserId),
    (role, by): (Role, Option<MadeBy>),
    now: Timestamp,
) -> Result<bool, StoreError> {
    let of = params![account.0, user.0];
    let sql = "SELECT role FROM memberships WHERE account_id = ?1 AND user_id = ?2";
    let before = tx.first(sql, of, |row| Ok(to_end::text(row, "role").as_deref().and_then(Role::parse)))?;
    let known = set_role(tx, account, user, role, now)?;
    if RoleChange::of(before.flatten(), role).raises {
        let sql = "UPDATE memberships SET raised_by = ?3 WHERE account_id = ?1 AND user_id = ?2";
        tx.change(sql, params![account.0, user.0, by.map(MadeBy::text)])?;
    }
    Ok(known)
}

impl Execute<SetRole> for Tx<'_> {
    fn execute(&mut self, e: &SetRole, permit: &Permit<Administer>, now: Timestamp) -> Result<SetRole, Stop> {
        if !change_role(self, (e.account, e.user), (e.role, permit.made_by()), now)? {
            return Err(Denial::not_found("Member", &e.user.to_string()).into());
        }
        Ok(*e)
    }
}

impl Execute<SetTier> for Tx<'_> {
    fn execute(&mut self, e: &SetTier, _: &Permit<Administer>, _: Timestamp) -> Result<SetTier, Stop> {
        self.change("UPDATE accounts SET tier = ?2 WHERE id = ?1", params![e.account.0, e.tier.name()])?;
        let account = account(self, e.account)?;
        self.publish(Change::Account(account));
        Ok(*e)
    }
}

impl Execute<SetLimits> for Tx<'_> {
    fn execute(&mut self, e: &SetLimits, _: &Permit<Administer>, _: Timestamp) -> Result<Account, Stop> {
        let Overrides { reads, writes, keys } = e.overrides;
        self.change(
            "UPDATE accounts SET reads_per_minute = ?2, writes_per_minute = ?3, max_keys = ?4 WHERE id = ?1",
            params![e.account.0, rows::column_of(reads), rows::column_of(writes), keys],
        )?;
        let account = account(self, e.account)?;
        self.publish(Change::Account(account.clone()));
        Ok(account)
    }
}

pub(crate) fn account(tx: &Tx<'_>, id: AccountId) -> Result<Account, Stop> {
    let sql = format!("SELECT {} FROM accounts WHERE id = ?1", rows::ACCOUNT);
    let found = tx.first(&sql, [id.0], rows::account)?;
    Ok(found.ok_or_else(|| Denial::not_found("Account", &id.to_string()))?)
}

impl Execute<SetUserDisabled> for Tx<'_> {
    fn execute(
        &mut self,
        e: &SetUserDisabled,
        _: &Permit<Administer>,
        now: Timestamp,
    ) -> Result<SetUserDisabled, Stop> {
        let unknown = || Denial::not_found("User", &e.user.to_string());
        if e.disabled {
            disable(self, e.user, now)?.then_some(()).ok_or_else(unknown)?;
            sign_out_everywhere(self, e.user, GrantEnd::UserDisabled, now)?;
            end_invitations(self, Invitations::By(e.user, None), now)?;
        } else {
            self.change("UPDATE users SET disabled_at = NULL WHERE id = ?1", [e.user.0])?;
            let enabled = Ended::User { user: row_name(self, "users", e.user.0), disabled: false };
            self.note(enabled);
            let user = user(self, e.user)?.ok_or_else(unknown)?;
            self.publish(Change::User(user));
        }
        Ok(*e)
    }
}

/// Disables a user, whatever else the row holds; whether there is one. Who is disabled stays so since then.
pub(crate) fn disable(tx: &mut Tx<'_>, user: UserId, now: Timestamp) -> Result<bool, StoreError> {
    let since = "SELECT disabled_at FROM users WHERE id = ?1";
    let since = tx.first(since, [user.0], |row| Ok(to_end::number(row, "disabled_at")))?.flatten();
    // Absent: the user was not disabled, or nobody can say since when, and is from now on.
    let known = to_end::set_of_user(tx, "disabled_at", user, since.unwrap_or(now.unix()))?;
    tx.publish(Change::UserDisabled(user));
    Ok(known)
}

/// Has the directory learn how a user is now.
pub(crate) fn publish_user(tx: &mut Tx<'_>, id: UserId) -> Result<(), StoreError> {
    if let Some(user) = user(tx, id)? {
        tx.publish(Change::User(user));
    }
    Ok(())
}

fn user(tx: &Tx<'_>, id: UserId) -> Result<Option<User>, StoreError> {
    tx.first(&format!("SELECT {} FROM users WHERE id = ?1", rows::USER), [id.0], rows::user)
}

//! The place of a user in an account: one that is there gets another role, whatever of it can be read; a new one is given to a
//! user, and in an account, that can be read.

use super::error::AdminError;
use super::operator::Operator;
use super::to_end;
use keyward_core::id::{AccountId, UserId};
use keyward_core::role::Role;
use keyward_core::write::member::SetRole;

/// Gives the role, by the names of account and user; the user.
pub(super) async fn give(
    operator: &Operator<'_>,
    (account_named, user_named): (&str, &str),
    role: Role,
) -> Result<UserId, AdminError> {
    let account = to_end::account(operator, account_named).await?;
    let user = to_end::user(operator, user_named).await?;
    if operator.store().has_place(account, user).await? {
        operator.commit(SetRole { account, user, role }).await?;
        return Ok(user);
    }
    if !can_be_read(operator, account, user) {
        let why = "is no member, and a new place needs a user and an account that can be read";
        return Err(AdminError::refused(format!(
            "{user_named} {why}: keyward doctor --database names those that cannot"
        )));
    }
    operator.member(account, user, role).await?;
    Ok(user)
}

fn can_be_read(operator: &Operator<'_>, account: AccountId, user: UserId) -> bool {
    let live = operator.live();
    live.account(account).is_some() && live.user(user).is_some()
}

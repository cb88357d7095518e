//! Orders about a whole account or a whole user: shut, opened again, erased.

use super::error::AdminError;
use super::operator::Operator;
use super::to_end;
use keyward_core::clock::Timestamp;
use keyward_core::id::AccountId;
use keyward_core::write::disabling::SetAccountDisabled;
use keyward_core::write::erasing::EraseUser;
use serde_json::{Value, json};

/// Disables or enables an account, by its slug or `id:` and its id.
pub(super) async fn account_disabled(
    operator: &Operator<'_>,
    slug: &str,
    disabled: bool,
) -> Result<Value, AdminError> {
    let account = to_end::account(operator, slug).await?;
    operator.commit(SetAccountDisabled { account, disabled }).await?;
    Ok(json!({ "id": account, "slug": slug, "disabled": disabled }))
}

/// Erases a user, by the address or `id:` and the id.
pub(super) async fn user_deleted(
    operator: &Operator<'_>,
    email: &str,
    now: Timestamp,
) -> Result<Value, AdminError> {
    let user = to_end::user(operator, email).await?;
    let erased = operator.commit(EraseUser { user }).await?;
    let (mut left, mut without_admin) = (Vec::new(), Vec::new());
    for account in erased.accounts {
        let slug = slug_of(operator, account);
        let figures = operator.store().account_figures(account, now).await;
        let figures = figures.map_err(|error| AdminError::from(error).in_part("the user is deleted"))?;
        // Absent: an account that is not there has no admin.
        if figures.is_none_or(|figures| figures.admins == 0) {
            without_admin.push(slug.clone());
        }
        left.push(slug);
    }
    Ok(json!({
        "id": user,
        "deleted": true,
        "accounts": left,
        "revoked_keys": erased.keys,
        "accounts_without_admin": without_admin,
    }))
}

fn slug_of(operator: &Operator<'_>, account: AccountId) -> String {
    let live = operator.live();
    // Absent: one that cannot be read is named by its id.
    live.account(account).map_or_else(|| format!("id:{account}"), |account| account.slug.clone())
}

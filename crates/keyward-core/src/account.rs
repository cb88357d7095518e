//! Accounts, users and memberships.

use crate::clock::Timestamp;
use crate::id::{AccountId, UserId};
use crate::limits::Overrides;
use crate::role::Role;
use crate::tier::Tier;
use serde::Serialize;
use utoipa::ToSchema;

/// A tenant.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its name in headers and paths: lower-case letters, digits and hyphens.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// `brokerage`, `borrower`, `lender` or `credit`; open.
    pub account_type: Option<String>,
    /// What it has paid for.
    pub tier: Tier,
    /// What the operator has said for it beside its tier.
    pub overrides: Overrides,
    /// A disabled account authenticates nobody.
    pub disabled: bool,
}

/// An account, as it is referred to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Account)]
pub struct AccountRef<'a> {
    /// Its id.
    #[schema(value_type = i64, minimum = 1)]
    pub id: AccountId,
    /// Its name for people.
    pub name: &'a str,
    /// Its name in `X-Active-Account`.
    pub slug: &'a str,
    /// What kind of company it is. More may come.
    #[schema(required, extensions(("x-extensible-enum" = json!(["brokerage", "borrower", "lender", "credit"]))))]
    pub account_type: Option<&'a str>,
}

impl<'a> AccountRef<'a> {
    /// Of this account.
    #[must_use]
    pub fn of(account: &'a Account) -> Self {
        Self {
            id: account.id,
            name: &account.name,
            slug: &account.slug,
            account_type: account.account_type.as_deref(),
        }
    }
}

/// A person.
#[derive(Clone, Debug)]
pub struct User {
    /// The id.
    pub id: UserId,
    /// The id as a UUID, for systems that want one.
    pub uuid: String,
    /// The address, in lower case; unique.
    pub email: String,
    /// Whether a link that was sent there has been used: then the address is this person's.
    pub email_verified: bool,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Job title.
    pub title: Option<String>,
    /// Where a picture is.
    pub photo_url: Option<String>,
    /// The last sign-in.
    pub last_login_at: Option<Timestamp>,
    /// A disabled user authenticates nowhere.
    pub disabled: bool,
}

impl User {
    /// Given and family name.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name).trim().to_owned()
    }

    /// By what people know each other: the name, or the address of who has said none.
    #[must_use]
    pub fn known_as(&self) -> String {
        let name = self.full_name();
        if name.is_empty() { self.email.clone() } else { name }
    }

    /// Whether more than an address was ever known of it: who was only invited has no name, and was never here.
    #[must_use]
    pub fn is_known(&self) -> bool {
        let named = !self.first_name.is_empty() || !self.last_name.is_empty() || self.title.is_some();
        named || self.email_verified || self.last_login_at.is_some()
    }
}

/// A user's place in an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The account.
    pub account: AccountId,
    /// The user's role there.
    pub role: Role,
}

/// Reads a slug: 1 to 63 lower-case letters, digits and inner hyphens (the form of a DNS label, RFC 1035 §2.3.1).
#[must_use]
pub fn is_slug(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_a_lower_case_label() {
        for good in ["a", "acme-capital", "0", &"a".repeat(63)] {
            assert!(is_slug(good), "{good}");
        }
        for bad in ["", "-a", "a-", "Acme", "a_b", "a b", "ä", &"a".repeat(64)] {
            assert!(!is_slug(bad), "{bad}");
        }
    }
}

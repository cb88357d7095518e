//! An account, made by the operator, and what it has paid for.

use crate::effect::{Effect, Rendered, Subject};
use crate::id::AccountId;
use crate::permit::Administer;
use crate::tier::Tier;
use serde_json::json;

/// Makes an account.
#[derive(Clone, Debug)]
pub struct CreateAccount {
    /// See [`crate::account::is_slug`]; must be free.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// `brokerage`, `borrower`, `lender` or `credit`; open.
    pub account_type: Option<String>,
    /// What it has paid for.
    pub tier: Tier,
}

impl Effect for CreateAccount {
    type Action = Administer;
    type Done = AccountId;
    const AUDIT: &'static str = "account.create";

    fn subject(done: &AccountId) -> Subject {
        Subject { kind: "account", id: done.0, account: Some(*done) }
    }

    fn render(done: &AccountId) -> Rendered {
        Rendered::created(&json!({ "id": done }))
    }
}

/// Changes what an account has paid for. It holds from the next request; keys over a lower ceiling live on.
#[derive(Clone, Copy, Debug)]
pub struct SetTier {
    /// The account.
    pub account: AccountId,
    /// The new tier.
    pub tier: Tier,
}

impl Effect for SetTier {
    type Action = Administer;
    type Done = Self;
    const AUDIT: &'static str = "account.tier";

    fn subject(done: &Self) -> Subject {
        Subject { kind: "account", id: done.account.0, account: Some(done.account) }
    }

    fn detail(done: &Self) -> Option<serde_json::Value> {
        Some(json!({ "tier": done.tier.name() }))
    }

    fn render(done: &Self) -> Rendered {
        Rendered::ok(&json!({ "account_id": done.account, "tier": done.tier.name() }))
    }
}

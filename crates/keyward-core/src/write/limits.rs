//! What an account may have, as the operator says it for one account.

use crate::account::Account;
use crate::effect::{Effect, Rendered, Subject};
use crate::id::AccountId;
use crate::limits::{Overrides, Rate};
use crate::permit::Administer;
use serde_json::json;

/// Says for an account what it may have, whatever its tier is. It holds from the next request; keys over a lower ceiling live
/// on.
#[derive(Clone, Copy, Debug)]
pub struct SetLimits {
    /// The account.
    pub account: AccountId,
    /// What it may have from now on.
    pub overrides: Overrides,
}

impl Effect for SetLimits {
    type Action = Administer;
    type Done = Account;
    const AUDIT: &'static str = "account.limits";

    fn subject(done: &Account) -> Subject {
        Subject { kind: "account", id: done.id.0, account: Some(done.id) }
    }

    fn detail(done: &Account) -> Option<serde_json::Value> {
        let word = |rate: Option<Rate>| match rate {
            None => json!("tier"),
            Some(Rate::PerMinute(figure)) => json!(figure),
            Some(Rate::Unlimited) => json!("unlimited"),
        };
        let own = done.overrides;
        Some(json!({ "reads": word(own.reads), "writes": word(own.writes), "keys": own.keys }))
    }

    fn render(done: &Account) -> Rendered {
        Rendered::ok(&done.overrides)
    }
}

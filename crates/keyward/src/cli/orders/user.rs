//! `keyward user`.

use super::Given;
use super::lists::{Form, Paging, field, number};
use crate::cli::CliError;
use crate::operate::Order;
use clap::Subcommand;
use serde_json::Value;

#[derive(Debug, Subcommand)]
pub(crate) enum UserOrder {
    /// Makes a user with a password that is shown once.
    Create {
        /// The e-mail address.
        email: String,
        /// The given name.
        #[arg(long, default_value = "")]
        first_name: String,
        /// The family name.
        #[arg(long, default_value = "")]
        last_name: String,
        /// The slug of an account to be a member of.
        #[arg(long, requires = "role")]
        account: Option<String>,
        /// The role there.
        #[arg(long, requires = "account", value_parser = ["admin", "editor", "viewer"])]
        role: Option<String>,
        /// Ends with 0 where the user is there already, and changes nothing. It must have the role, if one is given.
        #[arg(long)]
        if_absent: bool,
        #[command(flatten)]
        given: Given,
    },
    /// Invites a person into an account. Who has no password yet is given a link to choose one, which is printed.
    Invite {
        /// The e-mail address.
        email: String,
        /// The account's slug.
        #[arg(long)]
        account: String,
        /// The role that is offered.
        #[arg(long, value_parser = ["admin", "editor", "viewer"])]
        role: String,
        #[command(flatten)]
        given: Given,
    },
    /// Prints a link by which a user chooses another password, within a day. Then it is signed out everywhere.
    ResetPassword {
        /// The e-mail address.
        email: String,
        #[command(flatten)]
        given: Given,
    },
    /// Lists the users, in the order of their ids. Of an account, its members and their roles.
    List {
        /// The members of this account: the slug, or id: and its id.
        #[arg(long)]
        account: Option<String>,
        /// Goes on after the user of this id.
        #[arg(long, value_name = "ID")]
        after: Option<i64>,
        #[command(flatten)]
        paging: Paging,
        #[command(flatten)]
        given: Given,
    },
    /// Shows a user: all that is kept, but for secrets and the audit trail.
    Show {
        /// The e-mail address, or id: and the user's id, as id:7.
        email: String,
        #[command(flatten)]
        given: Given,
    },
    /// Deletes a user for good: ends all that the user can do, and erases what names the person. Rows of the audit trail keep the
    /// user's number, which is nobody else's ever.
    Delete {
        /// The e-mail address, or id: and the user's id, as id:7.
        email: String,
        #[command(flatten)]
        given: Given,
    },
    /// Disables a user: from the next request on, none of its credentials is accepted.
    Disable {
        /// The e-mail address, or id: and the user's id, as id:7.
        email: String,
        #[command(flatten)]
        given: Given,
    },
    /// Enables a user again.
    Enable {
        /// The e-mail address.
        email: String,
        #[command(flatten)]
        given: Given,
    },
    /// Gives a user a role in an account.
    Role {
        /// The e-mail address, or id: and the user's id, as id:7.
        email: String,
        /// The account's slug, or id: and its id, as id:7.
        #[arg(long)]
        account: String,
        /// The role.
        #[arg(long, value_parser = ["admin", "editor", "viewer"])]
        role: String,
        #[command(flatten)]
        given: Given,
    },
    /// Takes a user's place in an account away, and revokes its keys there.
    Remove {
        /// The e-mail address, or id: and the user's id, as id:7.
        email: String,
        /// The account's slug, or id: and its id, as id:7.
        #[arg(long)]
        account: String,
        #[command(flatten)]
        given: Given,
    },
    /// Says that the bearer of an outside issuer's tokens with this subject is this user.
    Link {
        /// The e-mail address, or id: and the user's id, as id:7.
        email: String,
        /// The `iss` of the tokens, exactly.
        #[arg(long)]
        issuer: String,
        /// The `sub` of the tokens, exactly.
        #[arg(long)]
        subject: String,
        /// Takes the link away instead.
        #[arg(long)]
        remove: bool,
        #[command(flatten)]
        given: Given,
    },
}

impl UserOrder {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        let (order, given) = match self {
            Self::Create { email, first_name, last_name, account, role, if_absent, given } => {
                let member = account.zip(role);
                let order = Order::UserCreate { email, first_name, last_name, member };
                (if if_absent { order.if_absent(false) } else { order }, given)
            }
            Self::Invite { email, account, role, given } => {
                (Order::UserInvite { email, account, role }, given)
            }
            Self::ResetPassword { email, given } => (Order::UserResetPassword { email }, given),
            Self::List { account, after: begin, paging, given } => {
                let line = if account.is_some() { member } else { line };
                let form = Form { cursor: "id", line, by_line: false };
                let order =
                    move |after| Order::UserList { account: account.clone(), after: number(after, begin) };
                return given.list((form, paging), order).await;
            }
            Self::Show { email, given } => (Order::UserShow { email }, given),
            Self::Delete { email, given } => (Order::UserDelete { email }, given),
            Self::Disable { email, given } => (Order::UserDisabled { email, disabled: true }, given),
            Self::Enable { email, given } => (Order::UserDisabled { email, disabled: false }, given),
            Self::Role { email, account, role, given } => (Order::UserRole { email, account, role }, given),
            Self::Link { email, issuer, subject, remove, given } => {
                (Order::UserLink { email, issuer, subject, linked: !remove }, given)
            }
            Self::Remove { email, account, given } => (Order::UserRemove { email, account }, given),
        };
        given.give(order).await
    }
}

fn line(user: &Value) -> String {
    of(user, "")
}

/// A member of the account that is listed.
fn member(user: &Value) -> String {
    of(user, &format!("  {}", field(user, "role")))
}

fn of(user: &Value, role: &str) -> String {
    let state = if user.get("disabled") == Some(&Value::Bool(true)) { "disabled" } else { "active" };
    let [id, email, first, last] = ["id", "email", "first_name", "last_name"].map(|name| field(user, name));
    format!("{id:>6}  {email}{role}  {state}  {first} {last}").trim_end().to_owned()
}

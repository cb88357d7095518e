//! `keyward user`.

use super::Given;
use crate::cli::CliError;
use crate::operate::Order;
use clap::Subcommand;

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
            Self::Create { email, first_name, last_name, account, role, given } => {
                let member = account.zip(role);
                (Order::UserCreate { email, first_name, last_name, member }, given)
            }
            Self::Invite { email, account, role, given } => {
                (Order::UserInvite { email, account, role }, given)
            }
            Self::ResetPassword { email, given } => (Order::UserResetPassword { email }, given),
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

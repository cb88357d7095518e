//! `keyward key`, `keyward user`, `keyward account`: orders to the running server, or, when none runs, to the file.

use super::opened::{copy_private, database, open, refuse_no_copy, refuse_taken, root_secret};
use super::{CliError, Source, variables};
use crate::config;
use crate::operate::operator::Operator;
use crate::operate::{AUDIT_PAGE, Order, carry_out, socket};
use clap::{Args, Subcommand};
use serde_json::Value;
use std::io::Write;
use std::path::PathBuf;

/// How every order is given.
#[derive(Debug, Args)]
pub(super) struct Given {
    #[command(flatten)]
    source: Source,
    /// Prints one JSON value on one line.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum KeyOrder {
    /// Makes a key for a member and shows it once.
    Create {
        /// The account's slug.
        #[arg(long)]
        account: String,
        /// The user's e-mail address.
        #[arg(long)]
        user: String,
        /// The key's name.
        #[arg(long)]
        label: String,
        /// All that the user may do, or all that it may read; without it and without scopes, full_access.
        #[arg(long, value_parser = ["full_access", "read_only"])]
        permission: Option<String>,
        /// A scope; can be repeated.
        #[arg(long = "scope")]
        scopes: Vec<String>,
        #[command(flatten)]
        given: Given,
    },
    /// Lists the keys of an account.
    List {
        /// The account's slug.
        #[arg(long)]
        account: String,
        #[command(flatten)]
        given: Given,
    },
    /// Ends a key for good. When the command returns, the key is dead.
    Revoke {
        /// The key's id.
        key: i64,
        #[command(flatten)]
        given: Given,
    },
    /// Gives a key a new secret and shows it once.
    Rotate {
        /// The key's id.
        key: i64,
        /// Seconds that the old secret stays valid.
        #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..=604_800))]
        grace_seconds: i64,
        #[command(flatten)]
        given: Given,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum UserOrder {
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
    /// Disables a user: from the next request on, none of its credentials is accepted.
    Disable {
        /// The e-mail address.
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
        /// The e-mail address.
        email: String,
        /// The account's slug.
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
        /// The e-mail address.
        email: String,
        /// The account's slug.
        #[arg(long)]
        account: String,
        #[command(flatten)]
        given: Given,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum AccountOrder {
    /// Makes an account.
    Create {
        /// The slug: lower-case letters, digits and hyphens.
        slug: String,
        /// The name for people; the slug if it is not given.
        #[arg(long)]
        name: Option<String>,
        /// The tier.
        #[arg(long, default_value = "standard", value_parser = ["free", "standard", "enterprise"])]
        tier: String,
        #[command(flatten)]
        given: Given,
    },
    /// Changes an account's tier.
    Tier {
        /// The slug.
        slug: String,
        /// The new tier.
        #[arg(value_parser = ["free", "standard", "enterprise"])]
        tier: String,
        #[command(flatten)]
        given: Given,
    },
}

impl KeyOrder {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let (order, given) = match self {
            Self::Create { account, user, label, permission, scopes, given } => {
                (Order::KeyCreate { account, user, label, permission, scopes }, given)
            }
            Self::List { account, given } => (Order::KeyList { account }, given),
            Self::Revoke { key, given } => (Order::KeyRevoke { key }, given),
            Self::Rotate { key, grace_seconds, given } => (Order::KeyRotate { key, grace_seconds }, given),
        };
        given.give(order).await
    }
}

impl UserOrder {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let (order, given) = match self {
            Self::Create { email, first_name, last_name, account, role, given } => {
                let member = account.zip(role);
                (Order::UserCreate { email, first_name, last_name, member }, given)
            }
            Self::Disable { email, given } => (Order::UserDisabled { email, disabled: true }, given),
            Self::Enable { email, given } => (Order::UserDisabled { email, disabled: false }, given),
            Self::Role { email, account, role, given } => (Order::UserRole { email, account, role }, given),
            Self::Remove { email, account, given } => (Order::UserRemove { email, account }, given),
        };
        given.give(order).await
    }
}

impl AccountOrder {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let (order, given) = match self {
            Self::Create { slug, name, tier, given } => {
                let name = name.unwrap_or_else(|| slug.clone());
                (Order::AccountCreate { slug, name, tier }, given)
            }
            Self::Tier { slug, tier, given } => (Order::AccountTier { slug, tier }, given),
        };
        given.give(order).await
    }
}

/// Tells the audit trail: who did what, by which credential, when and from where.
#[derive(Debug, Args)]
pub(super) struct Audit {
    /// From this moment on (RFC 3339, such as 2026-03-20T15:30:45Z); from the beginning if it is not given.
    #[arg(long)]
    since: Option<String>,
    #[command(flatten)]
    given: Given,
}

impl Audit {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let since = self.since.map(|text| text.parse::<jiff::Timestamp>()).transpose();
        let since = since
            .map_err(|_| CliError::Said("--since must be a time such as 2026-03-20T15:30:45Z".to_owned()))?;
        let since_unix = since.map_or(0, jiff::Timestamp::as_second);
        let desk = self.given.desk()?;
        let (mut after, mut out) = (0, std::io::stdout());
        loop {
            let page = desk.tell(Order::Audit { since_unix, after }).await?;
            let rows = page.as_array().map(Vec::as_slice).unwrap_or_default();
            for row in rows {
                if self.given.json { writeln!(out, "{row}")? } else { writeln!(out, "{}", in_words(row))? }
            }
            match rows.last().and_then(|row| row.get("id")?.as_i64()) {
                Some(last) if rows.len() == AUDIT_PAGE as usize => after = last,
                _ => return Ok(()),
            }
        }
    }
}

/// A row of the audit trail for people.
fn in_words(row: &Value) -> String {
    let field = |name: &str| {
        row.get(name).filter(|value| !value.is_null()).map(plain).unwrap_or_else(|| "-".to_owned())
    };
    format!(
        "{}  {:<16} {} {}  account {}  by user {} ({} {})  from {} ({})  request {}",
        field("at"),
        field("action"),
        field("subject_kind"),
        field("subject_id"),
        field("account_id"),
        field("actor_user_id"),
        field("credential_kind"),
        field("credential_id"),
        field("address"),
        field("origin_app"),
        field("request_id"),
    )
}

/// Copies the database into a new file while the server serves. The root secret is not in the copy: keep it apart.
#[derive(Debug, Args)]
pub(super) struct Backup {
    /// The file to make.
    file: PathBuf,
    #[command(flatten)]
    given: Given,
}

impl Backup {
    pub(super) async fn run(self) -> Result<(), CliError> {
        // The server may stand in another directory.
        let file = std::path::absolute(&self.file).map_err(CliError::file(&self.file))?;
        self.given.give(Order::Backup { file }).await
    }
}

/// Puts a copy in the place of a database that is not there. It must belong to the root secret that is.
#[derive(Debug, Args)]
pub(super) struct Restore {
    /// The copy.
    file: PathBuf,
    #[command(flatten)]
    source: Source,
}

impl Restore {
    pub(super) fn run(self) -> Result<(), CliError> {
        let config = config::load(&self.source.flags(None), &variables())?;
        let (database, root) = (database(&config)?, root_secret(&config)?);
        refuse_taken(&database)?;
        refuse_no_copy(&self.file)?;
        copy_private(&self.file, &database)?;
        // What cannot be opened does not stay.
        if let Err(error) = open(&config, &root) {
            let _ = std::fs::remove_file(&database);
            return Err(error);
        }
        writeln!(std::io::stdout(), "restored {} from {}", database.display(), self.file.display())?;
        Ok(())
    }
}

/// The one that orders are told to: the running server, or the file.
struct Desk {
    config: config::Config,
    database: PathBuf,
}

impl Desk {
    async fn tell(&self, order: Order) -> Result<Value, CliError> {
        if let Some(done) = socket::tell(&socket::path(&self.database), &order).await? {
            return Ok(done);
        }
        if !self.database.exists() {
            return Err(CliError::Said(format!("there is no database {}", self.database.display())));
        }
        let opened = open(&self.config, &root_secret(&self.config)?)?;
        let operator = Operator::new(&opened.store, &opened.ring, &*opened.random);
        carry_out(&operator, order).await
    }
}

impl Given {
    fn desk(&self) -> Result<Desk, CliError> {
        let config = config::load(&self.source.flags(None), &variables())?;
        Ok(Desk { database: database(&config)?, config })
    }

    async fn give(self, order: Order) -> Result<(), CliError> {
        let done = self.desk()?.tell(order).await?;
        print(&done, self.json)
    }
}

/// For programs as it is; for people a line for each thing that is told, or for each item of a list.
fn print(done: &Value, json: bool) -> Result<(), CliError> {
    let mut out = std::io::stdout();
    match done {
        _ if json => writeln!(out, "{done}")?,
        Value::Array(items) => {
            for item in items {
                let field = |name: &str| item.get(name).map(plain).unwrap_or_default();
                let (id, prefix, user, label) =
                    (field("id"), field("key_prefix"), field("user_email"), field("label"));
                writeln!(out, "{id:>6}  {prefix}…  {user}  {label}")?;
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                writeln!(out, "{name:<28} {}", plain(value))?;
            }
        }
        other => writeln!(out, "{other}")?,
    }
    Ok(())
}

/// A value for people. What a client made is not let loose on the terminal.
fn plain(value: &Value) -> String {
    let escape = |character: char| {
        if character.is_control() { character.escape_default().collect() } else { character.to_string() }
    };
    value.as_str().map_or_else(|| value.to_string(), |text| text.chars().map(escape).collect())
}

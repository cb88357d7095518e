//! `keyward init`: the first account, its admin and a key, shown once.

use super::database_file::{database, refuse_taken};
use super::opened::{Opened, Schema, open};
use super::private_data::refuse_open_directory;
use super::{CliError, Source, variables};
use crate::config::{self, Config};
use crate::files::{directory_of, make_directory};
use crate::operate::operator::{Operator, Person};
use crate::secret_file;
use clap::Args;
use keyward_core::account::is_slug;
use keyward_core::api_key::Settled;
use keyward_core::password;
use keyward_core::principal::Grant;
use keyward_core::role::Role;
use keyward_core::swap::Swap;
use keyward_core::tier::Tier;
use serde_json::json;
use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(super) struct Init {
    #[command(flatten)]
    source: Source,
    /// The account's slug: lower-case letters, digits and hyphens.
    #[arg(long)]
    account: String,
    /// The account's name for people; the slug if it is not given.
    #[arg(long)]
    account_name: Option<String>,
    /// The account's tier.
    #[arg(long, default_value = "standard", value_parser = ["free", "standard", "enterprise"])]
    tier: String,
    /// The admin's e-mail address.
    #[arg(long)]
    email: String,
    /// The admin's given name.
    #[arg(long, default_value = "")]
    first_name: String,
    /// The admin's family name.
    #[arg(long, default_value = "")]
    last_name: String,
    /// Prints one JSON object on one line.
    #[arg(long)]
    json: bool,
}

impl Init {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let config = config::load(&self.source.flags(None), &variables())?;
        if !is_slug(&self.account) {
            return Err(CliError::Said(
                "--account must be lower-case letters, digits and inner hyphens".to_owned(),
            ));
        }
        if !self.email.contains('@') || self.email.len() > 255 || self.email.contains(char::is_whitespace) {
            return Err(CliError::Said("--email must be an e-mail address".to_owned()));
        }
        let making = Making::begin(&config)?;
        let text = {
            let opened = making.open()?;
            self.make_first(&opened).await?
        };
        // Only what is whole gets its name, and only then is anything shown.
        making.finish()?;
        Ok(std::io::stdout().write_all(text.as_bytes())?)
    }

    async fn make_first(&self, opened: &Opened) -> Result<String, CliError> {
        let operator = Operator::new(&opened.store, &opened.ring, &*opened.random);
        let tier = Tier::parse(&self.tier)
            .ok_or_else(|| CliError::Said("a tier is free, standard or enterprise".to_owned()))?;
        // Absent: it is called like its slug.
        let name = self.account_name.as_deref().unwrap_or(&self.account);
        let password =
            password::generate(&*opened.random).map_err(|error| CliError::Said(error.to_string()))?;
        let person = Person {
            email: &self.email.to_lowercase(),
            first_name: &self.first_name,
            last_name: &self.last_name,
            title: None,
        };
        let account = operator.account(&self.account, name, None, tier).await?;
        let user = operator.user(&person, &password).await?;
        operator.member(account, user, Role::Admin).await?;
        let all = Settled { grant: Grant::FullAccess, expires_at: None, allowed_ips: None };
        let (key, secret) = operator.key(account, user, "First key", all).await?;
        if self.json {
            let line = json!({
                "account": { "id": account, "slug": self.account, "tier": tier.name() },
                "user": { "id": user, "email": person.email, "password": password.expose() },
                "api_key": { "id": key, "api_key": secret.expose() },
            });
            return Ok(format!("{line}\n"));
        }
        Ok(format!(
            "Account {} (id {account}, tier {})\nAdmin   {} (id {user})\nThese are shown this once:\n  \
             password  {}\n  API key   {}\n",
            self.account,
            tier.name(),
            person.email,
            password.expose(),
            secret.expose(),
        ))
    }
}

/// A database in the making: under another name until it is whole, so that an init that was cut short can be repeated.
struct Making<'c> {
    config: &'c Config,
    database: PathBuf,
    meanwhile: PathBuf,
}

impl<'c> Making<'c> {
    /// An old database is never touched, an old root secret is used.
    fn begin(config: &'c Config) -> Result<Self, CliError> {
        let database = database(config)?;
        refuse_taken(&database)?;
        for file in [&database, &config.secrets.file] {
            if let Some(directory) = file.parent().filter(|directory| !directory.as_os_str().is_empty()) {
                make_directory(directory)?;
            }
        }
        refuse_open_directory(directory_of(&database))?;
        let meanwhile = database.with_extension("making");
        if File::open(&meanwhile).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock))) {
            return Err(CliError::Said(format!("another init is making {}", database.display())));
        }
        for leftover in ["making", "making-wal", "making-shm"] {
            match std::fs::remove_file(database.with_extension(leftover)) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(CliError::file(meanwhile)(error));
                }
                // Absent: it is gone, or was not there.
                _ => {}
            }
        }
        Ok(Self { config, database, meanwhile })
    }

    fn open(&self) -> Result<Opened, CliError> {
        let root = if secret_file::is_given(self.config) {
            secret_file::read(self.config)?
        } else {
            secret_file::make(self.config)?
        };
        let mut config = self.config.clone();
        config.store.url = format!("sqlite:{}", self.meanwhile.display());
        open(&config, &root, Schema::BringUpToDate, Swap::new(config.limits.tiers))
    }

    fn finish(self) -> Result<(), CliError> {
        std::fs::rename(&self.meanwhile, &self.database).map_err(CliError::file(&self.database))?;
        let directory = directory_of(&self.database);
        File::open(directory).and_then(|directory| directory.sync_all()).map_err(CliError::file(directory))
    }
}

//! `keyward init`: the first account, its admin and a key, shown once.

use super::database_file::{database, journal, refuse_journal, refuse_no_database, refuse_taken};
use super::opened::{Opened, Schema, open};
use super::private_data::refuse_open_directory;
use super::written::{unshown, unwritten, write_out, write_to_reader};
use super::{CliError, Source, variables};
use crate::config::{self, Config};
use crate::files::{directory_of, make_directory};
use crate::operate::SocketPlace;
use crate::operate::operator::{Operator, Person};
use crate::operate::os_user;
use crate::operate::presence::refuse_served;
use crate::secret_file;
use clap::Args;
use keyward_core::account::is_slug;
use keyward_core::api_key::Settled;
use keyward_core::grant::Grant;
use keyward_core::password;
use keyward_core::role::Role;
use keyward_core::swap::Swap;
use keyward_core::tier::Tier;
use serde_json::json;
use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

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
    /// Ends with 0 where a database of Keyward and its root secret are there already, whatever accounts it has, and changes nothing.
    #[arg(long)]
    if_absent: bool,
    /// Prints one JSON object on one line.
    #[arg(long)]
    json: bool,
}

impl Init {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let config = config::load(&self.source.flags(None), &variables())?;
        // For programs standard error has one line, and that is the error.
        if !self.json {
            super::config::warn_of_variables(&config);
        }
        if self.if_absent && database(&config)?.exists() {
            return self.is_there(&config);
        }
        if !is_slug(&self.account) {
            return Err(CliError::usage("--account must be lower-case letters, digits and inner hyphens"));
        }
        if !self.email.contains('@') || self.email.len() > 255 || self.email.contains(char::is_whitespace) {
            return Err(CliError::usage("--email must be an e-mail address"));
        }
        let place = database(&config)?;
        refuse_taken(&place)?;
        let socket = SocketPlace::of(&place, config.server.orders_socket.as_deref());
        refuse_served(&socket, &place).await?;
        let mut making = Making::begin(&config)?;
        let text = {
            let opened = making.open()?;
            self.make_first(&opened).await?
        };
        // The database gets its name when its secrets have reached somebody, and else nothing of it stays.
        write_out(&text).map_err(|error| unwritten(&error, "nothing is made"))?;
        making.finish()
    }

    /// What is there must be what `serve` needs: an empty file, or a database without its root secret, is no installation.
    fn is_there(&self, config: &Config) -> Result<(), CliError> {
        let database = database(config)?;
        refuse_no_database(&database)?;
        secret_file::read(config).map_err(|error| CliError::from(error).of_configuration())?;
        let text = if self.json {
            format!("{}\n", json!({ "database": database.display().to_string(), "created": false }))
        } else {
            format!("{} is there already\n", database.display())
        };
        write_to_reader(&text).map_err(|error| unshown(&error))
    }

    async fn make_first(&self, opened: &Opened) -> Result<String, CliError> {
        let operator =
            Operator::new(&opened.store, &opened.ring, &*opened.random).named(Some(os_user::own()));
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

/// A database in the making: under another name until it is whole, so that an init that was cut short can be repeated. Dropped
/// before that, it leaves nothing behind.
struct Making<'c> {
    config: &'c Config,
    database: PathBuf,
    meanwhile: PathBuf,
    /// Whether the file of that name is this one's.
    ours: bool,
    /// What was not there before, to be taken away in this order: the root secret, and directories from the inside out.
    made: Vec<PathBuf>,
}

impl<'c> Making<'c> {
    /// An old database is never touched, an old root secret is used.
    fn begin(config: &'c Config) -> Result<Self, CliError> {
        let database = database(config)?;
        refuse_taken(&database)?;
        refuse_journal(&database)?;
        let meanwhile = database.with_extension("making");
        if File::open(&meanwhile).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock))) {
            return Err(CliError::unavailable(format!("another init is making {}", database.display())));
        }
        let mut making = Self { config, database, meanwhile, ours: false, made: Vec::new() };
        for file in [&making.database, &config.secrets.file] {
            if let Some(directory) = file.parent().filter(|directory| !directory.as_os_str().is_empty()) {
                let missing = directory
                    .ancestors()
                    .take_while(|above| !above.as_os_str().is_empty() && !above.exists());
                making.made.extend(missing.map(Path::to_owned));
                make_directory(directory)?;
            }
        }
        refuse_open_directory(directory_of(&making.database)).map_err(CliError::of_configuration)?;
        for leftover in MEANWHILE {
            match std::fs::remove_file(making.database.with_extension(leftover)) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(CliError::file(&making.meanwhile)(error));
                }
                // Absent: it is gone, or was not there.
                _ => {}
            }
        }
        Ok(making)
    }

    fn open(&mut self) -> Result<Opened, CliError> {
        let root = if secret_file::is_given(self.config) {
            secret_file::read(self.config).map_err(|error| CliError::from(error).of_configuration())?
        } else {
            let root = secret_file::make(self.config)?;
            self.made.insert(0, self.config.secrets.file.clone());
            root
        };
        let mut config = self.config.clone();
        config.store.url = format!("sqlite:{}", self.meanwhile.display());
        let opened = open(&config, &root, Schema::Make, Swap::new(config.limits.tiers))?;
        // It is locked, so it is nobody else's.
        self.ours = true;
        Ok(opened)
    }

    fn finish(mut self) -> Result<(), CliError> {
        for (from, to) in [
            (journal(&self.meanwhile), journal(&self.database)),
            (self.meanwhile.clone(), self.database.clone()),
        ] {
            if let Err(error) = std::fs::rename(from, &to) {
                let _ = std::fs::remove_file(journal(&self.database));
                let error = CliError::file(&to)(error);
                return Err(CliError::Said(format!(
                    "what was printed opens nothing, nothing is made: {error}"
                )));
            }
        }
        (self.ours, self.made) = (false, Vec::new());
        let directory = directory_of(&self.database);
        File::open(directory).and_then(|directory| directory.sync_all()).map_err(CliError::file(directory))
    }
}

/// What is made under another name meanwhile.
const MEANWHILE: [&str; 4] = ["making", "making-wal", "making-shm", "making.revocations"];

impl Drop for Making<'_> {
    /// What cannot be taken away is cleared by the next init, but for a root secret, which that one uses.
    fn drop(&mut self) {
        for meanwhile in MEANWHILE.iter().filter(|_| self.ours) {
            let _ = std::fs::remove_file(self.database.with_extension(meanwhile));
        }
        for path in &self.made {
            // A directory in which something else is by now stays.
            drop(if path.is_dir() { std::fs::remove_dir(path) } else { std::fs::remove_file(path) });
        }
    }
}

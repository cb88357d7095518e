//! `keyward serve`.

use super::database_file::database;
use super::opened::{Schema, open};
use super::run::{self, Plan};
use super::{CliError, Source, core_dumps, variables};
use crate::reload::{Current, Reloadable, Reloader};
use crate::{config, secret_file, telemetry};
use clap::Args;
use std::net::SocketAddr;

#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    source: Source,
    /// The address and port to listen on.
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
}

impl Serve {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let signals = run::Signals::listen()?;
        let flags = self.source.flags(self.listen);
        let config = config::load(&flags, &variables())?;
        let set_level = telemetry::start(&config.log);
        config.log_warnings();
        core_dumps::turn_off();
        let current = Current::new(Reloadable::of(&config)?);
        let traces = telemetry::traces()?;
        let bound = run::listen(&config.server)?;
        let root = secret_file::read(&config)?;
        let database = database(&config)?;
        if !database.exists() {
            return Err(CliError::Said(format!(
                "there is no database {}; run keyward init first",
                database.display()
            )));
        }
        let opened = open(&config, &root, Schema::BringUpToDate, current.tiers())?;
        let public_url = config.public_url(bound.address);
        let (address, admin, url) = (bound.address, bound.admin_address, public_url.clone());
        let announce = Box::new(move || {
            let admin = admin.map(tracing::field::display);
            tracing::info!(%address, public_url = url, admin, "serving");
            Ok(())
        });
        let (oauth, mcp, people) = (config.oauth.clone(), config.mcp.clone(), Vec::new());
        let reloader = Reloader::new(flags, config, current, set_level);
        run::serve(Plan {
            bound,
            public_url,
            opened,
            signals,
            reloader,
            traces,
            oauth,
            mcp,
            people,
            announce,
        })
        .await
    }
}

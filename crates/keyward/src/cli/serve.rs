//! `keyward serve`.

use super::database_file::database;
use super::listening::listen;
use super::opened::{Schema, open};
use super::run::{self, Plan};
use super::{CliError, Source, core_dumps, variables};
use crate::config::Listen;
use crate::current::{Current, Reloadable};
use crate::reload::Reloader;
use crate::watch::Degraded;
use crate::{config, secret_file, telemetry};
use clap::Args;

#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    source: Source,
    /// What to listen on: an address or a name with a port, or unix: and a path. Repeat it for several.
    #[arg(long, value_name = "ADDR")]
    listen: Vec<Listen>,
}

impl Serve {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let signals = run::Signals::listen()?;
        let flags = self.source.flags(Some(self.listen));
        let config = config::load(&flags, &variables())?;
        let set_level = telemetry::start(&config.log)?;
        config.log_warnings();
        core_dumps::turn_off();
        let current = Current::new(Reloadable::of(&config)?);
        let degraded = Degraded::default();
        let traces = telemetry::traces(&degraded);
        let bound = listen(&config.server)?;
        let root = secret_file::read(&config)?;
        let database = database(&config)?;
        if !database.exists() {
            return Err(CliError::Said(format!(
                "there is no database {}; run keyward init first",
                database.display()
            )));
        }
        let opened = open(&config, &root, Schema::BringUpToDate, current.tiers())?;
        let public_url = config.public_url(bound.first());
        let (address, admin, url) = (bound.clients.shown(), bound.admin.shown(), public_url.clone());
        let announce = Box::new(move || {
            let shown = |at: &Option<String>| at.clone().map(tracing::field::display);
            tracing::info!(address = shown(&address), public_url = url, admin = shown(&admin), "serving");
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
            degraded,
            oauth,
            mcp,
            people,
            announce,
        })
        .await
    }
}

//! What strangers can do to a server from outside, over real sockets and against a process of its own.
//!
//! `cargo xtask soak siege` floods the release build in the shapes of the red team, one after the other, with honest clients
//! beside each flood; a row of figures for each, and exit code 1 when anything promised was not kept. `cargo xtask soak garbage`
//! sends it half a million requests of structured garbage: none may be answered 5xx or not at all. `cargo xtask soak hydra` has
//! Ory Hydra issue tokens, and says what each of them opens.
//!
//! The floods, the garbage and the table of tokens are those of `tests/rigs`, of which the tests of the process run a part.

mod soak;

#[path = "../tests/rigs/garbage/mod.rs"]
mod garbage;
#[path = "soak/hydra.rs"]
mod hydra;
#[path = "../tests/rigs/issuer.rs"]
mod issuer;
#[path = "../tests/rigs/siege/mod.rs"]
mod siege;
#[path = "../tests/rigs/street/mod.rs"]
mod street;

use clap::{Args, Parser, Subcommand};
use hydra::Hydra;
use soak::Failure;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;
use street::server::Town;

/// Attacks a server of its own from outside and says whether it keeps what is promised.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Floods in the shapes of the red team, with honest clients beside them
    Siege(Siege),
    /// Structured garbage over all routes, with and without good credentials
    Garbage(Garbage),
    /// What access tokens of Ory Hydra open, by the scopes that it writes into them
    Hydra(HydraTokens),
}

#[derive(Args)]
struct Siege {
    /// The server program; without it: `keyward` beside the directory of this example
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
    /// Only shapes whose name holds this
    #[arg(long, default_value = "")]
    shape: String,
    /// Seconds of each flood
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=20))]
    seconds: u64,
    /// Seconds without a flood before each
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u64).range(1..=10))]
    baseline: u64,
}

#[derive(Args)]
struct Garbage {
    /// The server program; without it: `keyward` beside the directory of this example
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
    /// How many requests
    #[arg(long, default_value_t = 500_000)]
    requests: u64,
    /// What the requests come from: the same seed gives the same requests
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Args)]
struct HydraTokens {
    /// The server program; without it: `keyward` beside the directory of this example
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
    /// The program of Ory Hydra, built with SQLite
    #[arg(long, value_name = "PATH")]
    hydra: PathBuf,
}

fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    soak::run(async {
        match &arguments.what {
            What::Siege(arguments) => besiege(arguments).await,
            What::Garbage(arguments) => throw(arguments).await,
            What::Hydra(arguments) => issue(arguments).await,
        }
    })
}

async fn besiege(arguments: &Siege) -> Result<(), Failure> {
    let town = Town::found(&soak::program(arguments.server.as_ref())?).await?;
    let scale = siege::Scale {
        baseline: Duration::from_secs(arguments.baseline),
        flood: Duration::from_secs(arguments.seconds),
        settling: Duration::from_millis(500),
        is_small: false,
        pinned: true,
        ratio: 5.0,
        least: 0.0,
        sign_in: Duration::from_secs(2),
    };
    let (mut out, mut missed) = (io::stdout(), 0);
    writeln!(out, "{}", siege::HEAD)?;
    for shape in siege::SHAPES.into_iter().filter(|shape| shape.name.contains(&arguments.shape)) {
        let row = siege::run(&town, shape, scale).await?;
        writeln!(out, "{row}")?;
        missed += row.miscounts().len() + row.delays().len();
    }
    if missed == 0 { Ok(()) } else { Err(format!("{missed} promises were not kept").into()) }
}

async fn throw(arguments: &Garbage) -> Result<(), Failure> {
    let town = Town::found(&soak::program(arguments.server.as_ref())?).await?;
    let plan = garbage::Plan { requests: arguments.requests, seed: arguments.seed, pinned: true };
    let heap = garbage::run(&town, plan).await?;
    let mut out = io::stdout();
    writeln!(out, "{heap}")?;
    let faults = heap.faults();
    if faults.is_empty() { Ok(()) } else { Err(format!("not kept: {}", faults.join("; ")).into()) }
}

/// One Hydra after the other, each of which writes scopes in another style.
async fn issue(arguments: &HydraTokens) -> Result<(), Failure> {
    let town = Town::found(&soak::program(arguments.server.as_ref())?).await?;
    let (mut out, mut faults) = (io::stdout(), 0);
    for style in hydra::STYLES {
        let mut hydra = Hydra::start(&arguments.hydra.canonicalize()?, style).await?;
        let report = issuer::judge(&town, &mut hydra).await?;
        writeln!(out, "Hydra, strategies.jwt.scope_claim: {style}\n{report}\n")?;
        faults += report.faults().len();
    }
    if faults == 0 { Ok(()) } else { Err(format!("{faults} answers differ").into()) }
}

//! `keyward explain`.

use super::{Given, print};
use crate::cli::CliError;
use crate::operate::Order;
use crate::watch::Seen;
use clap::Args;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// Says what became of a request, and why: who it was, by which credential, which check refused it, what to do. It looks at
/// the refusals that the running server remembers, at the audit trail, and at a log if one is given.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The id, as in the answer's X-Request-Id.
    request_id: Uuid,
    /// A file with log lines, of either format; - reads standard input.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    #[command(flatten)]
    given: Given,
}

impl Explain {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        let request_id = self.request_id.hyphenated().to_string();
        let seen = match &self.log {
            Some(file) => in_log(file, &request_id).map_err(CliError::file(file))?.map(Box::new),
            None => None,
        };
        let done = self.given.addressee()?.tell(Order::Explain { request_id, seen }).await?;
        print(&done, self.given.json)
    }
}

/// The last event of this request in a log.
fn in_log(file: &Path, request_id: &str) -> io::Result<Option<Seen>> {
    let lines: Box<dyn BufRead> = if file == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(BufReader::new(File::open(file)?))
    };
    let mut found = None;
    for line in lines.split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        if line.contains(request_id) {
            found = Seen::in_line(&line).filter(|seen| seen.request_id == request_id).or(found);
        }
    }
    Ok(found)
}

//! The conformance runner's server scenarios, in both revisions, through the program's own stack and authentication.
//!
//! | file | what |
//! | --- | --- |
//! | `fixture.rs` | the tools, prompts and resources that the runner asks for |
//! | `serve.rs` | a server with them, behind the door |
//! | `run.rs` | the runner |
//! | `sessions.rs` | sessions of the older revisions are their caller's alone |

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod run;
#[cfg(test)]
mod serve;
#[cfg(test)]
mod sessions;

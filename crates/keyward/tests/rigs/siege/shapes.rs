//! The shapes of attack: a row each, with what the red team called it.

use super::floods::{self, Flood};
use crate::street::server::Log;
use std::pin::Pin;
use std::sync::Arc;

type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

/// One shape of attack.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    /// The finding that it repeats.
    pub(crate) finding: &'static str,
    pub(crate) flood: fn(Arc<Flood>) -> Running,
    /// How much longer than the others it takes.
    pub(crate) times: u32,
    pub(crate) log: Log,
    pub(crate) tls: bool,
    /// In a memory cgroup of 256 MiB.
    pub(crate) confined: bool,
    /// With name servers that never answer.
    pub(crate) unnamed: bool,
    /// Whether new networks cannot be told from those of the flood until these have had a turn.
    pub(crate) settles: bool,
    /// By how many MiB the server may have grown when the flood is over.
    pub(crate) growth: Option<f64>,
}

const PLAIN: Shape = Shape {
    name: "",
    finding: "",
    flood: |_| Box::pin(async {}),
    times: 1,
    log: Log::File,
    tls: false,
    confined: false,
    unnamed: false,
    settles: false,
    growth: None,
};

/// What the server may keep of a flood of passwords.
const KEPT: f64 = 60.0;

/// All of them.
pub(crate) const SHAPES: [Shape; 18] = [
    Shape {
        name: "bodies-one",
        finding: "F3",
        flood: |to| Box::pin(floods::unfinished_bodies(to, 1)),
        ..PLAIN
    },
    Shape {
        name: "bodies-many",
        finding: "F3",
        flood: |to| Box::pin(floods::unfinished_bodies(to, 24)),
        ..PLAIN
    },
    Shape { name: "bodies-empty", finding: "F3", flood: |to| Box::pin(floods::empty_bodies(to)), ..PLAIN },
    Shape {
        name: "mcp-bodies",
        finding: "F4",
        flood: |to| Box::pin(floods::unfinished_bodies_at_mcp(to)),
        ..PLAIN
    },
    Shape { name: "mcp-messages", finding: "F4", flood: |to| Box::pin(floods::messages_at_mcp(to)), ..PLAIN },
    Shape {
        name: "passwords-64",
        finding: "F2",
        flood: |to| Box::pin(floods::wrong_passwords(to, 64, 64, false)),
        settles: true,
        growth: Some(KEPT),
        ..PLAIN
    },
    Shape {
        name: "passwords-cgroup",
        finding: "F2",
        flood: |to| Box::pin(floods::wrong_passwords(to, 64, 64, false)),
        confined: true,
        settles: true,
        growth: Some(KEPT),
        ..PLAIN
    },
    Shape {
        name: "passwords-220",
        finding: "F8a",
        flood: |to| Box::pin(floods::wrong_passwords(to, 220, 220, false)),
        settles: true,
        growth: Some(KEPT),
        ..PLAIN
    },
    Shape {
        name: "passwords-target",
        finding: "F8b",
        flood: |to| Box::pin(floods::wrong_passwords(to, 16, 220, true)),
        ..PLAIN
    },
    Shape {
        name: "registrations",
        finding: "F12",
        flood: |to| Box::pin(floods::registrations(to)),
        times: 4,
        ..PLAIN
    },
    Shape {
        name: "names-nowhere",
        finding: "F7",
        flood: |to| Box::pin(floods::nowhere(to)),
        times: 2,
        unnamed: true,
        ..PLAIN
    },
    Shape { name: "unknown-paths", finding: "F19", flood: |to| Box::pin(floods::unknown_paths(to)), ..PLAIN },
    Shape { name: "bad-keys", finding: "F19", flood: |to| Box::pin(floods::bad_keys(to)), ..PLAIN },
    Shape {
        name: "log-stuck",
        finding: "F10",
        flood: |to| Box::pin(floods::unknown_paths(to)),
        log: Log::StuckPipe,
        ..PLAIN
    },
    Shape { name: "forwarded", finding: "F1", flood: |to| Box::pin(floods::garbage_forwarded(to)), ..PLAIN },
    Shape { name: "pings", finding: "F14", flood: |to| Box::pin(floods::pings(to)), ..PLAIN },
    Shape { name: "settings", finding: "F14", flood: |to| Box::pin(floods::settings(to)), ..PLAIN },
    Shape {
        name: "handshakes",
        finding: "F3",
        flood: |to| Box::pin(floods::half_handshakes(to)),
        tls: true,
        ..PLAIN
    },
];

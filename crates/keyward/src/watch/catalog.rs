//! Every figure by its name, kind, labels and meaning: `/metrics`, the reference page and the tests go by this table.

/// One figure, as the reference page tells it.
#[derive(Debug)]
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) labels: &'static str,
    pub(crate) about: &'static str,
}

impl Figure {
    pub(super) fn is_counter(&self) -> bool {
        self.kind == "counter"
    }
}

pub(super) const REQUESTS: Figure = Figure {
    name: "requests",
    kind: "counter",
    labels: "operation, status, denial",
    about: "Requests by operation (none: no route), status (0: the client left) and denial (empty: not refused)",
};
pub(super) const DURATIONS: Figure = Figure {
    name: "request_duration_seconds",
    kind: "histogram",
    labels: "operation",
    about: "Seconds from the head of a request to its answer",
};
pub(super) const CONNECTIONS: Figure =
    Figure { name: "connections", kind: "gauge", labels: "", about: "Connections that are open" };
pub(super) const REFUSED: Figure = Figure {
    name: "connections_refused",
    kind: "counter",
    labels: "",
    about: "Connections that were closed at once, since there were too many",
};
pub(super) const UNKNOWN_ADDRESSES: Figure = Figure {
    name: "client_address_unknown",
    kind: "counter",
    labels: "",
    about: "Requests that a trusted proxy passed on without a client address that can be read",
};
pub(super) const OVERDUE: Figure = Figure {
    name: "connections_overdue",
    kind: "counter",
    labels: "with",
    about: "Connections that were ended because the client was too slow: with opening (no whole head in time), idle (nothing \
            after an answer) or stalled (takes nothing of an answer)",
};

/// A figure that is looked up when it is asked for.
const fn asked(name: &'static str, about: &'static str) -> Figure {
    Figure { name, kind: "gauge", labels: "", about }
}

pub(super) const KEYS: Figure =
    asked("keys", "API keys in memory: those that were not revoked, and did not end more than a week ago");
pub(super) const KEYS_EXPIRING: Figure = Figure {
    name: "keys_expiring",
    kind: "gauge",
    labels: "within",
    about: "API keys that were not revoked and end within 1d, 7d or 30d from now; those of 1d are among those of 7d",
};
pub(super) const BUILD_INFO: Figure = Figure {
    name: "build_info",
    kind: "gauge",
    labels: "version, revision, date",
    about: "1; the labels say which program it is: its version, the commit and that commit's date, as keyward --version says them",
};
pub(super) const KEYS_RETIRED: Figure = asked(
    "keys_retired",
    "Digests in memory of keys that are over, 100000 at most: they tell such keys apart in the log",
);
pub(super) const KEYS_UNMOVED: Figure = asked(
    "keys_unmoved",
    "Live keys that have not been used since the root secret was rotated: they hold the next rotation up",
);
pub(super) const USES_UNWRITTEN: Figure =
    asked("key_uses_unwritten", "Keys whose last use is noted and not yet written");
pub(super) const DATABASE: Figure = asked("database_bytes", "Bytes of the database's file");
pub(super) const DATABASE_LOG: Figure =
    asked("database_log_bytes", "Bytes of the database's write-ahead log");
pub(super) const WRITES_WAITING: Figure = asked(
    "database_writes_waiting",
    "Writes that wait for their turn; at 1024 one more is answered 503, and at 256 of one account one more of it 429",
);
pub(super) const READS_WAITING: Figure = asked(
    "database_reads_waiting",
    "Reads that wait for their turn or are being done; at 4096 one more is answered 503, and at 1024 of one account one more of it 429",
);
pub(super) const WRITES_FAIL: Figure = asked(
    "database_writes_fail",
    "1 while the database cannot be written, because its disk is full or fails; else 0",
);
pub(super) const ENDINGS_UNWRITTEN: Figure = asked(
    "database_revocations_unwritten",
    "Revocations that hold in memory and in the journal, and could not be written to the database yet",
);
pub(super) const ENDINGS_UNJOURNALED: Figure = asked(
    "revocation_journal_unwritten",
    "Revocations that could not be written to the journal beside the database, which keeps them meanwhile: a restored copy would \
     not learn of them if the database is lost",
);
pub(super) const CLOCK_BEHIND: Figure = asked(
    "clock_behind_seconds",
    "Seconds that the machine's clock is behind the newest time that was recorded; above 60, credentials with an end are answered 503",
);
pub(super) const ROWS_LEFT_OUT: Figure = asked(
    "database_rows_left_out",
    "Rows that cannot be read, and were left out at the start or of a list, the recorded time among them: an alarm. The log names each",
);
pub(super) const LOG_LINES_DROPPED: Figure = Figure {
    name: "log_lines_dropped",
    kind: "counter",
    labels: "lane",
    about: "Log lines that were dropped, since what reads the log is too slow or its disk is full; lane severe: ERROR and \
            WARN, routine: the rest",
};
pub(super) const LOG_LINES_WAITING: Figure = Figure {
    name: "log_lines_waiting",
    kind: "gauge",
    labels: "lane",
    about: "Log lines that are not written yet; at 8192 of a lane further ones are dropped",
};
pub(super) const LOG_LINES_LEFT_OUT: Figure = Figure {
    name: "log_lines_left_out",
    kind: "counter",
    labels: "",
    about: "Log lines of requests that were left out on purpose, in a flood of one address, network, credential or account",
};
pub(super) const BODIES: Figure = asked(
    "request_body_bytes",
    "Bytes of room that bodies of requests take which are being read; of 80 MiB in all",
);
pub(super) const PASSWORDS_WAITING: Figure = asked(
    "passwords_waiting",
    "Passwords that wait to be hashed: of at most 32 known browsers and 32 strangers; further sign-ins are answered 429",
);
pub(super) const SPANS_LOST: Figure = Figure {
    name: "spans_lost",
    kind: "counter",
    labels: "",
    about: "Spans that the trace collector did not take",
};

pub(super) const BACKGROUND_PANICS: Figure = Figure {
    name: "background_panics",
    kind: "counter",
    labels: "task",
    about: "Panics that ended a task beside the requests; it begins again, which the log and /readyz say",
};
pub(super) const PANICS: Figure = Figure {
    name: "panics",
    kind: "counter",
    labels: "",
    about: "Panics, wherever they were caught: each is a fault of the server, which the log names",
};
pub(super) const DEGRADED: Figure = Figure {
    name: "degraded",
    kind: "gauge",
    labels: "part",
    about: "1 while a part fails that the server works without, which the log names with its cause, else 0: root_certificates (nothing \
            is fetched by https), orders_socket (no command reaches the server), traces (spans are lost), service_manager (systemd is \
            not notified)",
};

pub(super) const CERTIFICATE_END: Figure = asked(
    "tls_certificate_not_after",
    "When the certificate that is served ends, in seconds since 1970; 0: that cannot be read. Only where the server speaks HTTPS itself",
);

pub(super) const LIMITED: Figure = Figure {
    name: "limited",
    kind: "counter",
    labels: "limit, refused",
    about: "Requests over a limit; refused is false where [limits] shadow only counts them",
};
pub(super) const LIMIT_BUCKETS: Figure =
    asked("limit_buckets", "Accounts and addresses that are counted for limits");

/// A figure of each issuer.
const fn of_issuer(name: &'static str, kind: &'static str, about: &'static str) -> Figure {
    Figure { name, kind, labels: "issuer", about }
}

pub(super) const ISSUER_KEYS: Figure =
    of_issuer("issuer_keys", "gauge", "Keys of the issuer that are believed; 0: its tokens are answered 503");
pub(super) const ISSUER_KEYS_AGE: Figure = of_issuer(
    "issuer_keys_age_seconds",
    "gauge",
    "Seconds since the issuer's keys were fetched; above 3700 they could not be, and above 86400 they are believed no longer",
);
pub(super) const ISSUER_FETCHES: Figure = Figure {
    name: "issuer_key_fetches",
    kind: "counter",
    labels: "issuer, failed",
    about: "Fetches of the issuer's keys",
};

/// Every figure.
pub(crate) const FIGURES: &[Figure] = &[
    REQUESTS,
    DURATIONS,
    CONNECTIONS,
    REFUSED,
    OVERDUE,
    UNKNOWN_ADDRESSES,
    CERTIFICATE_END,
    LIMITED,
    LIMIT_BUCKETS,
    BODIES,
    PASSWORDS_WAITING,
    KEYS,
    KEYS_EXPIRING,
    KEYS_RETIRED,
    KEYS_UNMOVED,
    USES_UNWRITTEN,
    DATABASE,
    DATABASE_LOG,
    WRITES_WAITING,
    READS_WAITING,
    WRITES_FAIL,
    ENDINGS_UNWRITTEN,
    ENDINGS_UNJOURNALED,
    ROWS_LEFT_OUT,
    CLOCK_BEHIND,
    SPANS_LOST,
    PANICS,
    BACKGROUND_PANICS,
    DEGRADED,
    LOG_LINES_WAITING,
    LOG_LINES_DROPPED,
    LOG_LINES_LEFT_OUT,
    ISSUER_KEYS,
    ISSUER_KEYS_AGE,
    ISSUER_FETCHES,
    BUILD_INFO,
];

-- The answers of writes that carried an Idempotency-Key: one row in the transaction of its effect. `name` is an HMAC; the key
-- itself is nowhere. An answer that shows a secret is sealed (`salt`), and `body` becomes NULL when it can be shown no more.
CREATE TABLE idempotency (
    name BLOB PRIMARY KEY,
    secret_version INTEGER NOT NULL,
    fingerprint BLOB NOT NULL,
    account_id INTEGER,
    user_id INTEGER NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id INTEGER NOT NULL,
    status INTEGER NOT NULL,
    body BLOB,
    salt BLOB,
    etag TEXT,
    location TEXT,
    completed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_by_age ON idempotency (completed_at);
CREATE INDEX idempotency_with_secret ON idempotency (subject_id) WHERE salt IS NOT NULL;
CREATE INDEX idempotency_sealed_by_age ON idempotency (completed_at) WHERE salt IS NOT NULL;

-- The counters of limits, from a clean stop to the next start.
CREATE TABLE limit_windows (
    bucket TEXT PRIMARY KEY,
    ages BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE limit_state (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    -- When the counters were saved at a clean stop, in milliseconds; NULL while a server runs.
    saved_at_ms INTEGER
) STRICT;

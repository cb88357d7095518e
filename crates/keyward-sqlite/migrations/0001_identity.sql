-- Times are whole seconds since 1970-01-01T00:00:00Z. Ids are never used again.

-- Which root secret this store belongs to: a value derived from each version, never the secret.
CREATE TABLE root_secret_versions (
    version INTEGER PRIMARY KEY,
    check_value TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE accounts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    account_type TEXT,
    tier TEXT NOT NULL CHECK (tier IN ('free', 'standard', 'enterprise')),
    created_at INTEGER NOT NULL,
    disabled_at INTEGER
) STRICT;

CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    email TEXT NOT NULL UNIQUE CHECK (email = lower(email)),
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    title TEXT,
    photo_url TEXT,
    password_hash TEXT,
    created_at INTEGER NOT NULL,
    last_login_at INTEGER,
    disabled_at INTEGER
) STRICT;

CREATE TABLE memberships (
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    user_id INTEGER NOT NULL REFERENCES users (id),
    role TEXT NOT NULL CHECK (role IN ('admin', 'editor', 'viewer')),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX memberships_by_user ON memberships (user_id);

-- A key has either a preset that grows with its user, or a fixed list of scopes.
CREATE TABLE api_keys (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    user_id INTEGER NOT NULL REFERENCES users (id),
    label TEXT NOT NULL,
    prefix TEXT NOT NULL,
    permission TEXT CHECK (permission IN ('full_access', 'read_only')),
    scopes TEXT,
    allowed_ips TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER,
    last_used_at INTEGER,
    CHECK ((permission IS NULL) <> (scopes IS NULL))
) STRICT;
CREATE INDEX api_keys_by_owner ON api_keys (account_id, user_id);

-- Digests only. At most two of a key are live: the current one, and the previous one during its grace.
CREATE TABLE api_key_secrets (
    digest BLOB PRIMARY KEY,
    key_id INTEGER NOT NULL REFERENCES api_keys (id),
    pepper_version INTEGER NOT NULL,
    ends_at INTEGER,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX api_key_secrets_by_key ON api_key_secrets (key_id);

-- Who did what, by which credential, when and from where. `account_seq` numbers the rows of one account without
-- gaps, so that they can be chained later.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    account_id INTEGER REFERENCES accounts (id),
    account_seq INTEGER,
    actor_user_id INTEGER REFERENCES users (id),
    credential_kind TEXT NOT NULL,
    credential_id INTEGER,
    action TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id INTEGER NOT NULL,
    detail TEXT,
    address TEXT,
    origin_app TEXT NOT NULL,
    request_id TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX audit_by_account ON audit (account_id, account_seq);

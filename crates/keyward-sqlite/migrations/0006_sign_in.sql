-- The embedded authorization server. Secrets are kept as hashes, or sealed; refresh tokens are not kept at all.

-- Applications that were made known. Redirect URIs are separated by line feeds.
CREATE TABLE oauth_clients (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    client_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    redirect_uris TEXT NOT NULL,
    origin TEXT NOT NULL CHECK (origin IN ('operator', 'registered')),
    secret_digest BLOB,
    refreshes INTEGER NOT NULL CHECK (refreshes IN (0, 1)),
    metadata_digest BLOB UNIQUE,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT;

-- What people let applications do. `number`, `secret_version` and `rotated_at` are of the current refresh token, if there is one.
CREATE TABLE oauth_grants (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id),
    client_id TEXT NOT NULL,
    client_name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    openid INTEGER NOT NULL CHECK (openid IN (0, 1)),
    email INTEGER NOT NULL CHECK (email IN (0, 1)),
    offline INTEGER NOT NULL CHECK (offline IN (0, 1)),
    for_api INTEGER NOT NULL CHECK (for_api IN (0, 1)),
    for_mcp INTEGER NOT NULL CHECK (for_mcp IN (0, 1)),
    account_id INTEGER REFERENCES accounts (id),
    bound INTEGER NOT NULL CHECK (bound IN (0, 1)),
    form TEXT NOT NULL UNIQUE,
    nonce BLOB NOT NULL,
    number INTEGER,
    secret_version INTEGER,
    rotated_at INTEGER,
    created_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    last_used_at INTEGER,
    ended_at INTEGER,
    ended_by TEXT,
    CHECK ((number IS NULL) = (secret_version IS NULL))
) STRICT;
CREATE INDEX oauth_grants_by_user ON oauth_grants (user_id);
CREATE INDEX oauth_grants_by_client ON oauth_grants (client_id);

CREATE TABLE oauth_codes (
    digest BLOB PRIMARY KEY,
    grant_id INTEGER NOT NULL REFERENCES oauth_grants (id),
    redirect_uri TEXT NOT NULL,
    challenge TEXT NOT NULL,
    oidc_nonce TEXT,
    signed_in_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    redeemed_at INTEGER
) STRICT, WITHOUT ROWID;

-- Browsers that are signed in.
CREATE TABLE sessions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    digest BLOB NOT NULL UNIQUE,
    user_id INTEGER NOT NULL REFERENCES users (id),
    created_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user_id);

-- Links by which somebody chooses a password, each once.
CREATE TABLE password_links (
    digest BLOB PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users (id),
    kind TEXT NOT NULL CHECK (kind IN ('invitation', 'reset')),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX password_links_by_user ON password_links (user_id);

CREATE TABLE signing_keys (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kid TEXT NOT NULL UNIQUE,
    sealed BLOB NOT NULL,
    nonce BLOB NOT NULL,
    secret_version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    signs_from INTEGER NOT NULL
) STRICT;

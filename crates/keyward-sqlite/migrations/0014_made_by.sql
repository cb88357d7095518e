-- By which credential it was made: `api_key:12`, `session:3`, `grant:5`, `jwt:7`, `operator`. NULL: before this was recorded.
ALTER TABLE api_keys ADD COLUMN made_by TEXT;
ALTER TABLE invitations ADD COLUMN made_by TEXT;
ALTER TABLE memberships ADD COLUMN made_by TEXT;
ALTER TABLE oauth_grants ADD COLUMN made_by TEXT;

-- What a leaked key made is found without looking at all keys.
CREATE INDEX api_keys_by_maker ON api_keys (made_by) WHERE made_by IS NOT NULL;
-- Those whose maker cannot be read: they may be anybody's.
CREATE INDEX api_keys_by_unread_maker ON api_keys (account_id)
    WHERE made_by IS NOT NULL AND (typeof(made_by) <> 'text' OR made_by <> 'operator' AND made_by NOT GLOB '*:[1-9]*');
CREATE INDEX invitations_by_maker ON invitations (made_by) WHERE made_by IS NOT NULL;
CREATE INDEX memberships_by_maker ON memberships (made_by) WHERE made_by IS NOT NULL;

-- By what a member was raised to its role; NULL: it has the role that it came with, or one that is lower.
ALTER TABLE memberships ADD COLUMN raised_by TEXT;
CREATE INDEX memberships_by_raiser ON memberships (raised_by) WHERE raised_by IS NOT NULL;

-- How a secret gave way to the next one.
ALTER TABLE api_key_secrets ADD COLUMN replaced_at INTEGER;
ALTER TABLE api_key_secrets ADD COLUMN replaced_by TEXT;

-- Secrets that are over, so that the key of one whose text leaked is found. `lived`: for so many seconds it was the current one.
CREATE TABLE replaced_secrets (
    digest BLOB PRIMARY KEY,
    key_id INTEGER NOT NULL REFERENCES api_keys (id),
    pepper_version INTEGER NOT NULL,
    lived INTEGER NOT NULL,
    replaced_at INTEGER,
    replaced_by TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX replaced_secrets_by_key ON replaced_secrets (key_id);

-- Through which other keys a secret of a key came: the one that rotated it, and those through which the secret of that one had come.
-- `depth`: the first of them has the least. `ends_at`: NULL for the current secret, else the end of the one before.
CREATE TABLE key_origins (
    key_id INTEGER NOT NULL,
    origin INTEGER NOT NULL,
    depth INTEGER NOT NULL,
    ends_at INTEGER
) STRICT;
CREATE INDEX key_origins_by_key ON key_origins (key_id);
CREATE INDEX key_origins_by_origin ON key_origins (origin);

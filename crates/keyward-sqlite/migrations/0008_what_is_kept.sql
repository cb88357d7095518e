-- Digests of the keys that were revoked last are found without looking at all keys.
CREATE INDEX api_keys_revoked ON api_keys (revoked_at) WHERE revoked_at IS NOT NULL;

-- An account's keys are counted before each new one, and listed by id: neither reads the rows of revoked keys.
CREATE INDEX api_keys_live ON api_keys (account_id, expires_at) WHERE revoked_at IS NULL;
CREATE INDEX api_keys_listed ON api_keys (account_id, id, user_id) WHERE revoked_at IS NULL;

-- A user of whom nothing but an address was known is taken away: what could point to it is looked up by these.
CREATE INDEX api_keys_by_user ON api_keys (user_id);
CREATE INDEX audit_by_actor ON audit (actor_user_id) WHERE actor_user_id IS NOT NULL;
CREATE INDEX invitations_by_inviter ON invitations (invited_by);
CREATE INDEX invitations_by_end ON invitations (expires_at);
CREATE INDEX sessions_by_end ON sessions (ends_at);
CREATE INDEX password_links_by_end ON password_links (expires_at);

-- 1: strangers can cause such a row as often as they like; it is kept for a shorter time.
ALTER TABLE audit ADD COLUMN attempt INTEGER CHECK (attempt = 1);
UPDATE audit SET attempt = 1 WHERE action = 'oauth_client.register';
CREATE INDEX audit_attempts ON audit (at) WHERE attempt IS NOT NULL;
CREATE INDEX audit_by_time ON audit (at);

-- The highest number of a row of the account's audit trail that was taken away by its age: numbers are not given twice.
ALTER TABLE accounts ADD COLUMN audit_forgotten INTEGER NOT NULL DEFAULT 0;

-- One row that is written to find out whether the database can be written.
CREATE TABLE write_probe (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    at INTEGER NOT NULL
) STRICT;

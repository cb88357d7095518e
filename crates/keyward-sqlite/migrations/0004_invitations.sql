-- Open invitations into an account: one for each person. Whoever accepts it becomes a member, and it is gone.
CREATE TABLE invitations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    user_id INTEGER NOT NULL REFERENCES users (id),
    role TEXT NOT NULL CHECK (role IN ('admin', 'editor', 'viewer')),
    invited_by INTEGER REFERENCES users (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    UNIQUE (account_id, user_id)
) STRICT;
CREATE INDEX invitations_by_user ON invitations (user_id);

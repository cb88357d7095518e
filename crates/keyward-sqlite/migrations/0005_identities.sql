-- A link has an id, by which the log and the audit trail name the one who came by it.
CREATE TABLE linked_identities (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id INTEGER NOT NULL REFERENCES users (id),
    created_at INTEGER NOT NULL,
    UNIQUE (issuer, subject)
) STRICT;
INSERT INTO linked_identities (issuer, subject, user_id, created_at)
    SELECT issuer, subject, user_id, created_at FROM identities ORDER BY created_at, issuer, subject;
DROP TABLE identities;
ALTER TABLE linked_identities RENAME TO identities;
CREATE INDEX identities_by_user ON identities (user_id);

-- The account that a user's client at an outside issuer has chosen. `client` is empty where its tokens name none.
CREATE TABLE active_accounts (
    user_id INTEGER NOT NULL REFERENCES users (id),
    issuer TEXT NOT NULL,
    client TEXT NOT NULL,
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    chosen_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, issuer, client)
) STRICT, WITHOUT ROWID;

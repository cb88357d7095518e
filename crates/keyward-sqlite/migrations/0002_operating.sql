-- What the operator has said for one account beside its tier. NULL: as the tier says. 0 requests a minute: no limit.
ALTER TABLE accounts ADD COLUMN reads_per_minute INTEGER CHECK (reads_per_minute BETWEEN 0 AND 100000);
ALTER TABLE accounts ADD COLUMN writes_per_minute INTEGER CHECK (writes_per_minute BETWEEN 0 AND 100000);
ALTER TABLE accounts ADD COLUMN max_keys INTEGER CHECK (max_keys BETWEEN 1 AND 10000);

-- Which person an outside issuer's subject is.
CREATE TABLE identities (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id INTEGER NOT NULL REFERENCES users (id),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX identities_by_user ON identities (user_id);

-- "What became of this request?"
CREATE INDEX audit_by_request ON audit (request_id);

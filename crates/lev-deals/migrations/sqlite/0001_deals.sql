-- Money in cents, times in seconds since 1970-01-01T00:00:00Z, dates as YYYY-MM-DD.
CREATE TABLE deals (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    owner_account_id INTEGER NOT NULL REFERENCES accounts (id),
    title TEXT NOT NULL,
    loan_amount_cents INTEGER CHECK (loan_amount_cents >= 0),
    loan_type TEXT,
    transaction_type TEXT,
    business_plan TEXT,
    description TEXT,
    estimated_close_date TEXT,
    close_date TEXT,
    -- Counts the changes: the ETag.
    version INTEGER NOT NULL DEFAULT 1,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    archived_at INTEGER
) STRICT;
CREATE INDEX deals_by_account ON deals (owner_account_id, id);

CREATE TABLE deal_team (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    deal_id INTEGER NOT NULL REFERENCES deals (id),
    user_id INTEGER NOT NULL REFERENCES users (id),
    deal_role TEXT,
    is_primary INTEGER NOT NULL DEFAULT 0 CHECK (is_primary IN (0, 1)),
    created_at INTEGER NOT NULL,
    UNIQUE (deal_id, user_id)
) STRICT;
CREATE INDEX deal_team_by_user ON deal_team (user_id, deal_id);

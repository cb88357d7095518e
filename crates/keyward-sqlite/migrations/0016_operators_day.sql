-- The operating system's user who gave an order. NULL: it was no order, or this was not recorded yet.
ALTER TABLE audit ADD COLUMN operator TEXT;

-- What became of one key, one user or one account is found without reading the whole trail.
CREATE INDEX audit_by_subject ON audit (subject_kind, subject_id);

-- Since when a user is erased: the row stays for what points to it, and names nobody.
ALTER TABLE users ADD COLUMN erased_at INTEGER;

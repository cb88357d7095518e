-- Since when it is known that a user reads what is sent to the address: a link that was sent there was used. What the operator
-- typed is not known to be anybody's.
ALTER TABLE users ADD COLUMN email_verified_at INTEGER;

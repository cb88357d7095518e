-- Whether the client receives its user's name and picture (the scope profile). Grants from before were never asked for it.
ALTER TABLE oauth_grants ADD COLUMN profile INTEGER NOT NULL DEFAULT 0 CHECK (profile IN (0, 1));

-- The refresh tokens that were replaced before the last rotation and may be in their grace period: number@time, separated by spaces.
ALTER TABLE oauth_grants ADD COLUMN replaced TEXT NOT NULL DEFAULT '';

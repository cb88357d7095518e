-- The network that a client registered itself from: an IPv4 /24 or an IPv6 /48. '': not known.
ALTER TABLE oauth_clients ADD COLUMN network TEXT NOT NULL DEFAULT '';

-- Who gives way when there are too many is found without looking at all of them.
CREATE INDEX oauth_clients_registered ON oauth_clients (created_at, last_used_at) WHERE origin = 'registered';
CREATE INDEX oauth_clients_unused ON oauth_clients (network, created_at)
    WHERE origin = 'registered' AND last_used_at IS NULL;

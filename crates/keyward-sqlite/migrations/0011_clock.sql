-- The newest time that was read from the clock, and the time by which something could be forgotten then, so that a restart with
-- another clock is noticed.
CREATE TABLE clock (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    newest INTEGER NOT NULL,
    settled INTEGER NOT NULL
) STRICT;

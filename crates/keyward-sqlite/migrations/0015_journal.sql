-- Which journal of revocations belongs to this database: the file beside it. Up to the entry `applied` the rows say what it says.
CREATE TABLE revocation_journal (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id TEXT NOT NULL,
    applied INTEGER NOT NULL
) STRICT;
INSERT INTO revocation_journal (one, id, applied) VALUES (1, lower(hex(randomblob(16))), 0);

-- Entries of it: the last ones, until they are in the file, and (`undone`) those of the file that could not be done in these rows.
CREATE TABLE revocation_journal_lines (
    n INTEGER PRIMARY KEY,
    line TEXT NOT NULL,
    undone INTEGER NOT NULL DEFAULT 0 CHECK (undone IN (0, 1))
) STRICT;

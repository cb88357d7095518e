-- By how many seconds the clock has leapt ahead of the time by which something may be forgotten, and for how many seconds of running that
-- has been waited for, so that a server which never runs for a day at a time believes it too.
ALTER TABLE clock ADD COLUMN leapt_by INTEGER;
ALTER TABLE clock ADD COLUMN waited INTEGER;

-- For the System page. What an earlier version, which knows nothing of these columns, leaves empty is unknown.
ALTER TABLE instances
    ADD COLUMN version text    NOT NULL DEFAULT '', -- of the program
    ADD COLUMN host    text    NOT NULL DEFAULT '', -- the machine's name
    ADD COLUMN pid     integer NOT NULL DEFAULT 0;  -- of the process, on that machine

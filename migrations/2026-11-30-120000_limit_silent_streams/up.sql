-- How long a response of unknown length may bring nothing, in seconds; NULL for the program's own limit.
ALTER TABLE authorizations
    ADD COLUMN stream_idle integer
    CONSTRAINT authorizations_stream_idle_check CHECK (stream_idle BETWEEN 1 AND 3600);

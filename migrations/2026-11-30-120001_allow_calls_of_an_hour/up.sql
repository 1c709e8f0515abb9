-- Some exports take an hour.
ALTER TABLE authorizations
    DROP CONSTRAINT authorizations_time_out_check,
    ADD CONSTRAINT authorizations_time_out_check CHECK (time_out BETWEEN 1 AND 3600);
ALTER TABLE endpoints
    DROP CONSTRAINT endpoints_time_out_check,
    ADD CONSTRAINT endpoints_time_out_check CHECK (time_out BETWEEN 1 AND 3600);

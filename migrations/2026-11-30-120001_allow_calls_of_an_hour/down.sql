UPDATE authorizations SET time_out = 900 WHERE time_out > 900;
UPDATE endpoints SET time_out = 900 WHERE time_out > 900;
ALTER TABLE authorizations
    DROP CONSTRAINT authorizations_time_out_check,
    ADD CONSTRAINT authorizations_time_out_check CHECK (time_out BETWEEN 1 AND 900);
ALTER TABLE endpoints
    DROP CONSTRAINT endpoints_time_out_check,
    ADD CONSTRAINT endpoints_time_out_check CHECK (time_out BETWEEN 1 AND 900);

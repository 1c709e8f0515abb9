-- Twenty-eight categories beside the two built in, the words that connectors are made of, and the yardstick's table.

INSERT INTO categories (id, name, name_key, name_folded, status, created_at, updated_at, updated_by)
SELECT gen_random_uuid(), name, lower(name), lower(name), 'active', now(), now(), 'Ana Ruiz'
FROM unnest(ARRAY['Accounting', 'Archives', 'Building permits', 'Citizen services', 'Contracts', 'Culture', 'Education', 'Elections',
    'Energy', 'Environment', 'Facilities', 'Finance', 'Fire brigade', 'Geodata', 'Health', 'Housing', 'Human resources', 'Libraries',
    'Licensing', 'Mobility', 'Parks', 'Procurement', 'Public order', 'Social services', 'Sports', 'Statistics', 'Tax', 'Waste']) AS name;

CREATE TEMP TABLE numbered_categories AS
SELECT row_number() OVER (ORDER BY name, id) - 1 AS number, id, name, name_folded FROM categories;

CREATE TEMP TABLE words AS SELECT
    ARRAY['Invoice', 'Permit', 'Budget', 'Parcel', 'Meter', 'Ticket', 'Address', 'Vehicle', 'Tenancy', 'Grant', 'Register', 'Sensor',
        'Booking', 'Member', 'Order', 'Tender', 'Survey', 'Station', 'Route', 'Claim'] AS things,
    ARRAY['API', 'export', 'feed', 'gateway', 'sync', 'lookup', 'archive', 'reports', 'import', 'directory'] AS kinds,
    ARRAY['North', 'South', 'Harbour', 'Old Town', 'Riverside', 'Hillside', 'Central', 'Lakeside', 'Market', 'Station Road',
        'Westend', 'Eastgate', 'Mill Lane', 'Airport', 'Campus'] AS places,
    ARRAY['the treasury', 'the planning office', 'the mobile app', 'the data warehouse', 'the open data portal', 'the council',
        'the auditors', 'the front desk'] AS users,
    ARRAY['every night', 'every hour', 'on request', 'once a week', 'at the end of the month', 'whenever a record changes'] AS times;

CREATE TABLE bench_rows (id integer PRIMARY KEY, n bigint NOT NULL);
INSERT INTO bench_rows SELECT id, 0 FROM generate_series(0, 63) AS id;

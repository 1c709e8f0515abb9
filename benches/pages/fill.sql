-- The connectors {from} to {to}. Everything follows from the number, so that every run measures the same rows.

CREATE TEMP TABLE drafts ON COMMIT DROP AS
SELECT i, id, name,
    CASE WHEN r % 5 = 0 THEN thing || ' ' || kind ELSE '' END AS display_name,
    CASE WHEN i IN (17, 4711, 9999) THEN 'Once of the zeppelin office. ' ELSE '' END
        || CASE WHEN i % 10 = 0 THEN 'Feeds payroll. ' ELSE '' END
        || 'Gives ' || lower(thing) || ' records of ' || place || ' to ' || users[1 + r / 7 % 8] || ' ' || times[1 + r / 11 % 6]
        || CASE WHEN r % 3 = 0 THEN ', with the history of the last two years' ELSE ', changed ones only' END || '.' AS description,
    i % 12 <> 0 AS enabled,
    (ARRAY['no_auth', 'basic', 'bearer', 'api_key'])[1 + r / 13 % 4] AS method,
    CASE WHEN i % 12 = 0 THEN 'disabled' ELSE (ARRAY['failing', 'expiring', 'needs_reauthorization', 'not_authorized'])[1 + i % 19] END AS trouble,
    first, second,
    timestamptz '2025-01-01 00:00+00' + i * interval '5 minutes' AS created_at,
    timestamptz '2025-01-01 00:00+00' + i * interval '5 minutes' + r % 1000000 * interval '1 second' AS updated_at
FROM (
    SELECT *, thing || ' ' || kind || ' ' || place || ' ' || i AS name
    FROM (
        SELECT i, r, users, times,
            ('0194202a-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid AS id,
            things[1 + r % 20] AS thing, kinds[1 + r / 20 % 10] AS kind, places[1 + r / 200 % 15] AS place,
            r / 17 % 30 AS first, CASE WHEN r % 4 = 0 THEN r / 19 % 30 ELSE r / 17 % 30 END AS second
        FROM (SELECT i, hashint4(i) & 2147483647 AS r FROM generate_series({from}, {to}) AS i) AS numbers, words
    ) AS parts
) AS named;

INSERT INTO connectors (id, key, name, name_key, display_name, description, base_url, method, verify_certificates, enabled, status,
    status_since, category_names, category_names_folded, own_folded, created_at, created_by, updated_at, updated_by)
SELECT id, replace(lower(name), ' ', '-'), name, lower(name), display_name, description, 'https://api.example.org/v1/' || i, method,
    i % 50 <> 0, enabled, coalesce(trouble, 'healthy'), updated_at, category_names, category_names_folded,
    lower(concat_ws(' ', '', name, nullif(display_name, ''), description)), created_at, 'Ana Ruiz', updated_at, 'Ben Okafor'
FROM drafts, LATERAL (
    SELECT string_agg(name, ', ' ORDER BY name, id) AS category_names, string_agg(name_folded, ', ' ORDER BY name, id) AS category_names_folded
    FROM numbered_categories WHERE number IN (first, second)
) AS joined;

INSERT INTO connector_categories (connector_id, category_id)
SELECT drafts.id, numbered_categories.id FROM drafts JOIN numbered_categories ON number IN (first, second);

INSERT INTO authorizations (connector_id, user_name, updated_at, updated_by)
SELECT id, 'ana', updated_at, 'Ben Okafor' FROM drafts;

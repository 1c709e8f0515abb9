DROP TABLE token_requests, tokens, secrets, authorizations, connector_total, connector_categories, connectors;
DROP FUNCTION count_new_connectors, count_trashed_connector, refuse_live_connector_delete, count_new_links, count_old_links;

DROP TABLE audit_events, data_keys;
DROP FUNCTION refuse_audit_change;

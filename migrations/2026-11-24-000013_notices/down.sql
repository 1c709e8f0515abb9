DROP INDEX connectors_trouble_idx;
DROP TABLE notice_deliveries, notice_events, notice_stops;

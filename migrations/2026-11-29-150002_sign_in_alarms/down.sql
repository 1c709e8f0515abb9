DROP TABLE sign_in_alarms;

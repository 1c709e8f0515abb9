DROP TABLE connector_templates;

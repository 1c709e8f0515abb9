-- Where the authorization server sends people back to: the connector's own address, or the one of the whole site.
ALTER TABLE oauth_clients ADD COLUMN redirect text NOT NULL DEFAULT 'own'
    CONSTRAINT oauth_clients_redirect_check CHECK (redirect IN ('own', 'shared'));

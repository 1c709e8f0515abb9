-- What other servers said was stored as it came, but for the secrets that they had been sent; a token that they issued in an unexpected
-- place could be in it. Of their words the standard codes stay, of sentences that quote them the part that is Connectory's own.
-- Lines of the audit log cannot be changed; they hold no server's words but the address of a redirect and names of JSON members.

UPDATE renewals SET
    server_words = coalesce(substring(server_words FROM '^(invalid_request|invalid_client|invalid_grant|unauthorized_client|unsupported_grant_type|invalid_scope|access_denied|server_error|temporarily_unavailable|slow_down|invalid_target|unsupported_token_type|incorrect_client_credentials|bad_verification_code)(?=:|$)'), ''),
    message = regexp_replace(regexp_replace(message, '^The server redirects to “.*$', 'The server redirects to another address.'), ' Its members are .*$', '')
    WHERE server_words <> '' OR message LIKE 'The server redirects to “%' OR message LIKE '% Its members are %';

UPDATE calls SET
    detail = regexp_replace(regexp_replace(regexp_replace(detail, ' The server said: “.*$', ''), '^The server redirects to “.*$', 'The server redirects to another address.'), ' Its members are .*$', '')
    WHERE detail LIKE '%The server said: “%' OR detail LIKE 'The server redirects to “%' OR detail LIKE '% Its members are %';

UPDATE notice_events SET
    message = regexp_replace(regexp_replace(message, '^The server redirects to “.*$', 'The server redirects to another address.'), ' Its members are .*$', '')
    WHERE message LIKE 'The server redirects to “%' OR message LIKE '% Its members are %';

UPDATE notice_deliveries SET
    problem = regexp_replace(problem, '^(The mail server (refused it|could not be used)): .*$', '\1.')
    WHERE problem LIKE 'The mail server %: %';

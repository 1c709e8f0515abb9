-- How the API of an endpoint pages: JSON Pointers to the next page and to the items, and the query parameter of the page.
ALTER TABLE endpoints
    ADD COLUMN paging text NOT NULL DEFAULT 'none'
        CONSTRAINT endpoints_paging_check CHECK (paging IN ('none', 'link', 'next_url', 'cursor', 'page', 'offset')),
    ADD COLUMN paging_next text NOT NULL DEFAULT '',
    ADD COLUMN paging_parameter text NOT NULL DEFAULT '',
    ADD COLUMN paging_items text NOT NULL DEFAULT '';

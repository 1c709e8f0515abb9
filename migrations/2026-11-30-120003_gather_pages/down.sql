ALTER TABLE endpoints
    DROP COLUMN paging,
    DROP COLUMN paging_next,
    DROP COLUMN paging_parameter,
    DROP COLUMN paging_items;

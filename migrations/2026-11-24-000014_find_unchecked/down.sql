DROP INDEX connectors_unchecked_idx;

-- What was removed is not kept anywhere.
SELECT 1;

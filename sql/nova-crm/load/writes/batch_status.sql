-- A broker sets the status of ten customers at once; updated_at as Prisma sets it.
-- OptimizedQueriesService.batchUpdateCustomerStatus.
\set first random(1, 1000)
UPDATE customers
SET status = 'contacted', updated_at = now() AT TIME ZONE 'UTC'
WHERE id IN (
    md5('customer-' || :first)::UUID::TEXT,
    md5('customer-' || :first::INT + 1000)::UUID::TEXT,
    md5('customer-' || :first::INT + 2000)::UUID::TEXT,
    md5('customer-' || :first::INT + 3000)::UUID::TEXT,
    md5('customer-' || :first::INT + 4000)::UUID::TEXT,
    md5('customer-' || :first::INT + 5000)::UUID::TEXT,
    md5('customer-' || :first::INT + 6000)::UUID::TEXT,
    md5('customer-' || :first::INT + 7000)::UUID::TEXT,
    md5('customer-' || :first::INT + 8000)::UUID::TEXT,
    md5('customer-' || :first::INT + 9000)::UUID::TEXT
);

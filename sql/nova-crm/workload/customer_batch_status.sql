-- Sets the status of ten customers at once; updated_at as Prisma sets it.
-- OptimizedQueriesService.batchUpdateCustomerStatus.
-- Served by customers_pkey. The other indexes on customers are what it pays for: status is a column of two.
UPDATE customers
SET status = 'contacted', updated_at = now() AT TIME ZONE 'UTC'
WHERE id IN (
    md5('customer-11')::UUID::TEXT,
    md5('customer-111')::UUID::TEXT,
    md5('customer-211')::UUID::TEXT,
    md5('customer-311')::UUID::TEXT,
    md5('customer-411')::UUID::TEXT,
    md5('customer-511')::UUID::TEXT,
    md5('customer-611')::UUID::TEXT,
    md5('customer-711')::UUID::TEXT,
    md5('customer-811')::UUID::TEXT,
    md5('customer-911')::UUID::TEXT
);

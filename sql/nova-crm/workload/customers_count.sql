-- The total for the pager beside customers_page.sql, as Prisma counts: over a subquery.
-- OptimizedQueriesService.getCustomersPaginated, its count.
-- Served by an index that leads with user_id, idx_customers_user_status or idx_customers_user_created, alone.
SELECT COUNT(*)
FROM (
    SELECT id
    FROM customers
    WHERE user_id = md5('user-7')::UUID::TEXT
    OFFSET 0
) AS sub;

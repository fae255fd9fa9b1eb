-- How many customers a broker has.
-- OptimizedQueriesService.getDashboardData, customersCount.
-- Served by an index that leads with user_id, idx_customers_user_status or idx_customers_user_created, alone.
SELECT COUNT(*)
FROM customers
WHERE user_id = md5('user-7')::UUID::TEXT;

-- A broker's five latest sales with the customer's name.
-- OptimizedQueriesService.getDashboardData, recentSales.
-- Served by idx_sales_user_created, read backwards, and customers_pkey.
SELECT sales.id, sales.sale_amount, sales.created_at, customers.name AS customer_name
FROM sales
LEFT JOIN customers ON customers.id = sales.customer_id
WHERE sales.user_id = md5('user-7')::UUID::TEXT
ORDER BY sales.created_at DESC
LIMIT 5;

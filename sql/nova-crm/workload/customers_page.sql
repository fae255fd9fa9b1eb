-- A page of a broker's customers, newest first: page 3 of 20 a page.
-- OptimizedQueriesService.getCustomersPaginated, its findMany.
-- Served by idx_customers_user_created, read backwards.
SELECT id, name, phone, email, status, budget, created_at
FROM customers
WHERE user_id = md5('user-7')::UUID::TEXT
ORDER BY created_at DESC
LIMIT 20 OFFSET 40;

-- A broker opens the dashboard: four questions.
-- OptimizedQueriesService.getDashboardData, which asks them at once on four connections (Promise.all).
\set broker column(customers.user_id)
\startparallel
SELECT COUNT(*)
FROM customers
WHERE user_id = :broker;
SELECT COUNT(*), SUM(sale_amount) AS sale_amount, SUM(commission_amount) AS commission_amount
FROM sales
WHERE user_id = :broker
    AND status = 'completed';
SELECT sales.id, sales.sale_amount, sales.created_at, customers.name AS customer_name
FROM sales
LEFT JOIN customers ON customers.id = sales.customer_id
WHERE sales.user_id = :broker
ORDER BY sales.created_at DESC
LIMIT 5;
SELECT id, title, start_datetime
FROM appointments
WHERE user_id = :broker
    AND start_datetime >= now() AT TIME ZONE 'UTC'
ORDER BY start_datetime ASC
LIMIT 5;
\endparallel

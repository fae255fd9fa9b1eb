-- A broker opens a page of his customers, with the total for the pager.
-- OptimizedQueriesService.getCustomersPaginated: findMany, and count as Prisma counts.
\set broker column(customers.user_id)
\set skip random(0, 4) * 20
SELECT id, name, phone, email, status, budget, created_at
FROM customers
WHERE user_id = :broker
ORDER BY created_at DESC
LIMIT 20 OFFSET :skip;
SELECT COUNT(*)
FROM (
    SELECT id
    FROM customers
    WHERE user_id = :broker
    OFFSET 0
) AS sub;

-- A broker searches his customers by name, best match first.
-- OptimizedQueriesService.searchCustomers.
\set broker column(customers.user_id)
\set term file(names.txt)
SELECT id, name, phone, email, status
FROM customers
WHERE user_id = :broker
    AND to_tsvector('arabic', name || ' ' || COALESCE(phone, ''))
        @@ plainto_tsquery('arabic', :term)
ORDER BY
    ts_rank(
        to_tsvector('arabic', name || ' ' || COALESCE(phone, '')),
        plainto_tsquery('arabic', :term)
    ) DESC
LIMIT 20;

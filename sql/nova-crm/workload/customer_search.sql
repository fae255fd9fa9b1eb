-- Search in a broker's customers by name or phone, best match first.
-- OptimizedQueriesService.searchCustomers.
-- Served by idx_customers_search, usually in a BitmapAnd with an index that leads with user_id.
SELECT id, name, phone, email, status
FROM customers
WHERE user_id = md5('user-7')::UUID::TEXT
    AND to_tsvector('arabic', name || ' ' || COALESCE(phone, ''))
        @@ plainto_tsquery('arabic', 'اللحيدان')
ORDER BY
    ts_rank(
        to_tsvector('arabic', name || ' ' || COALESCE(phone, '')),
        plainto_tsquery('arabic', 'اللحيدان')
    ) DESC
LIMIT 20;

-- Number, revenue and commissions of a broker's completed sales.
-- OptimizedQueriesService.getDashboardData, salesStats.
-- Served by idx_sales_user_status.
SELECT COUNT(*), SUM(sale_amount) AS sale_amount, SUM(commission_amount) AS commission_amount
FROM sales
WHERE user_id = md5('user-7')::UUID::TEXT
    AND status = 'completed';

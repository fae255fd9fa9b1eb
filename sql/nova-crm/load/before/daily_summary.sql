-- The question of after/daily_summary.sql, answered from sales while mv_daily_sales_summary does not exist.
\set broker column(customers.user_id)
SELECT
    user_id,
    DATE(created_at) AS sale_date,
    COUNT(*) AS total_sales,
    SUM(sale_amount) AS total_revenue,
    SUM(commission_amount) AS total_commissions,
    AVG(sale_amount) AS avg_sale_amount
FROM sales
WHERE status = 'completed'
    AND user_id = :broker
    AND created_at >= CURRENT_DATE - 30
GROUP BY user_id, DATE(created_at)
ORDER BY sale_date DESC;

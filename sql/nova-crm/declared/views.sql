-- Completed sales per broker and day, for workload/daily_summary.sql.
CREATE MATERIALIZED VIEW IF NOT EXISTS mv_daily_sales_summary AS
SELECT
    user_id,
    DATE(created_at) AS sale_date,
    COUNT(*) AS total_sales,
    SUM(sale_amount) AS total_revenue,
    SUM(commission_amount) AS total_commissions,
    AVG(sale_amount) AS avg_sale_amount
FROM sales
WHERE status = 'completed'
GROUP BY user_id, DATE(created_at);

-- REFRESH MATERIALIZED VIEW CONCURRENTLY demands a unique index, and the query is served by it as well. The name
-- is the one that PostgreSQL gives when there is none, so that IF NOT EXISTS finds an index made without.
CREATE UNIQUE INDEX IF NOT EXISTS mv_daily_sales_summary_user_id_sale_date_idx
    ON mv_daily_sales_summary (user_id, sale_date);

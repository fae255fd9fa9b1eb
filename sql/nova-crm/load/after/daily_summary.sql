-- A broker's completed sales by day over the last 30 days, from the materialized view.
-- OptimizedQueriesService.getDailySalesSummary.
\set broker column(customers.user_id)
SELECT *
FROM mv_daily_sales_summary
WHERE user_id = :broker
    AND sale_date >= CURRENT_DATE - 30
ORDER BY sale_date DESC;

-- A broker's completed sales by day over the last 30 days.
-- OptimizedQueriesService.getDailySalesSummary.
-- Served by the unique index of mv_daily_sales_summary.
SELECT *
FROM mv_daily_sales_summary
WHERE user_id = md5('user-7')::UUID::TEXT
    AND sale_date >= CURRENT_DATE - 30
ORDER BY sale_date DESC;

CREATE MATERIALIZED VIEW daily_sales AS
SELECT date(created_at AT TIME ZONE 'UTC') AS day, count(*) AS sales, sum(amount) AS revenue
FROM sales
WHERE status = 'completed'
GROUP BY 1;

-- Without it the view could not be refreshed while it is read.
CREATE UNIQUE INDEX daily_sales_day ON daily_sales (day);

-- Sales of stores in each week by day, against those of the same week a year later.
WITH wss AS (
    SELECT
        d_week_seq,
        ss_store_sk,
        SUM(CASE WHEN d_day_name = 'Sunday' THEN ss_sales_price END) AS sun_sales,
        SUM(CASE WHEN d_day_name = 'Monday' THEN ss_sales_price END) AS mon_sales,
        SUM(CASE WHEN d_day_name = 'Tuesday' THEN ss_sales_price END) AS tue_sales,
        SUM(CASE WHEN d_day_name = 'Wednesday' THEN ss_sales_price END) AS wed_sales,
        SUM(CASE WHEN d_day_name = 'Thursday' THEN ss_sales_price END) AS thu_sales,
        SUM(CASE WHEN d_day_name = 'Friday' THEN ss_sales_price END) AS fri_sales,
        SUM(CASE WHEN d_day_name = 'Saturday' THEN ss_sales_price END) AS sat_sales
    FROM store_sales, date_dim
    WHERE d_date_sk = ss_sold_date_sk
    GROUP BY d_week_seq, ss_store_sk
)
SELECT
    y.s_store_name,
    y.s_store_id,
    y.d_week_seq,
    y.sun_sales / x.sun_sales,
    y.mon_sales / x.mon_sales,
    y.tue_sales / x.tue_sales,
    y.wed_sales / x.wed_sales,
    y.thu_sales / x.thu_sales,
    y.fri_sales / x.fri_sales,
    y.sat_sales / x.sat_sales
FROM (
    SELECT s_store_name, s_store_id, wss.*
    FROM wss, store, date_dim AS d
    WHERE d.d_week_seq = wss.d_week_seq
        AND ss_store_sk = s_store_sk
        AND d_month_seq BETWEEN 1212 AND 1212 + 11
) AS y, (
    SELECT s_store_name, s_store_id, wss.*
    FROM wss, store, date_dim AS d
    WHERE d.d_week_seq = wss.d_week_seq
        AND ss_store_sk = s_store_sk
        AND d_month_seq BETWEEN 1212 + 12 AND 1212 + 23
) AS x
WHERE y.s_store_id = x.s_store_id
    AND y.d_week_seq = x.d_week_seq - 52
ORDER BY y.s_store_name, y.s_store_id, y.d_week_seq
LIMIT 100;

-- As q11, by what was paid.
WITH year_total AS (
    SELECT
        c_customer_id AS customer_id,
        c_first_name AS customer_first_name,
        c_last_name AS customer_last_name,
        d_year AS year,
        SUM(ss_net_paid) AS year_total,
        's' AS sale_type
    FROM customer, store_sales, date_dim
    WHERE c_customer_sk = ss_customer_sk
        AND ss_sold_date_sk = d_date_sk
        AND d_year IN (2001, 2001 + 1)
    GROUP BY c_customer_id, c_first_name, c_last_name, d_year
    UNION ALL
    SELECT c_customer_id, c_first_name, c_last_name, d_year, SUM(ws_net_paid), 'w'
    FROM customer, web_sales, date_dim
    WHERE c_customer_sk = ws_bill_customer_sk
        AND ws_sold_date_sk = d_date_sk
        AND d_year IN (2001, 2001 + 1)
    GROUP BY c_customer_id, c_first_name, c_last_name, d_year
)
SELECT s_second.customer_id, s_second.customer_first_name, s_second.customer_last_name
FROM year_total AS s_first, year_total AS s_second, year_total AS w_first, year_total AS w_second
WHERE s_second.customer_id = s_first.customer_id
    AND s_first.customer_id = w_second.customer_id
    AND s_first.customer_id = w_first.customer_id
    AND s_first.sale_type = 's'
    AND w_first.sale_type = 'w'
    AND s_second.sale_type = 's'
    AND w_second.sale_type = 'w'
    AND s_first.year = 2001
    AND s_second.year = 2001 + 1
    AND w_first.year = 2001
    AND w_second.year = 2001 + 1
    AND s_first.year_total > 0
    AND w_first.year_total > 0
    AND CASE WHEN w_first.year_total > 0 THEN w_second.year_total / w_first.year_total END
        > CASE WHEN s_first.year_total > 0 THEN s_second.year_total / s_first.year_total END
ORDER BY s_second.customer_id, s_second.customer_first_name, s_second.customer_last_name
LIMIT 100;

-- How long web orders take until they are shipped.
SELECT
    SUBSTRING(w_warehouse_name FROM 1 FOR 20),
    sm_type,
    web_name,
    SUM(CASE WHEN ws_ship_date_sk - ws_sold_date_sk <= 30 THEN 1 ELSE 0 END) AS days_30,
    SUM(CASE WHEN ws_ship_date_sk - ws_sold_date_sk > 30 AND ws_ship_date_sk - ws_sold_date_sk <= 60
        THEN 1 ELSE 0 END) AS days_60,
    SUM(CASE WHEN ws_ship_date_sk - ws_sold_date_sk > 60 THEN 1 ELSE 0 END) AS days_more
FROM web_sales, warehouse, ship_mode, web_site, date_dim
WHERE d_month_seq BETWEEN 1200 AND 1200 + 11
    AND ws_ship_date_sk = d_date_sk
    AND ws_warehouse_sk = w_warehouse_sk
    AND ws_ship_mode_sk = sm_ship_mode_sk
    AND ws_web_site_sk = web_site_sk
GROUP BY SUBSTRING(w_warehouse_name FROM 1 FOR 20), sm_type, web_name
ORDER BY SUBSTRING(w_warehouse_name FROM 1 FOR 20), sm_type, web_name
LIMIT 100;

-- As q62, of the catalog.
SELECT
    SUBSTRING(w_warehouse_name FROM 1 FOR 20),
    sm_type,
    cc_name,
    SUM(CASE WHEN cs_ship_date_sk - cs_sold_date_sk <= 30 THEN 1 ELSE 0 END) AS days_30,
    SUM(CASE WHEN cs_ship_date_sk - cs_sold_date_sk > 30 AND cs_ship_date_sk - cs_sold_date_sk <= 60
        THEN 1 ELSE 0 END) AS days_60,
    SUM(CASE WHEN cs_ship_date_sk - cs_sold_date_sk > 60 THEN 1 ELSE 0 END) AS days_more
FROM catalog_sales, warehouse, ship_mode, call_center, date_dim
WHERE d_month_seq BETWEEN 1200 AND 1200 + 11
    AND cs_ship_date_sk = d_date_sk
    AND cs_warehouse_sk = w_warehouse_sk
    AND cs_ship_mode_sk = sm_ship_mode_sk
    AND cs_call_center_sk = cc_call_center_sk
GROUP BY SUBSTRING(w_warehouse_name FROM 1 FOR 20), sm_type, cc_name
ORDER BY SUBSTRING(w_warehouse_name FROM 1 FOR 20), sm_type, cc_name
LIMIT 100;

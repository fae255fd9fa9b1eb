-- Customers whose spending in the catalog grew by more than that in stores and on the web.
WITH year_total AS (
    SELECT
        c_customer_id AS customer_id,
        c_first_name AS customer_first_name,
        c_last_name AS customer_last_name,
        c_preferred_cust_flag AS customer_preferred_cust_flag,
        c_birth_country AS customer_birth_country,
        c_login AS customer_login,
        c_email_address AS customer_email_address,
        d_year AS dyear,
        SUM(
            (ss_ext_list_price - ss_ext_wholesale_cost - ss_ext_discount_amt + ss_ext_sales_price) / 2
        ) AS year_total,
        's' AS sale_type
    FROM customer, store_sales, date_dim
    WHERE c_customer_sk = ss_customer_sk
        AND ss_sold_date_sk = d_date_sk
    GROUP BY
        c_customer_id, c_first_name, c_last_name, c_preferred_cust_flag, c_birth_country, c_login, c_email_address,
        d_year
    UNION ALL
    SELECT
        c_customer_id,
        c_first_name,
        c_last_name,
        c_preferred_cust_flag,
        c_birth_country,
        c_login,
        c_email_address,
        d_year,
        SUM((cs_ext_list_price - cs_ext_wholesale_cost - cs_ext_discount_amt + cs_ext_sales_price) / 2),
        'c'
    FROM customer, catalog_sales, date_dim
    WHERE c_customer_sk = cs_bill_customer_sk
        AND cs_sold_date_sk = d_date_sk
    GROUP BY
        c_customer_id, c_first_name, c_last_name, c_preferred_cust_flag, c_birth_country, c_login, c_email_address,
        d_year
    UNION ALL
    SELECT
        c_customer_id,
        c_first_name,
        c_last_name,
        c_preferred_cust_flag,
        c_birth_country,
        c_login,
        c_email_address,
        d_year,
        SUM((ws_ext_list_price - ws_ext_wholesale_cost - ws_ext_discount_amt + ws_ext_sales_price) / 2),
        'w'
    FROM customer, web_sales, date_dim
    WHERE c_customer_sk = ws_bill_customer_sk
        AND ws_sold_date_sk = d_date_sk
    GROUP BY
        c_customer_id, c_first_name, c_last_name, c_preferred_cust_flag, c_birth_country, c_login, c_email_address,
        d_year
)
SELECT
    s_second.customer_id,
    s_second.customer_first_name,
    s_second.customer_last_name,
    s_second.customer_preferred_cust_flag
FROM
    year_total AS s_first,
    year_total AS s_second,
    year_total AS c_first,
    year_total AS c_second,
    year_total AS w_first,
    year_total AS w_second
WHERE s_second.customer_id = s_first.customer_id
    AND s_first.customer_id = c_second.customer_id
    AND s_first.customer_id = c_first.customer_id
    AND s_first.customer_id = w_first.customer_id
    AND s_first.customer_id = w_second.customer_id
    AND s_first.sale_type = 's'
    AND c_first.sale_type = 'c'
    AND w_first.sale_type = 'w'
    AND s_second.sale_type = 's'
    AND c_second.sale_type = 'c'
    AND w_second.sale_type = 'w'
    AND s_first.dyear = 2001
    AND s_second.dyear = 2001 + 1
    AND c_first.dyear = 2001
    AND c_second.dyear = 2001 + 1
    AND w_first.dyear = 2001
    AND w_second.dyear = 2001 + 1
    AND s_first.year_total > 0
    AND c_first.year_total > 0
    AND w_first.year_total > 0
    AND CASE WHEN c_first.year_total > 0 THEN c_second.year_total / c_first.year_total END
        > CASE WHEN s_first.year_total > 0 THEN s_second.year_total / s_first.year_total END
    AND CASE WHEN c_first.year_total > 0 THEN c_second.year_total / c_first.year_total END
        > CASE WHEN w_first.year_total > 0 THEN w_second.year_total / w_first.year_total END
ORDER BY
    s_second.customer_id,
    s_second.customer_first_name,
    s_second.customer_last_name,
    s_second.customer_preferred_cust_flag
LIMIT 100;

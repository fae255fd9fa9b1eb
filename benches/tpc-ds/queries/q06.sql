-- States with at least ten sales in a month of items a fifth dearer than their category.
SELECT ca_state AS state, COUNT(*) AS cnt
FROM customer_address, customer, store_sales, date_dim, item AS i
WHERE ca_address_sk = c_current_addr_sk
    AND c_customer_sk = ss_customer_sk
    AND ss_sold_date_sk = d_date_sk
    AND ss_item_sk = i.i_item_sk
    AND d_month_seq = (
        SELECT DISTINCT d_month_seq
        FROM date_dim
        WHERE d_year = 2001
            AND d_moy = 1
    )
    AND i.i_current_price > 1.2 * (
        SELECT AVG(j.i_current_price)
        FROM item AS j
        WHERE j.i_category = i.i_category
    )
GROUP BY ca_state
HAVING COUNT(*) >= 10
ORDER BY cnt, ca_state
LIMIT 100;

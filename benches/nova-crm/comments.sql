-- What the comments of Nova's document say that its indexes are for, an index each: the document has no query for them
-- beyond those of sql/nova-crm/workload. Names and values are those of sql/nova-crm/data.sql.

-- idx_users_email: fast login lookup.
SELECT id, password, role, status FROM users WHERE email = 'user7@nova.example.com';
-- idx_users_role_status: fast role filtering.
SELECT id, name, email FROM users WHERE role = 'admin' AND status = 'active';
-- idx_users_created_at: fast date range queries.
SELECT id, name, created_at FROM users WHERE created_at >= CURRENT_DATE - 30;
-- idx_customers_user_status: fast user and status filtering.
SELECT id, name, phone FROM customers WHERE user_id = md5('user-7')::UUID::TEXT AND status = 'negotiation';
-- idx_customers_user_created: fast user and date queries.
SELECT id, name, phone FROM customers WHERE user_id = md5('user-7')::UUID::TEXT AND created_at >= CURRENT_DATE - 7;
-- idx_customers_phone: fast phone lookup.
SELECT id, name FROM customers WHERE phone = (SELECT phone FROM customers WHERE id = md5('customer-77')::UUID::TEXT);
-- idx_customers_email: fast email lookup.
SELECT id, name FROM customers WHERE email = (SELECT email FROM customers WHERE id = md5('customer-77')::UUID::TEXT);
-- idx_customers_status: fast status filtering.
SELECT count(*) FROM customers WHERE status = 'negotiation';
-- idx_customers_last_contacted: fast follow-up queries.
SELECT id, name, phone FROM customers WHERE last_contacted_at < CURRENT_DATE - 360 ORDER BY last_contacted_at LIMIT 50;
-- idx_customers_search: full-text search.
SELECT id, name, phone FROM customers
WHERE to_tsvector('arabic', name || ' ' || COALESCE(phone, '')) @@ plainto_tsquery('arabic', 'اللحيدان') LIMIT 20;
-- idx_sales_user_status: fast user and status filtering.
SELECT count(*), sum(sale_amount) FROM sales WHERE user_id = md5('user-7')::UUID::TEXT AND status = 'pending';
-- idx_sales_user_created: fast user and date queries.
SELECT id, sale_amount FROM sales WHERE user_id = md5('user-7')::UUID::TEXT AND created_at >= CURRENT_DATE - 7;
-- idx_sales_customer: fast customer lookup.
SELECT id, sale_amount, status FROM sales WHERE customer_id = md5('customer-77')::UUID::TEXT;
-- idx_sales_status_created: fast status and date queries.
SELECT id, user_id, sale_amount FROM sales WHERE status = 'completed' AND created_at >= CURRENT_DATE - 2;
-- idx_sales_amount: fast amount range queries.
SELECT id, user_id, sale_amount FROM sales WHERE sale_amount > (SELECT max(sale_amount) * 0.99 FROM sales);
-- idx_analytics_user_date: prevents duplicates, and a broker's day.
SELECT total_sales, total_revenue FROM analytics_snapshots
WHERE user_id = md5('user-7')::UUID::TEXT AND snapshot_date = CURRENT_DATE - 1;
-- idx_analytics_date: fast date range queries.
SELECT user_id, total_sales, total_revenue FROM analytics_snapshots WHERE snapshot_date >= CURRENT_DATE - 7;
-- idx_appointments_user_date.
SELECT id, title, start_datetime FROM appointments
WHERE user_id = md5('user-7')::UUID::TEXT AND start_datetime >= CURRENT_DATE AND start_datetime < CURRENT_DATE + 1;
-- idx_appointments_status.
SELECT id, user_id, start_datetime FROM appointments WHERE status = 'no_show' AND start_datetime >= CURRENT_DATE - 3;
-- idx_appointments_customer.
SELECT id, title, start_datetime FROM appointments WHERE customer_id = md5('customer-77')::UUID::TEXT;
-- idx_properties_user_status.
SELECT id, title, price FROM owner_properties WHERE user_id = md5('user-7')::UUID::TEXT AND status = 'available';
-- idx_properties_price.
SELECT id, title, price FROM owner_properties WHERE price BETWEEN 500000 AND 505000;
-- idx_properties_location.
SELECT id, title, price FROM owner_properties
WHERE location = (SELECT location FROM owner_properties WHERE id = md5('property-77')::UUID::TEXT);
-- idx_properties_type.
SELECT id, title, price FROM owner_properties WHERE property_type = 'warehouse' AND status = 'available';
-- idx_properties_search: full-text search.
SELECT id, title, price FROM owner_properties
WHERE to_tsvector('arabic', title || ' ' || COALESCE(description, '')) @@ plainto_tsquery('arabic', 'قبو') LIMIT 20;

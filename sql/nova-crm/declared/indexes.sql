-- The 25 indexes of Nova CRM, with the query each one serves.

-- Login. users_email_key, which the schema brings, covers the same column.
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_users_email ON users (email);
-- The list of active brokers.
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_users_role_status ON users (role, status);
-- Sign-ups in a range of dates.
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_users_created_at ON users (created_at);

-- A broker's customers in one status, and their count (workload/customers_count.sql, dashboard_customers_count.sql).
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_customers_user_status ON customers (user_id, status);
-- A broker's customers, newest first (workload/customers_page.sql).
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_customers_user_created ON customers (user_id, created_at);
-- Who is calling.
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_customers_phone ON customers (phone);
-- Who is writing.
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_customers_email ON customers (email);
-- The funnel, over all brokers.
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_customers_status ON customers (status);
-- Customers whom nobody has contacted for a while.
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_customers_last_contacted ON customers (last_contacted_at);
-- Search by name or phone (workload/customer_search.sql). A query has to repeat the expression exactly.
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_customers_search
    ON customers USING gin (to_tsvector('arabic', name || ' ' || COALESCE(phone, '')));

-- Totals of a broker's completed sales (workload/dashboard_sales_totals.sql).
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_sales_user_status ON sales (user_id, status);
-- A broker's latest sales (workload/dashboard_recent_sales.sql), and the daily summary without its view.
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_sales_user_created ON sales (user_id, created_at);
-- A customer's sales, and the foreign key when a customer is deleted.
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_sales_customer ON sales (customer_id);
-- Sales of one status in a range of dates, over all brokers.
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_sales_status_created ON sales (status, created_at);
-- Sales in a range of amounts.
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_sales_amount ON sales (sale_amount);

-- A broker's snapshots. The unique constraint of the schema covers the same columns.
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS idx_analytics_user_date
    ON analytics_snapshots (user_id, snapshot_date);
-- Everybody's snapshots of a range of dates.
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_analytics_date ON analytics_snapshots (snapshot_date);

-- A broker's next appointments (workload/dashboard_upcoming_appointments.sql).
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_appointments_user_date ON appointments (user_id, start_datetime);
-- Appointments that still await an outcome.
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_appointments_status ON appointments (status);
-- A customer's appointments, and the foreign key when a customer is deleted.
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_appointments_customer ON appointments (customer_id);

-- A broker's available properties.
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_properties_user_status ON owner_properties (user_id, status);
-- Properties within a budget.
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_properties_price ON owner_properties (price);
-- Properties in a district.
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_properties_location ON owner_properties (location);
-- Properties of a type.
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_properties_type ON owner_properties (property_type);
-- Search in titles and descriptions; COALESCE because a description may be missing.
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_properties_search
    ON owner_properties USING gin (to_tsvector('arabic', title || ' ' || COALESCE(description, '')));

CREATE INDEX customers_phone ON customers (phone);
CREATE INDEX sales_customer ON sales (customer_id, created_at);
CREATE INDEX sales_open ON sales (created_at) WHERE status = 'open';
COMMENT ON INDEX sales_open IS 'the list of open sales';

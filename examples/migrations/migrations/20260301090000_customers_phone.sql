-- no-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS customers_phone ON customers (phone);

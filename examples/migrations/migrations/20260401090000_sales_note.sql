SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '10s';

ALTER TABLE sales ADD COLUMN IF NOT EXISTS note text;

-- Tables to try it on. They are not pgtend's business: your migration tool makes them.
CREATE TABLE customers (id bigint PRIMARY KEY, phone text NOT NULL);
CREATE TABLE sales (
    id bigint PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES customers,
    status text NOT NULL,
    amount numeric(12, 2) NOT NULL,
    created_at timestamptz NOT NULL
);
INSERT INTO customers SELECT n, '+49 30 ' || n FROM generate_series(1, 1000) n;
INSERT INTO sales
SELECT n, 1 + n % 1000, CASE n % 20 WHEN 0 THEN 'open' ELSE 'completed' END, n % 900,
       timestamptz '2026-01-01 00:00+00' + n * interval '10 minutes'
FROM generate_series(1, 20000) n;

-- What tests/it/twin.rs plans on: every access method, partitions, extended statistics, expressions,
-- a table that was never analyzed, an empty one, hostile names. :scale multiplies its rows.
CREATE TYPE mood AS ENUM ('new', 'paid', 'shipped', 'returned', 'lost');
CREATE DOMAIN amount AS numeric(12, 2) CHECK (VALUE >= 0);
CREATE TABLE customers (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email varchar(80) NOT NULL, name text,
  country char(2), signup date, tags text[], vip boolean, dropped int
);
ALTER TABLE customers DROP COLUMN dropped;
CREATE TABLE orders (
  id bigint PRIMARY KEY, customer_id bigint NOT NULL REFERENCES customers (id), status mood NOT NULL,
  placed_at timestamptz NOT NULL, total amount, city text, zip text, note text,
  search tsvector, span int4range
) WITH (fillfactor = 90);
CREATE TABLE events (id bigint NOT NULL, at timestamptz NOT NULL, kind text, payload jsonb, user_id bigint)
  PARTITION BY RANGE (at);
DO $$
BEGIN
  FOR m IN 1..4 LOOP
    EXECUTE format(
      'CREATE TABLE events_%s PARTITION OF events FOR VALUES FROM (%L) TO (%L)', m,
      make_date(2025, m, 1), make_date(2025, m, 1) + interval '1 month'
    );
  END LOOP;
END $$;
CREATE TABLE empty_table (id int PRIMARY KEY, x text);
CREATE TABLE never_analyzed (id int, x text) WITH (autovacuum_enabled = off);
CREATE SCHEMA "We;ird";
CREATE TABLE "We;ird"."Sa""les" ("i d" int PRIMARY KEY, "Name" text, """" int);
CREATE FUNCTION "We;ird".fold(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT lower($1)';
CREATE INDEX ON orders (customer_id);
CREATE INDEX orders_open ON orders (placed_at) WHERE status IN ('new', 'paid');
CREATE INDEX ON orders USING brin (placed_at);
CREATE INDEX ON orders USING hash (city);
CREATE INDEX ON orders USING gin (search);
CREATE INDEX ON orders USING gist (span);
CREATE INDEX ON customers ("We;ird".fold(name));
CREATE INDEX ON customers (email varchar_pattern_ops);
CREATE INDEX ON customers USING gin (tags);
CREATE INDEX ON customers (country) INCLUDE (signup);
CREATE INDEX ON events (user_id, at);
CREATE INDEX ON events USING gin (payload jsonb_path_ops);
CREATE INDEX ON "We;ird"."Sa""les" (lower("Name"));
CREATE STATISTICS orders_city (ndistinct, dependencies, mcv) ON city, zip FROM orders;
CREATE STATISTICS orders_day ON (date_trunc('day', placed_at AT TIME ZONE 'UTC')) FROM orders;
INSERT INTO customers (email, name, country, signup, tags, vip)
SELECT 'user' || g || '@' || (ARRAY['a.com', 'b.com'])[1 + g % 2], 'Name ' || g % 4000,
  (ARRAY['DE', 'US', 'FR', 'EG', 'SA'])[1 + (g % 1000 * (g % 1000)) % 5], date '2020-01-01' + g % 2000,
  CASE WHEN g % 3 = 0 THEN ARRAY['t' || g % 50, 'u' || g % 7] END, g % 50 = 0
FROM generate_series(1, 10000 * :scale) AS g;
INSERT INTO orders
SELECT g, 1 + (g::bigint * 7919) % (10000 * :scale), (ARRAY['new', 'paid', 'shipped', 'returned', 'lost'])[
    CASE WHEN g % 20 = 0 THEN 1 WHEN g % 20 = 1 THEN 5 ELSE 3 END]::mood,
  timestamptz '2024-01-01' + g * interval '10 min' / :scale, (g % 2000)::numeric(12, 2), 'city' || g % 300,
  'z' || (g % 300) * 10 + g % 3, CASE WHEN g % 10 = 0 THEN repeat('n', g % 100) END,
  to_tsvector('simple', 'word' || g % 997 || ' thing' || g % 13), int4range(g % 500, g % 500 + g % 7)
FROM generate_series(1, 60000 * :scale) AS g;
INSERT INTO events
SELECT g, timestamptz '2025-01-01' + (g % 118) * interval '1 day', (ARRAY['view', 'click', 'buy', 'err'])[
    1 + (g % 40) / 13], jsonb_build_object('k', g % 100, 'tag', 't' || g % 7), 1 + (g::bigint * 31) % 5000
FROM generate_series(1, 40000 * :scale) AS g;
INSERT INTO never_analyzed SELECT g, g::text FROM generate_series(1, 20000) AS g;
INSERT INTO "We;ird"."Sa""les" SELECT g, 'N' || g, g % 9 FROM generate_series(1, 5000) AS g;
CREATE MATERIALIZED VIEW daily AS
  SELECT date_trunc('day', placed_at AT TIME ZONE 'UTC') AS day, status, count(*) AS n, sum(total) AS total
  FROM orders GROUP BY 1, 2;
CREATE UNIQUE INDEX daily_key ON daily (day, status);
CREATE VIEW open_orders AS
  SELECT o.id, o.total, c.name FROM orders AS o JOIN customers AS c ON c.id = o.customer_id
  WHERE o.status IN ('new', 'paid');
DELETE FROM orders WHERE id % 37 = 0;
VACUUM (ANALYZE) customers, orders, events, daily, empty_table, "We;ird"."Sa""les";

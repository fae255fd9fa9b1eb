-- sql-migrate's table, as its migrations find it, but empty: see prisma.sql.
CREATE TABLE IF NOT EXISTS gorp_migrations (
  id text PRIMARY KEY,
  applied_at timestamptz
);

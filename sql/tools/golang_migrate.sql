-- golang-migrate's table, as its migrations find it, but empty: see prisma.sql.
CREATE TABLE IF NOT EXISTS schema_migrations (
  version bigint PRIMARY KEY,
  dirty boolean NOT NULL
);

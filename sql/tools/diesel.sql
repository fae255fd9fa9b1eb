-- diesel's table, as its migrations find it, but empty: see prisma.sql.
CREATE TABLE IF NOT EXISTS __diesel_schema_migrations (
  version varchar(50) PRIMARY KEY,
  run_on timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP
);

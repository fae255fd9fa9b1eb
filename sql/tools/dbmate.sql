-- dbmate's table, as its migrations find it, but empty: see prisma.sql.
CREATE TABLE IF NOT EXISTS schema_migrations (
  version varchar(128) PRIMARY KEY
);

-- refinery's table, as its migrations find it, but empty: see prisma.sql.
CREATE TABLE IF NOT EXISTS refinery_schema_history (
  version integer PRIMARY KEY,
  name varchar(255),
  applied_on varchar(255),
  checksum varchar(255)
);

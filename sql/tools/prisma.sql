-- Prisma Migrate's table, as its migrations find it: empty.
-- Made before the first migration unless the base brings it. Unqualified, because it stands where the
-- tool would make it: in the first schema of the search path.
CREATE TABLE IF NOT EXISTS _prisma_migrations (
  id varchar(36) PRIMARY KEY,
  checksum varchar(64) NOT NULL,
  finished_at timestamptz,
  migration_name varchar(255) NOT NULL,
  logs text,
  rolled_back_at timestamptz,
  started_at timestamptz NOT NULL DEFAULT now(),
  applied_steps_count integer NOT NULL DEFAULT 0
);

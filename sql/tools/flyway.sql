-- Flyway's table, as its migrations find it, but empty: see prisma.sql. Its index on success is left
-- out, because two statements would be needed.
CREATE TABLE IF NOT EXISTS flyway_schema_history (
  installed_rank integer CONSTRAINT flyway_schema_history_pk PRIMARY KEY,
  version varchar(50),
  description varchar(200) NOT NULL,
  type varchar(20) NOT NULL,
  script varchar(1000) NOT NULL,
  checksum integer,
  installed_by varchar(100) NOT NULL,
  installed_on timestamp NOT NULL DEFAULT now(),
  execution_time integer NOT NULL,
  success boolean NOT NULL
);

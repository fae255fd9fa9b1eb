-- Version 2 of pgtend's own schema: what the statements had been counted at, so that differences can
-- be told later. Figures that the extension does not count are NULL.
CREATE TABLE pgtend.snapshot (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT snapshot_pkey PRIMARY KEY,
  taken_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  reset_at timestamptz,
  evictions bigint,
  started_at timestamptz NOT NULL,
  statements integer NOT NULL,
  changed integer NOT NULL,
  hidden integer NOT NULL,
  server_version_num integer NOT NULL,
  extension_version text NOT NULL,
  pgtend_version text NOT NULL
);

CREATE INDEX snapshot_taken_at_idx ON pgtend.snapshot (taken_at);

COMMENT ON TABLE pgtend.snapshot IS
'When pgtend snapshot has kept the counters of this database''s statements.';
COMMENT ON COLUMN pgtend.snapshot.id IS 'In the order in which they were taken.';
COMMENT ON COLUMN pgtend.snapshot.taken_at IS 'When, by the clock of this server.';
COMMENT ON COLUMN pgtend.snapshot.reset_at IS
'When all counters had last been reset; NULL where the extension does not tell.';
COMMENT ON COLUMN pgtend.snapshot.evictions IS
'How often the server had had to forget statements since; NULL where the extension does not tell.';
COMMENT ON COLUMN pgtend.snapshot.started_at IS 'When the server had been started.';
COMMENT ON COLUMN pgtend.snapshot.statements IS 'Statements that were counted then.';
COMMENT ON COLUMN pgtend.snapshot.changed IS 'How many of them had changed since the one before.';
COMMENT ON COLUMN pgtend.snapshot.hidden IS 'Statements of others that the role could not see.';
COMMENT ON COLUMN pgtend.snapshot.server_version_num IS 'The server''s version.';
COMMENT ON COLUMN pgtend.snapshot.extension_version IS 'The version of pg_stat_statements.';
COMMENT ON COLUMN pgtend.snapshot.pgtend_version IS 'The pgtend that took it.';

CREATE TABLE pgtend.statement (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT statement_pkey PRIMARY KEY,
  dbid oid NOT NULL,
  userid oid NOT NULL,
  queryid bigint NOT NULL,
  toplevel boolean NOT NULL,
  calls double precision,
  plans double precision,
  stats_since_epoch double precision,
  is_gone boolean NOT NULL DEFAULT false,
  CONSTRAINT statement_key UNIQUE (queryid, userid, dbid, toplevel)
);

COMMENT ON TABLE pgtend.statement IS
'The statements of the snapshots, as the last one has found them: the next one keeps what has changed.';
COMMENT ON COLUMN pgtend.statement.id IS 'What the samples name it by.';
COMMENT ON COLUMN pgtend.statement.dbid IS 'The database, as in pg_stat_statements.';
COMMENT ON COLUMN pgtend.statement.userid IS 'The role, as in pg_stat_statements.';
COMMENT ON COLUMN pgtend.statement.queryid IS 'The statement, as in pg_stat_statements.';
COMMENT ON COLUMN pgtend.statement.toplevel IS 'Whether the client itself had sent it.';
COMMENT ON COLUMN pgtend.statement.calls IS 'Executions in the last snapshot.';
COMMENT ON COLUMN pgtend.statement.plans IS 'How often it had been planned.';
COMMENT ON COLUMN pgtend.statement.stats_since_epoch IS
'Since when it was counted, in seconds since 1970; NULL before version 1.11.';
COMMENT ON COLUMN pgtend.statement.is_gone IS 'It was not counted any more.';

CREATE TABLE pgtend.statement_text (
  dbid oid NOT NULL,
  queryid bigint NOT NULL,
  query text NOT NULL,
  CONSTRAINT statement_text_pkey PRIMARY KEY (queryid, dbid)
);

COMMENT ON TABLE pgtend.statement_text IS 'The statements'' texts, each once.';
COMMENT ON COLUMN pgtend.statement_text.dbid IS 'The database.';
COMMENT ON COLUMN pgtend.statement_text.queryid IS 'The statement.';
COMMENT ON COLUMN pgtend.statement_text.query IS 'Its text, with $1, $2 in place of constants.';

CREATE TABLE pgtend.sample (
  statement bigint NOT NULL,
  snapshot bigint NOT NULL,
  stats_since_epoch double precision,
  calls double precision,
  rows double precision,
  total_ms double precision,
  min_ms double precision,
  max_ms double precision,
  stddev_ms double precision,
  plans double precision,
  plan_ms double precision,
  shared_hit_blocks double precision,
  shared_read_blocks double precision,
  shared_dirtied_blocks double precision,
  shared_written_blocks double precision,
  local_hit_blocks double precision,
  local_read_blocks double precision,
  local_dirtied_blocks double precision,
  local_written_blocks double precision,
  temp_read_blocks double precision,
  temp_written_blocks double precision,
  read_ms double precision,
  write_ms double precision,
  temp_read_ms double precision,
  temp_write_ms double precision,
  wal_records double precision,
  wal_full_page_images double precision,
  wal_bytes double precision,
  jit_functions double precision,
  jit_ms double precision,
  workers_launched double precision,
  CONSTRAINT sample_pkey PRIMARY KEY (snapshot, statement)
);

CREATE INDEX sample_statement_idx ON pgtend.sample (statement, snapshot);

COMMENT ON TABLE pgtend.sample IS
'The counters of the statements that had changed since the snapshot before.';
COMMENT ON COLUMN pgtend.sample.statement IS 'The statement''s id.';
COMMENT ON COLUMN pgtend.sample.snapshot IS 'The snapshot''s id.';
COMMENT ON COLUMN pgtend.sample.stats_since_epoch IS
'Since when it was counted, in seconds since 1970; NULL before version 1.11.';
COMMENT ON COLUMN pgtend.sample.calls IS 'Executions; NULL where the statement was not counted any more.';
COMMENT ON COLUMN pgtend.sample.rows IS 'Rows that were returned or changed.';
COMMENT ON COLUMN pgtend.sample.total_ms IS 'Execution time of all calls in ms.';
COMMENT ON COLUMN pgtend.sample.min_ms IS 'The shortest execution in ms.';
COMMENT ON COLUMN pgtend.sample.max_ms IS 'The longest execution in ms.';
COMMENT ON COLUMN pgtend.sample.stddev_ms IS 'The standard deviation of execution times in ms.';
COMMENT ON COLUMN pgtend.sample.plans IS 'How often it was planned.';
COMMENT ON COLUMN pgtend.sample.plan_ms IS 'Planning time in ms.';
COMMENT ON COLUMN pgtend.sample.shared_hit_blocks IS 'Blocks of tables and indexes found in the buffers.';
COMMENT ON COLUMN pgtend.sample.shared_read_blocks IS 'Blocks of tables and indexes that were read.';
COMMENT ON COLUMN pgtend.sample.shared_dirtied_blocks IS 'Blocks of tables and indexes that were made dirty.';
COMMENT ON COLUMN pgtend.sample.shared_written_blocks IS 'Blocks of tables and indexes that were written.';
COMMENT ON COLUMN pgtend.sample.local_hit_blocks IS 'Blocks of temporary tables found in the buffers.';
COMMENT ON COLUMN pgtend.sample.local_read_blocks IS 'Blocks of temporary tables that were read.';
COMMENT ON COLUMN pgtend.sample.local_dirtied_blocks IS 'Blocks of temporary tables that were made dirty.';
COMMENT ON COLUMN pgtend.sample.local_written_blocks IS 'Blocks of temporary tables that were written.';
COMMENT ON COLUMN pgtend.sample.temp_read_blocks IS 'Blocks of temporary files that were read.';
COMMENT ON COLUMN pgtend.sample.temp_written_blocks IS 'Blocks of temporary files that were written.';
COMMENT ON COLUMN pgtend.sample.read_ms IS 'Time for reading blocks in ms.';
COMMENT ON COLUMN pgtend.sample.write_ms IS 'Time for writing blocks in ms.';
COMMENT ON COLUMN pgtend.sample.temp_read_ms IS 'Time for reading temporary files in ms.';
COMMENT ON COLUMN pgtend.sample.temp_write_ms IS 'Time for writing temporary files in ms.';
COMMENT ON COLUMN pgtend.sample.wal_records IS 'WAL records.';
COMMENT ON COLUMN pgtend.sample.wal_full_page_images IS 'Whole pages in the WAL.';
COMMENT ON COLUMN pgtend.sample.wal_bytes IS 'Bytes of WAL.';
COMMENT ON COLUMN pgtend.sample.jit_functions IS 'Functions that were compiled.';
COMMENT ON COLUMN pgtend.sample.jit_ms IS 'Time for compiling them in ms.';
COMMENT ON COLUMN pgtend.sample.workers_launched IS 'Parallel workers that were started.';

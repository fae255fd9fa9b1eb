-- Version 1 of pgtend's own schema. `pgtend init` runs this file once, in one transaction with the
-- row that says so, with an empty search path. A file that was released is never changed: what
-- comes later is the next file.
CREATE TABLE pgtend.version (
  version integer CONSTRAINT version_pkey PRIMARY KEY,
  installed_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
  pgtend_version text NOT NULL,
  made_schema boolean NOT NULL
);

COMMENT ON TABLE pgtend.version IS
'The versions of this schema that pgtend init has installed, one row each; the highest is the one that counts.';
COMMENT ON COLUMN pgtend.version.version IS 'The version of the schema.';
COMMENT ON COLUMN pgtend.version.installed_at IS 'When it was installed.';
COMMENT ON COLUMN pgtend.version.pgtend_version IS 'The pgtend that installed it.';
COMMENT ON COLUMN pgtend.version.made_schema IS
'Whether the schema itself was made then, so that pgtend init --uninstall drops it too.';

CREATE TABLE pgtend.run (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT run_pkey PRIMARY KEY,
  command text NOT NULL,
  action text NOT NULL,
  object text COLLATE "C" NOT NULL,
  object_oid oid,
  started_at timestamptz NOT NULL,
  duration_ms double precision NOT NULL CONSTRAINT run_duration_ms_check CHECK (duration_ms >= 0),
  outcome text NOT NULL
    CONSTRAINT run_outcome_check CHECK (outcome IN ('done', 'skipped', 'failed', 'cancelled')),
  reason text NOT NULL,
  sqlstate text,
  mode text CONSTRAINT run_mode_check CHECK (mode IN ('concurrent', 'plain')),
  rows_inserted bigint,
  rows_updated bigint,
  rows_deleted bigint,
  size_bytes bigint,
  wal_bytes bigint,
  pgtend_version text NOT NULL
);

CREATE INDEX run_started_at_idx ON pgtend.run (started_at);
CREATE INDEX run_object_started_at_idx ON pgtend.run (object, started_at);
CREATE INDEX run_refreshes_idx ON pgtend.run (object_oid, started_at)
WHERE command = 'refresh' AND action = 'refresh_view' AND outcome = 'done';

COMMENT ON TABLE pgtend.run IS
'What pgtend has done, one row for each step of a job. pgtend history shows it.';
COMMENT ON COLUMN pgtend.run.id IS 'In the order in which the rows were written.';
COMMENT ON COLUMN pgtend.run.command IS 'The command: apply, refresh and the like.';
COMMENT ON COLUMN pgtend.run.action IS 'What was done, as in steps[].action of the JSON documents.';
COMMENT ON COLUMN pgtend.run.object IS 'The object, with its schema, quoted as in SQL where need be.';
COMMENT ON COLUMN pgtend.run.object_oid IS
'The object in the catalog then; NULL where it was not known.';
COMMENT ON COLUMN pgtend.run.started_at IS 'When the step began, by the clock of this server.';
COMMENT ON COLUMN pgtend.run.duration_ms IS 'From beginning to end in milliseconds, waits included.';
COMMENT ON COLUMN pgtend.run.outcome IS 'How it ended: done, skipped, failed or cancelled.';
COMMENT ON COLUMN pgtend.run.reason IS 'Why it was done, or why it ended so.';
COMMENT ON COLUMN pgtend.run.sqlstate IS
'The SQLSTATE of the statement that failed; NULL where none did.';
COMMENT ON COLUMN pgtend.run.mode IS
'Of a refresh: concurrent, so that readers went on, or plain; else NULL.';
COMMENT ON COLUMN pgtend.run.rows_inserted IS 'Rows inserted; NULL where it is not known.';
COMMENT ON COLUMN pgtend.run.rows_updated IS 'Rows updated; NULL where it is not known.';
COMMENT ON COLUMN pgtend.run.rows_deleted IS 'Rows deleted; NULL where it is not known.';
COMMENT ON COLUMN pgtend.run.size_bytes IS
'Bytes of the object afterwards; NULL where it is not known.';
COMMENT ON COLUMN pgtend.run.wal_bytes IS
'Bytes of WAL that were written meanwhile; NULL where it is not known.';
COMMENT ON COLUMN pgtend.run.pgtend_version IS 'The pgtend that did it.';

CREATE TABLE pgtend.view_state (
  view oid CONSTRAINT view_state_pkey PRIMARY KEY,
  name text NOT NULL,
  refreshed_at timestamptz NOT NULL,
  sources jsonb NOT NULL
);

COMMENT ON TABLE pgtend.view_state IS
'What each materialized view was made of when pgtend last refreshed it; a later refresh compares.';
COMMENT ON COLUMN pgtend.view_state.view IS 'The materialized view in the catalog.';
COMMENT ON COLUMN pgtend.view_state.name IS
'Its name then, with its schema: after a restore the number may be that of another view.';
COMMENT ON COLUMN pgtend.view_state.refreshed_at IS 'When it was refreshed.';
COMMENT ON COLUMN pgtend.view_state.sources IS
'The relations that it reads, and how much each had been changed.';

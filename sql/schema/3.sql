-- Version 3 of pgtend's own schema: sizes, ages, positions and counts of objects, so that it can be told
-- how fast they grow, and when they reach a limit. A snapshot need not have the statements' counters.
ALTER TABLE pgtend.snapshot
  ALTER COLUMN extension_version DROP NOT NULL,
  ADD COLUMN system_id bigint,
  ADD COLUMN dbid oid,
  ADD COLUMN timeline text,
  ADD COLUMN measures integer,
  ADD COLUMN measures_changed integer;

COMMENT ON TABLE pgtend.snapshot IS
'When pgtend snapshot has kept the counters of this database''s statements, and the measures of its objects.';
COMMENT ON COLUMN pgtend.snapshot.extension_version IS
'The version of pg_stat_statements; NULL where it counted nothing, and the statements are not known.';
COMMENT ON COLUMN pgtend.snapshot.system_id IS
'The cluster, as in pg_control_system(); NULL where the role may not know.';
COMMENT ON COLUMN pgtend.snapshot.dbid IS 'The database.';
COMMENT ON COLUMN pgtend.snapshot.timeline IS
'The timeline of its WAL: after a failover it is another, and so is the server that counts.';
COMMENT ON COLUMN pgtend.snapshot.measures IS 'Measures that were taken; NULL where none were.';
COMMENT ON COLUMN pgtend.snapshot.measures_changed IS
'How many of them had changed since the one before.';

CREATE TABLE pgtend.measure (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT measure_pkey PRIMARY KEY,
  kind text COLLATE "C" NOT NULL,
  object text COLLATE "C" NOT NULL,
  object_oid oid NOT NULL,
  reset_at timestamptz,
  since bigint NOT NULL,
  value bigint,
  CONSTRAINT measure_key UNIQUE (kind, object_oid, object)
) WITH (fillfactor = 70);

COMMENT ON TABLE pgtend.measure IS
'What the snapshots measure, as the last one has found it: the next one keeps what has changed.';
COMMENT ON COLUMN pgtend.measure.id IS 'What the measurements name it by.';
COMMENT ON COLUMN pgtend.measure.kind IS 'What is measured: table_bytes, sequence_value, wal_position …';
COMMENT ON COLUMN pgtend.measure.object IS
'Of what: the object, with its schema, quoted as in SQL where need be.';
COMMENT ON COLUMN pgtend.measure.object_oid IS 'The object in the catalog; 0 where it has no oid.';
COMMENT ON COLUMN pgtend.measure.reset_at IS
'When the server had last reset what it counts; NULL where it never did, or counts nothing.';
COMMENT ON COLUMN pgtend.measure.since IS
'The snapshot with which this run of values begins: there is no reset in it.';
COMMENT ON COLUMN pgtend.measure.value IS
'The value in the last snapshot; NULL where there was none any more.';

CREATE TABLE pgtend.measurement (
  measure bigint NOT NULL,
  snapshot bigint NOT NULL,
  value bigint,
  CONSTRAINT measurement_pkey PRIMARY KEY (measure, snapshot)
);

COMMENT ON TABLE pgtend.measurement IS
'The values that had changed since the snapshot before.';
COMMENT ON COLUMN pgtend.measurement.measure IS 'The measure''s id.';
COMMENT ON COLUMN pgtend.measurement.snapshot IS 'The snapshot''s id.';
COMMENT ON COLUMN pgtend.measurement.value IS
'Bytes, rows, transactions or a count; NULL where there was none any more.';

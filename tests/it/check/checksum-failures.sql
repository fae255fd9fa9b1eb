-- from: 18
-- finds: {database}
CREATE TABLE t (id int, name text);
INSERT INTO t SELECT n, repeat('x', 100) FROM generate_series(1, 1000) AS n;
CREATE INDEX t_name ON t (name, id);
DO $$
BEGIN
  -- The pages of a new index are on disk and in no buffer.
  EXECUTE format('COPY (SELECT) TO PROGRAM %L', format(
    'cat >/dev/null; printf damaged | dd of=%s bs=1 seek=12288 conv=notrunc status=none', pg_relation_filepath('t_name')
  ));
  SET LOCAL enable_seqscan = off;
  PERFORM count(name) FROM t WHERE name > 'a';
EXCEPTION WHEN data_corrupted THEN
  NULL;
END $$;
-- good

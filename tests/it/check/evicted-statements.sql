-- finds: pg_stat_statements.max
-- setting: pg_stat_statements.max = 100
CREATE EXTENSION pg_stat_statements;
SET pg_stat_statements.track = 'all';
DO $$
BEGIN
  FOR n IN 1..400 LOOP
    EXECUTE 'SELECT ' || repeat('1, ', n) || '1';
  END LOOP;
END $$;
-- good

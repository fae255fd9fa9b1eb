-- finds: sequential_scans.t
CREATE TABLE t (id int);
INSERT INTO t SELECT generate_series(1, 100000);
ANALYZE t;
UPDATE pg_class SET relpages = 20000 WHERE oid = 'sequential_scans.t'::regclass;
DO $$ BEGIN FOR n IN 1..1000 LOOP PERFORM count(*) FROM t; END LOOP; END $$;
-- good
CREATE TABLE t (id int);
INSERT INTO t SELECT generate_series(1, 1000);
ANALYZE t;
UPDATE pg_class SET relpages = 20000 WHERE oid = 'sequential_scans.t'::regclass;
DO $$ BEGIN FOR n IN 1..1000 LOOP PERFORM count(*) FROM t; END LOOP; END $$;

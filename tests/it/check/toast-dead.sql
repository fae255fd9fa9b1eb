-- finds: toast_dead.t
CREATE TABLE t (id int, text text);
ALTER TABLE t ALTER text SET STORAGE EXTERNAL;
INSERT INTO t SELECT n, repeat('x', 10000) FROM generate_series(1, 100) AS n;
DELETE FROM t WHERE id > 10;
UPDATE pg_class SET relpages = 20000
WHERE oid = (SELECT reltoastrelid FROM pg_class WHERE oid = 'toast_dead.t'::regclass);
-- good
CREATE TABLE t (id int, text text);
INSERT INTO t SELECT n, repeat('x', 10000) FROM generate_series(1, 100) AS n;

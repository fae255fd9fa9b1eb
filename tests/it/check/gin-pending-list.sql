-- finds: gin_pending_list.t_tags
CREATE EXTENSION pgstattuple;
CREATE TABLE t (tags int[]);
CREATE INDEX t_tags ON t USING gin (tags) WITH (gin_pending_list_limit = 1000000);
INSERT INTO t SELECT ARRAY[n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7] FROM generate_series(1, 100000) AS n;
-- good
CREATE EXTENSION pgstattuple;
CREATE TABLE t (tags int[]);
INSERT INTO t SELECT ARRAY[n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7] FROM generate_series(1, 100000) AS n;
CREATE INDEX t_tags ON t USING gin (tags);
CREATE INDEX t_at_once ON t USING gin (tags) WITH (fastupdate = off);
INSERT INTO t SELECT ARRAY[n] FROM generate_series(1, 1000) AS n;

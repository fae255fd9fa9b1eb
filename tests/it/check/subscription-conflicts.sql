-- from: 18
-- finds: subscription differs
-- setting: wal_level = logical
CREATE TABLE t (id int PRIMARY KEY);
INSERT INTO t VALUES (1);
CREATE PUBLICATION of_what_differs FOR TABLE t;
-- then
SELECT pg_create_logical_replication_slot('differs', 'pgoutput');
-- then
CREATE SUBSCRIPTION differs CONNECTION '{connection}' PUBLICATION of_what_differs
WITH (create_slot = false, copy_data = false);
-- then
DELETE FROM t;
-- good

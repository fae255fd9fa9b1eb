-- from: 15
-- finds: subscription to_itself
-- setting: wal_level = logical
CREATE TABLE t (id int PRIMARY KEY);
CREATE PUBLICATION of_itself FOR TABLE t;
-- then
SELECT pg_create_logical_replication_slot('to_itself', 'pgoutput');
-- then
CREATE SUBSCRIPTION to_itself CONNECTION '{connection}' PUBLICATION of_itself
WITH (create_slot = false, copy_data = false);
-- then
INSERT INTO t VALUES (1);
-- good

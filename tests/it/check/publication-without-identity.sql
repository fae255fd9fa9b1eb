-- finds: publication_without_identity.t
-- setting: wal_level = logical
CREATE TABLE t (id int);
CREATE PUBLICATION of_t FOR TABLE t;
-- good
CREATE TABLE t (id int);
CREATE TABLE k (id int PRIMARY KEY);
CREATE TABLE f (id int);
ALTER TABLE f REPLICA IDENTITY FULL;
CREATE TABLE parent (id int) PARTITION BY LIST (id);
CREATE TABLE child PARTITION OF parent FOR VALUES IN (1);
ALTER TABLE child REPLICA IDENTITY FULL;
CREATE PUBLICATION of_inserts FOR TABLE t WITH (publish = 'insert');
CREATE PUBLICATION of_all FOR TABLE k, f, parent;

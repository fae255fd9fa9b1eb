-- finds: index_larger_than_table.t
CREATE TABLE t (id int);
CREATE INDEX t_id ON t USING hash (id);
UPDATE pg_class SET relpages = 200000 WHERE oid = 'index_larger_than_table.t_id'::regclass;
-- good
CREATE TABLE t (id int);
CREATE INDEX t_id ON t (id);

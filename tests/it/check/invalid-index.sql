-- finds: invalid_index.t_id
CREATE TABLE t (id int);
CREATE UNIQUE INDEX t_id ON t (id);
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'invalid_index.t_id'::regclass;
-- good
CREATE TABLE t (id int);
CREATE UNIQUE INDEX t_id ON t (id);

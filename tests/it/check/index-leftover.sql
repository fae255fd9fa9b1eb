-- finds: index_leftover.t_id_ccnew
CREATE TABLE t (id int);
CREATE INDEX t_id ON t (id);
CREATE INDEX t_id_ccnew ON t (id);
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'index_leftover.t_id_ccnew'::regclass;
-- good
CREATE TABLE t (id int);
CREATE INDEX t_id_ccnew ON t (id);

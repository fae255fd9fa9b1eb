-- finds: {database}
UPDATE pg_database SET datfrozenxid = '3900000000' WHERE datname = current_database();
-- good
CREATE TABLE t (id int);

-- finds: {database}
CREATE TABLE t (id int);
UPDATE pg_class SET relminmxid = '3500000000' WHERE oid = 'multixact_wraparound.t'::regclass;
UPDATE pg_database SET datminmxid = '3500000000' WHERE datname = current_database();
-- good
CREATE TABLE t (id int);

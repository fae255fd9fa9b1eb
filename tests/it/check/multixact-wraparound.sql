-- finds: {database}
UPDATE pg_database SET datminmxid = '3500000000' WHERE datname = current_database();
-- good
CREATE TABLE t (id int);

-- finds: session *
CREATE TABLE t (id int);
-- stays
BEGIN;
LOCK TABLE t IN EXCLUSIVE MODE;
-- waits
INSERT INTO t VALUES (1);
-- good

-- finds: prepared transaction forgotten
CREATE TABLE t (id int);
-- then
BEGIN;
LOCK TABLE t IN EXCLUSIVE MODE;
PREPARE TRANSACTION 'forgotten';
-- waits
INSERT INTO t VALUES (1);
-- good

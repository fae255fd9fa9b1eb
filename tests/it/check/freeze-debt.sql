-- finds: freeze_debt.t
CREATE TABLE t (id int);
UPDATE pg_class SET relpages = 2000000, relfrozenxid = '4150000000' WHERE oid = 'freeze_debt.t'::regclass;
-- good
CREATE TABLE t (id int);
UPDATE pg_class SET relpages = 2000000, relallvisible = 2000000, relfrozenxid = '4150000000'
WHERE oid = 'freeze_debt.t'::regclass;

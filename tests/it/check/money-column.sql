-- finds: money_column.t
CREATE TABLE t (id int, a money);
-- good
CREATE TABLE t (id int, a numeric);

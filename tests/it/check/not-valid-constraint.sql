-- finds: t_check on not_valid_constraint.t
CREATE TABLE t (id int);
ALTER TABLE t ADD CONSTRAINT t_check CHECK (id > 0) NOT VALID;
-- good
CREATE TABLE t (id int, CONSTRAINT t_check CHECK (id > 0));

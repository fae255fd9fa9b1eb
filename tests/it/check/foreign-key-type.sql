-- finds: t_parent_fkey on foreign_key_type.t
CREATE TABLE p (id bigint PRIMARY KEY);
CREATE TABLE t (parent int REFERENCES p);
-- good
CREATE TABLE p (id bigint PRIMARY KEY);
CREATE TABLE t (parent bigint REFERENCES p);

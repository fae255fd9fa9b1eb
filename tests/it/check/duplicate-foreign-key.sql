-- finds: t_parent_fkey1 on duplicate_foreign_key.t
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE t (parent int REFERENCES p, FOREIGN KEY (parent) REFERENCES p);
-- good
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE t (parent int REFERENCES p, other int REFERENCES p);

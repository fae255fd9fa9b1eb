-- finds: redundant_index.t_name
CREATE TABLE t (id int PRIMARY KEY, name text);
CREATE INDEX t_name ON t (name);
CREATE INDEX t_name_id ON t (name, id);
-- good
CREATE TABLE t (id int PRIMARY KEY, name text);
CREATE INDEX t_name ON t USING hash (name);
CREATE INDEX t_name_some ON t (name) WHERE id > 5;
CREATE INDEX t_name_included ON t (name DESC) INCLUDE (id);
CREATE INDEX t_name_id ON t (name, id);

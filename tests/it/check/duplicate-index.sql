-- finds: duplicate_index.t_twin
CREATE TABLE t (id int PRIMARY KEY, name text);
CREATE INDEX t_twin ON t (id);
-- good
CREATE TABLE t (id int PRIMARY KEY, name text);
CREATE INDEX t_id_c ON t (name COLLATE "C");
CREATE INDEX t_id_default ON t (name);
CREATE INDEX t_pattern ON t (name text_pattern_ops);
CREATE INDEX t_desc ON t (id DESC);
CREATE INDEX t_lower ON t (lower(name));
CREATE INDEX t_upper ON t (upper(name));
CREATE INDEX t_some ON t (name) WHERE id > 5;

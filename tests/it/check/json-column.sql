-- finds: json_column.t
CREATE TABLE t (id int, a json);
-- good
CREATE TABLE t (id int, a jsonb);

-- finds: char_column.t
CREATE TABLE t (id int, a char(5));
-- good
CREATE TABLE t (id int, a text);
